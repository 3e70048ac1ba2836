"""A first life of an instance, whose modules, patterns and statements all processes inherit that are forked later."""

import asyncio
import tempfile
import threading
from pathlib import Path

from ari.base.settings import load_settings
from ari.instance import Instance
from ari.server import build_app
from tests.support import asgi
from tests.support.commands import create_key

_TARGETS = (b"/api/me", b"/api/keys", b"/api/usage")
_HOST = (b"host", b"127.0.0.1:3000")


def rehearse() -> None:
    """Migrate, build the app, create a key and send requests. Leaves no thread, no file and no connection."""
    with tempfile.TemporaryDirectory(prefix="ari-rehearsal-") as folder, asyncio.Runner() as runner:
        instance = Instance.open(load_settings(data_dir=Path(folder) / "data", database_url=None), migrate=True)
        app = build_app(instance)
        runner.run(app.start())
        secret = create_key(instance, scopes=("*",)).secret
        with_key = [_HOST, (b"x-api-key", secret.encode())]
        for target, headers in [*((one, with_key) for one in _TARGETS), (b"/setup", [_HOST])]:
            response = runner.run(asgi.call(app, "GET", target, headers))
            assert response.status == 200, response
        runner.run(app.stop())
        instance.close()
    assert threading.active_count() == 1, threading.enumerate()
