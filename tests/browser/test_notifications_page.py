"""Settings > Notifications, the mailed links and the changed address, in a real browser against a stand-in for Resend."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from ari.accounts.model import EMAIL_LENGTH
from tests.browser.steps import sign_in
from tests.support.owner import EMAIL, PASSWORD, Owner
from tests.support.ports import free_port
from tests.support.resend import KEY, StandIn, stand_in
from tests.support.server import ServerProcess

NOTIFICATIONS = "/settings/notifications"
SENDER = "ARI <ari@example.net>"
NEW = "nine loud starlings 77"


@pytest.fixture(scope="module")
def mail() -> Iterator[StandIn]:
    """What takes this module's mails."""
    with stand_in() as made:
        yield made


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, mail: StandIn) -> Iterator[Owner]:
    """An owner of this module's own, whose instance mails; its clock moves."""
    folder = tmp_path_factory.mktemp("instance") / "data"
    folder.mkdir(mode=0o700)
    settings = {
        "ARI_ADMIN_EMAIL": EMAIL,
        "ARI_ADMIN_PASSWORD": PASSWORD,
        "RESEND_API_KEY": KEY,
        "ARI_RESEND_URL": mail.url,
        "ARI_MAIL_FROM": SENDER,
    }
    server = ServerProcess(folder, settings=settings)
    server.settings["ARI_PUBLIC_URL"] = server.url
    server.start()
    found = Owner(server)
    yield found
    found.close()
    server.kill()
