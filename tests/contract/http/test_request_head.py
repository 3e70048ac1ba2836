"""What nobody sends in earnest gets a problem document, the same on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.server import build_app
from tests.support import asgi
from tests.support.instances import opened

HOST = (b"host", b"127.0.0.1:3000")


def _get(instance: Instance, *targets: bytes) -> list[asgi.AsgiResponse]:
    new = NewKey("Prober", None, None, ("*",))
    secret = Deps(instance).do_sync(keys.create, new).secret

    async def ask() -> list[asgi.AsgiResponse]:
        guard = build_app(instance)
        await guard.start()
        try:
            headers = [HOST, (b"x-api-key", secret.encode())]
            return [await asgi.call(guard, "GET", target, headers) for target in targets]
        finally:
            await guard.stop()

    return asyncio.run(ask())


def test_control_characters_in_a_filter(data_dir: Path, database_url: str | None) -> None:
    """PostgreSQL cannot compare a NUL: 400 for any query with one, 422 for other control characters, on SQLite too."""
    targets = (b"/api/events?subject=%00", b"/api/usage?key_id=a%00b", b"/api/events?subject=%0a")
    with opened(data_dir, database_url) as instance:
        answers = _get(instance, *targets)
        assert [answer.status for answer in answers] == [400, 400, 422]
        assert b'"location":"subject"' in answers[2].body


def test_a_fault_of_ours_is_a_problem_document(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 has the form, the code and the headers of every other error."""

    async def fail(*_: Any) -> Any:
        raise RuntimeError("hunter2")

    with opened(data_dir, None) as instance:
        monkeypatch.setattr(Deps, "read", fail)
        [answer] = _get(instance, b"/api/events")
        assert answer.status == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"
        assert b'"code":"internal"' in answer.body
        assert b"hunter2" not in answer.body
