"""An owner whose instance emails by a stand-in for Resend, for modules that follow what was emailed."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.owner import Owner, start_owner
from tests.support.resend import KEY, StandIn
from tests.support.server import ServerProcess


@contextmanager
def mailing_owner(folders: pytest.TempPathFactory, mail: StandIn) -> Iterator[Owner]:
    """The owner of a new instance, whose emails carry links."""
    folder = folders.mktemp("instance") / "data"
    folder.mkdir(mode=0o700)
    settings = {"RESEND_API_KEY": KEY, "ARI_RESEND_URL": mail.url, "ARI_MAIL_FROM": "ARI <ari@example.net>"}
    server = ServerProcess(folder, settings=settings)
    server.settings["ARI_PUBLIC_URL"] = server.url
    found = start_owner(server)
    try:
        yield found
    finally:
        found.close()
        server.kill()
