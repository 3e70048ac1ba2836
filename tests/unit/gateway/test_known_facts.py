"""Remembered facts are those that reading the whole request finds."""

import random
from typing import Any

import msgspec
import pytest

from ari.gateway.known_facts import find_facts
from ari.gateway.request_facts import FACT_HEADERS, read_facts
from ari.gateway.route import Target
from ari.http.request_head import RequestHead
from ari.integrations.providers import get_provider
from ari.integrations.upstreams import make_upstream_provider
from tests.support.seeds import choose_seed

CHAT = Target(get_provider("openai"), "/v1/chat/completions")
TARGETS = (
    CHAT,
    Target(get_provider("openai"), "/v1/responses"),
    Target(get_provider("anthropic"), "/v1/messages"),
    Target(get_provider("anthropic"), "/v1/messages/batches"),
    Target(get_provider("gemini"), "/v1beta/models/g-1:generateContent"),
    Target(get_provider("ollama"), "/api/chat"),
    Target(get_provider("openrouter"), "/api/v1/chat/completions"),
    Target(make_upstream_provider("mine", "Mine"), "/v1/chat/completions"),
)
MESSAGES: tuple[Any, ...] = (
    [],
    "text",
    None,
    {},
    [{"role": "user", "content": "Hello"}],
    [
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 5_000}}],
        }
    ],
    [{"tools": [{"type": "image_generation"}], "model": "other", "fallbacks": ["other"]}],
)
VALUES: tuple[Any, ...] = (
    "gpt-5",
    "a,b",
    "",
    1,
    True,
    None,
    [],
    {},
    1.0,
    ["gpt-5"],
    [{"type": "function"}],
    {"model": "x"},
    [1, 2],
)
NAMES = (
    *("model", "Model", "models", "stream", "n", "tools", "prompt", "input", "max_tokens", "fallbacks", "background"),
    *("messages", "contents", "system", "requests", "stream_options", "best_of", "extra_body", "cachedContent"),
    *("web_search_options", "inference_geo", "generationConfig", "Messages"),
)


def _make_head(method: str = "POST", query: bytes = b"", **headers: str) -> RequestHead:
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return RequestHead("req_1", "req_1", method, "", b"", query, given, None, 0, None, 0)


def _make_body(chance: random.Random) -> bytes:
    pairs: list[tuple[str, Any]] = [("model", "gpt-5")] if chance.random() < 0.8 else []
    pairs += [(chance.choice(NAMES), chance.choice(VALUES)) for _ in range(chance.randrange(4))]
    if chance.random() < 0.8:
        pairs.append((chance.choice(("messages", "contents")), chance.choice(MESSAGES)))
    chance.shuffle(pairs)
    if chance.random() < 0.9:
        pairs = list(dict(pairs).items())
    members = (msgspec.json.encode(name) + b": " + msgspec.json.encode(value) for name, value in pairs)
    return b"{" + b",".join(members) + b"}"


def test_remembered_facts_are_the_same() -> None:
    """For all kinds of bodies, on the first request and on later ones, whatever their messages are."""
    chance = random.Random(choose_seed())
    head, differing = _make_head(content_type="application/json"), set[str]()
    for _ in range(3_000):
        target, body = chance.choice(TARGETS), _make_body(chance)
        expected = read_facts(target, head, body)
        assert find_facts(target, head, body) == expected, (target, body)
        assert find_facts(target, head, body) == expected, (target, body)
        differing.add(str(expected.problem))
    assert len(differing) > 5


@pytest.mark.parametrize(
    "head",
    [
        _make_head(content_type="application/json", x_portkey_config="x"),
        _make_head(content_type="application/json", prefer="respond-async"),
        _make_head(content_type="application/json", x_goog_fieldmask="usage"),
        _make_head(content_type="application/json", query=b"model=other"),
        _make_head(content_type="application/json", method="GET"),
        _make_head(content_type="text/plain"),
        _make_head(),
    ],
)
def test_each_head_has_its_own_facts(head: RequestHead) -> None:
    """A header or a query can choose another model, so facts of a request without it aren't used."""
    body = b'{"model": "gpt-5", "messages": []}'
    plain = find_facts(CHAT, _make_head(content_type="application/json"), body)
    assert plain.is_determined
    assert find_facts(CHAT, head, body) == read_facts(CHAT, head, body)


def test_no_other_header_is_read() -> None:
    """Facts are remembered without the headers of the request, so none but these may change them."""
    read = set[bytes]()

    class Headers(dict[bytes, bytes]):
        def get(self, name: bytes, default: Any = None) -> Any:
            read.add(name)
            return super().get(name, default)

        def __contains__(self, name: object) -> bool:
            assert isinstance(name, bytes)
            read.add(name)
            return super().__contains__(name)

    headers = Headers({b"content-type": b"application/json"})
    head = RequestHead("", "", "POST", "", b"", b"", headers, None, 0, None, 0)
    for target in TARGETS:
        read_facts(target, head, b'{"model": "gpt-5", "messages": [], "tools": [], "n": 2, "stream": true}')
    assert read == {b"content-type", *FACT_HEADERS}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": "a", "model": "b"}', b'{"model": "\xff"}', b"1", None])
def test_a_body_that_is_no_object_has_no_remembered_facts(body: bytes | None) -> None:
    """It is read as always."""
    head = _make_head(content_type="application/json")
    assert find_facts(CHAT, head, body) == read_facts(CHAT, head, body)
