"""A request that no longer fits in what a process holds: it is rewritten while it passes, and cannot be sent twice."""

import asyncio
import json
from pathlib import Path

import pytest

from ari import keys
from ari.deps import Deps
from ari.gateway import Gateway
from ari.gateway.body_budget import BodyBudget
from ari.instance import Instance
from ari.integrations.ai_rules.change_aliases import set_aliases
from ari.keys import NewKey
from ari.server import build_app
from tests.support import asgi
from tests.support.gateway import CHAT, PROVIDER_KEY, environment_of
from tests.support.instances import opened
from tests.support.providers import stand_in

gateways: list[Gateway] = []


class SmallGateway(Gateway):
    """It keeps ten bytes of large bodies."""

    def __init__(self, instance: Instance) -> None:
        super().__init__(instance)
        self.body_budget = BodyBudget(10)
        gateways.append(self)


def test_a_refused_question_is_not_asked_again(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 that says to retry, once; the next request goes without the question."""
    monkeypatch.setattr("ari.gateway.Gateway", SmallGateway)

    async def run() -> None:
        with stand_in(PROVIDER_KEY) as provider, opened(data_dir, None) as base:
            instance = Instance(base.settings, base.clock, base.database, environment_of(provider))
            new = NewKey("k", scopes=("ai:openai",))
            made = Deps(instance).do_sync(keys.create, new)
            guard = build_app(instance)
            await guard.start()
            for model, wanted in (("gpt-x", 200), ("no-options", 503), ("no-options", 200)):
                body = json.dumps({"model": model, "stream": True, "messages": []}).encode()
                headers = [
                    (b"host", b"127.0.0.1:3000"),
                    (b"x-api-key", made.secret.encode()),
                    (b"content-type", b"application/json"),
                    (b"transfer-encoding", b"chunked"),
                ]
                response = await asgi.call(guard, "POST", CHAT.encode(), headers, body)
                assert response.status == wanted, response.body
                asked = "stream_options" in provider.last.json
                assert asked is (model == "gpt-x" or wanted == 503)
                if wanted == 503:
                    said = [response.headers[name] for name in ("x-should-retry", "retry-after")]
                    assert said == ["true", "1"]
                else:
                    assert response.body.endswith(b"data: [DONE]\n\n")
                    assert b"prompt_tokens" not in response.body
            await gateways.pop().close()
            await guard.stop()

    asyncio.run(run())


def test_an_alias_never_reaches_a_provider(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that there is no room to read is a 503 if it could name one; other requests pass."""
    monkeypatch.setattr("ari.gateway.Gateway", SmallGateway)

    async def run() -> None:
        with stand_in(PROVIDER_KEY) as provider, opened(data_dir, None) as base:
            instance = Instance(base.settings, base.clock, base.database, environment_of(provider))
            Deps(instance).do_sync(set_aliases, {"fast": ["openai/gpt-5-mini"]})
            made = Deps(instance).do_sync(keys.create, NewKey("k", scopes=("ai:openai",)))
            guard = build_app(instance)
            await guard.start()
            headers = [
                (b"host", b"127.0.0.1:3000"),
                (b"x-api-key", made.secret.encode()),
                (b"content-type", b"application/json"),
                (b"transfer-encoding", b"chunked"),
            ]
            body = json.dumps({"model": "fast", "messages": []}).encode()
            refused = await asgi.call(guard, "POST", CHAT.encode(), headers, body)
            assert (refused.status, provider.seen) == (503, [])
            listed = await asgi.call(guard, "GET", b"/api/ai/openai/v1/models", headers[:2])
            assert listed.status == 200
            await gateways.pop().close()
            await guard.stop()

    asyncio.run(run())
