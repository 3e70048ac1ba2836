"""The folder of a private PostgreSQL server, and the account that it runs as."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def make_home() -> Iterator[tuple[Path, dict[str, Any]]]:
    """A folder for a server, and whom to run it as."""
    folder = Path(tempfile.mkdtemp(prefix="ari-postgres-"))
    account = other_account() if os.getuid() == 0 else None
    ids: dict[str, Any] = {}
    if account is not None:
        ids = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        yield folder, ids
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def other_account() -> pwd.struct_passwd:
    """Whom a program runs as that refuses root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
