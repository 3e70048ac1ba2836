"""security.md 37: no response, row, event or log of the gateway holds the provider's key; size and time are bounded."""

import json
from typing import Any

import httpx2
import pytest

from tests.support import raw
from tests.support.gateway import CHAT, PROVIDER_KEY, AiGateway

PARTS = [PROVIDER_KEY[at : at + 10].encode() for at in range(len(PROVIDER_KEY) - 9)]


def _holds_key(content: bytes) -> bool:
    return any(part in content for part in PARTS)


def test_a_refusal_of_the_key_is_reported_by_ari(ai: AiGateway) -> None:
    """502 without the provider's body, which repeats the key; the provider is named, the key is not."""
    answer = ai.client().post(CHAT, json={"model": "401"})
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_rejected")
    assert "OpenAI" in answer.json()["detail"]
    assert "Incorrect" not in answer.text
    assert not _holds_key(answer.content)


@pytest.mark.parametrize("model", ["400-key", "403-key", "404-key", "429-key", "500-key", "503-key"])
def test_the_key_is_masked_in_any_other_error(ai: AiGateway, model: str) -> None:
    """The rest of the provider's words stays, under its own status."""
    answer = ai.client().post(CHAT, json={"model": model})
    assert answer.status_code == int(model[:3])
    assert answer.json()["error"]["message"] == "Something about sk-p…4Mq8, or sk-p…4Mq8 of it."
    assert not _holds_key(answer.content)


def test_the_key_is_covered_in_good_responses(ai: AiGateway) -> None:
    """In a body, in a stream that is cut anywhere, in headers; the length and everything else stay."""
    hidden = "*" * len(PROVIDER_KEY)
    whole = ai.client().post(CHAT, json={"model": "echo"})
    assert whole.json() == {"model": "echo", "key": hidden}
    assert len(whole.content) == int(whole.headers["content-length"])
    assert whole.headers["x-ratelimit-key"] == "***"
    assert whole.headers["x-provider-request-id"] == "***"
    for model in ("echo-stream", "echo-gzip"):
        answer = ai.client().post(CHAT, json={"model": model})
        assert answer.text.count(hidden) == (20 if model == "echo-stream" else 1)
        assert not _holds_key(answer.content)
        used = ai.read_usage(answer.headers["x-request-id"])
        assert not _holds_key(json.dumps(used).encode())


def test_the_key_is_no_name_of_a_model(ai: AiGateway) -> None:
    """A provider that calls its model by the key puts it in no log."""
    answer = ai.client().post(CHAT, json={"model": "echo-model"})
    assert answer.status_code == 200
    assert not _holds_key(json.dumps(ai.read_usage(answer.headers["x-request-id"])).encode())
    assert not _holds_key(answer.content)


def test_another_401_is_passed_on(ai: AiGateway) -> None:
    """The key is not refused: the provider's words come with its status, and the card stays as it is."""
    for _ in range(2):
        answer = ai.client().post(CHAT, json={"model": "401-scope"})
        assert answer.status_code == 401
        assert answer.json()["error"]["message"].startswith("You have insufficient permissions")
        assert "your ARI key was accepted" in answer.json()["detail"]
    reader = ai.owner.api(ai.reader)
    assert reader.get("/api/integrations/openai").json()["failing_reason"] is None


def test_nothing_keeps_the_key(ai: AiGateway) -> None:
    """Database files, the log of the server, the usage log, the events: after every kind of failure."""
    client = ai.client()
    for model in (
        "gpt-x",
        "401",
        "400-key",
        "500-key",
        "429",
        "redirect",
        "huge",
        "gzip",
        "echo",
        "echo-stream",
        "echo-model",
    ):
        client.post(CHAT, json={"model": model})
    with pytest.raises(httpx2.RemoteProtocolError):
        client.post(CHAT, json={"model": "broken", "stream": True})
    reader = ai.owner.api(ai.reader)
    told = [reader.get(path).content for path in ("/api/usage?limit=200", "/api/events?limit=200", "/api/integrations")]
    files = [path.read_bytes() for path in ai.owner.server.data_dir.iterdir() if path.is_file()]
    assert json.loads(told[0])["items"]
    for content in (*told, *files, ai.owner.server.log_text().encode()):
        assert not _holds_key(content)


def test_a_body_has_an_end(ai: AiGateway) -> None:
    """413 by its length alone, or once too much of it came; the provider gets no whole request."""
    key = b"x-api-key: " + ai.key.encode()
    told = raw.request(ai.owner.server.port, b"POST", CHAT.encode(), key, b"content-length: 33554433")
    assert told.status == 413
    assert ai.provider.seen == []

    def endless() -> Any:
        for _ in range(600):
            yield b"x" * 65_536

    try:
        answer = ai.client().post(CHAT, content=endless())
    except httpx2.TransportError:
        pass
    else:
        assert answer.status_code == 413
    assert ai.provider.seen == []


def test_a_packed_body_is_refused(ai: AiGateway) -> None:
    """No bombs, and nothing that the meter would have to unpack."""
    answer = ai.client().post(CHAT, content=b"x", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415
    assert ai.provider.seen == []
