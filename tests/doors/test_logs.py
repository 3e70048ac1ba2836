"""The log of a real server: lines of JSON that name their request, also under hostile input."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ari.keys import token
from tests.support.gateway import CHAT, AiGateway, running_gateway
from tests.support.processes import eventually
from tests.support.providers import WAIT_SECONDS

HOSTILE = ("x\u202ey", 'a"},{"level":"critical"', "tab\tand", "{}", "%0a%00", "é" * 500)


@pytest.fixture(scope="module")
def slow_ai(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AiGateway]:
    """A gateway that logs every request that takes a millisecond, of which there may be ten a minute and reason."""
    folder = tmp_path_factory.mktemp("slow") / "data"
    with running_gateway(folder, ARI_SLOW_REQUEST_MS="1", ARI_LOG_FORMAT="json") as running:
        yield running


def test_a_slow_request_is_logged_with_its_reason(slow_ai: AiGateway) -> None:
    """Route, status and what it waited for most, here the first token of a provider."""
    client, headers = slow_ai.client(), {"x-request-id": "slow-one"}
    with ThreadPoolExecutor() as pool:
        calling = pool.submit(client.post, CHAT, json={"model": "slow", "messages": []}, headers=headers)
        assert slow_ai.provider.reached.wait(WAIT_SECONDS)
        slow_ai.owner.server.clock.advance(90)
        slow_ai.provider.gate.set()
        assert calling.result().status_code == 200
    (entry,) = eventually(lambda: [one for one in read_entries(slow_ai) if one.get("request_id") == "slow-one"])
    assert (entry["message"], entry["level"], entry["logger"]) == ("slow request", "warning", "ari.http")
    assert (entry["method"], entry["route"], entry["status"]) == ("POST", "/api/ai/openai/{path}", 200)
    assert (entry["reason"], entry["worker"]) == ("provider", 0)
    assert entry["duration_ms"] >= entry["provider_ms"] >= 90_000


def test_every_line_is_an_object_whatever_clients_send(slow_ai: AiGateway) -> None:
    """Header values, paths and names cannot break a line, and no line has a key."""
    stranger, secret = token.mint(), slow_ai.reader
    for text in HOSTILE:
        raw = text.encode()
        slow_ai.owner.api(secret).get("/api/me", headers=[(b"user-agent", raw), (b"x-request-id", raw)])
        slow_ai.owner.api(stranger).get(f"/api/keys/{stranger}", headers=[(b"referer", raw)])
        slow_ai.owner.api(secret).post("/api/keys", json={"name": text, "scopes": ["api:read"]})
    assert read_entries(slow_ai)
    assert secret not in slow_ai.owner.server.log_text()
    assert stranger not in slow_ai.owner.server.log_text()


def read_entries(ai: AiGateway) -> list[dict[str, Any]]:
    """What ARI logged; each line must be JSON."""
    path: Path = ai.owner.server.stderr_path
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
