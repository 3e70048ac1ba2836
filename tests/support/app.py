"""The app in this process, without a server: requests with API keys, cookies or nothing."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ari.deps import Deps
from ari.instance import Instance
from ari.server import build_app
from ari.usage.model import UsageRow
from tests.support import asgi, made_once
from tests.support.asgi import AsgiResponse
from tests.support.commands import create_key
from tests.support.instances import opened
from tests.support.usage import rows_of

HOST = (b"host", b"127.0.0.1:3000")


class App:
    """Call it to send a request; ``instance`` is what it serves."""

    def __init__(self, instance: Instance) -> None:
        made_once.keep_here()
        self.instance = instance
        self.app = build_app(instance)
        self._runner = asyncio.Runner()
        self._runner.run(self.app.start())

    def __call__(
        self, method: str, target: str, key: str | None = None, content: object = None, **headers: str
    ) -> AsgiResponse:
        """Send one request; ``content`` is sent as JSON, ``headers`` with ``-`` for ``_``."""
        lines = [HOST]
        body = b""
        if key is not None:
            lines.append((b"x-api-key", key.encode()))
        if content is not None:
            body = json.dumps(content).encode()
            lines += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        lines += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        return self._runner.run(asgi.call(self.app, method, target.encode(), lines, body))

    def key(self, *scopes: str, name: str = "n") -> str:
        """The secret of a new key."""
        return create_key(self.instance, name, scopes=scopes or ("*",)).secret

    def rows(self) -> list[UsageRow]:
        """The usage log, newest first."""
        return rows_of(self.instance.database)

    def events(self) -> list[str]:
        """The names of the events, newest first."""
        return [event.name for event in Deps(self.instance).read_sync(lambda tx: tx.events.page(None, None, 100))]

    def close(self) -> None:
        """Stop as a server would."""
        self._runner.run(self.app.stop())
        self._runner.close()


@contextmanager
def running_app(data_dir: Path, database_url: str | None = None, **settings: object) -> Iterator[App]:
    """The app on a new instance, stopped at the end; on SQLite without a URL."""
    with opened(data_dir, database_url, **settings) as instance:
        app = App(instance)
        try:
            yield app
        finally:
            app.close()


def content_of(response: AsgiResponse) -> Any:
    """The JSON of a response."""
    return json.loads(response.body)
