"""security.md 7: a bug in ARI is an ordinary 500 that shows nothing of it, whichever endpoint it is in."""

import asyncio
import json
from pathlib import Path

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.server import build_app
from tests.support import asgi
from tests.support.instances import opened

HOST = (b"host", b"127.0.0.1:3000")


def test_an_endpoint_that_fails_responds_with_a_problem(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, with the id of the request to look for in the log."""
    with opened(data_dir, None) as instance:
        new = NewKey("k", scopes=("*",))
        made = Deps(instance).do_sync(keys.create, new)

        async def fail(*_: object) -> None:
            raise RuntimeError("a secret of the code")

        monkeypatch.setattr(Deps, "read", fail)
        answer = asyncio.run(_ask(instance, (b"x-api-key", made.secret.encode())))
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert json.loads(answer.body)["code"] == "internal"
    assert answer.headers["x-request-id"] == json.loads(answer.body)["request_id"]
    assert b"secret of the code" not in answer.body


async def _ask(instance: Instance, key: tuple[bytes, bytes]) -> asgi.AsgiResponse:
    guard = build_app(instance)
    await guard.start()
    try:
        return await asgi.call(guard, "GET", b"/api/keys", [HOST, key])
    finally:
        await guard.stop()
