"""A request that no longer fits in what a process holds: it is rewritten while it passes, and cannot be sent twice."""

import asyncio
import json
from pathlib import Path
from typing import Any

from ari import keys
from ari.deps import Deps
from ari.gateway.injected_body import BodyBudget
from ari.integrations.environment import read_environment
from ari.keys import NewKey
from ari.server import build_app
from tests.support import asgi
from tests.support.gateway import CHAT, PROVIDER_KEY, settings_for
from tests.support.instances import opened
from tests.support.providers import stand_in


def test_a_refused_question_is_not_asked_again(data_dir: Path) -> None:
    """503 that says to retry, once; the next request goes without the question."""

    async def run() -> None:
        with opened(data_dir, None) as instance, stand_in(PROVIDER_KEY) as provider:
            given = {name: value for name, value in settings_for(provider).items() if value is not None}
            instance._environment = read_environment(given)
            new = NewKey("k", scopes=("ai:openai",))
            made = Deps(instance).do_sync(keys.create, new)
            guard = build_app(instance)
            direct: Any = guard.table.match("POST", CHAT).policy.fast
            direct.handler.__self__.body_budget = BodyBudget(10)
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
            await direct.handler.__self__.close()
            await guard.stop()

    asyncio.run(run())
