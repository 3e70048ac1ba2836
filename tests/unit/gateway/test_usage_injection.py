"""The injector is added where the caller did not ask, in bodies of any size, and nothing else is changed."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.usage_injection import (
    PADDING,
    REFUSED_SECONDS,
    OptionSupport,
    UsageInjector,
    inject,
    inject_stream,
    is_refusal,
    may_be_refusal,
    may_inject,
)
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider

CHAT, JSON = "/v1/chat/completions", b"application/json"
CUTS = st.lists(st.integers(1, 20), min_size=1, max_size=6)


def inject_usage(body: bytes, sizes: list[int] | None = None, *, refuses: bool = False) -> tuple[UsageInjector, bytes]:
    injector, out, at, turn = UsageInjector(lambda _: refuses), b"", 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)] if sizes else len(body)
        out += injector.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    return injector, out + injector.finish()


def test_whatever_else_is_in_the_body_stays_as_it_was_written() -> None:
    """Numbers, spaces, order."""
    body = b' {"model": "m", "stream" :true,"seed":12345678901234567890,"x":1.10 }\n'
    injector, changed = inject(body, lambda _: False)
    assert changed == body.replace(b" }\n", b',"stream_options":{"include_usage":true} }\n')
    assert (injector.injected, injector.model) == (True, "m")


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (b'{"stream":true,"stream_options":{"a":1}}', {"a": 1, "include_usage": True}),
        (b'{"stream_options":{"include_usage":false},"stream":true}', {"include_usage": True}),
        (b'{"stream_options":null,"stream":true,"messages":["}"]}', {"include_usage": True}),
        (b'{"stream_options":{"a":1},"stream":true,"stream_options":{"b":2}}', {"b": 2, "include_usage": True}),
        (b'{"stream":false,"\\u0073tream":true}', {"include_usage": True}),
    ],
)
def test_options_of_the_caller_stay(body: bytes, options: Any) -> None:
    """Also where they come first: there is one member of the name, and servers may refuse two."""
    for sizes in (None, [1], [7]):
        injector, changed = inject_usage(body, sizes)
        assert injector.injected
        assert json.loads(changed)["stream_options"] == options
        assert changed.count(b'"stream_options"') == 1
        assert {**json.loads(changed), "stream_options": None} == {**json.loads(body), "stream_options": None}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m"}',
        b'{"model":"m","stream":false}',
        b'{"stream":true,"stream":false}',
        b'{"stream_options":{"include_usage":true},"stream":true}',
        b'{"stream":true,"stream_options":{"include_usage":true},"x":{"stream_options":{}}}',
        b'{"x":{"stream":true},"y":[{"stream":true}],"z":"\\"stream\\":true"}',
        b'{"stream":true,"stream_options":[]}',
        b'{"stream":"yes"}',
        b'["stream",true]',
        b'{"stream":true,',
        b'{"stream":true,"stream_options":{"a":1}',
        b'{"stream":true,"stream_opt',
        b"",
        b"{",
        b"{}",
        b"x",
        b"\xff{",
    ],
)
def test_other_bodies_are_not_touched(body: bytes) -> None:
    """They go on byte for byte, whole or in parts."""
    for sizes in (None, [1], [5, 2]):
        injector, changed = inject_usage(body, sizes)
        assert changed == body
        assert not injector.injected
    assert inject(body, lambda _: False)[1] is body


@pytest.mark.parametrize("options", [b'{"x":"' + b"x" * 5_000 + b'"}', b'{"include_usage":false' + b" " * 5_000 + b"}"])
def test_long_options_do_not_hide_the_usage(options: bytes) -> None:
    """Only a body that isn't held whole goes on as it is."""
    body = b'{"stream":true,"stream_options":' + options + b"}"
    injector, changed = inject(body, lambda _: False)
    assert injector.injected
    assert json.loads(changed)["stream_options"]["include_usage"] is True
    assert inject_usage(body, [1_000])[1] == body


def test_a_stream_is_asked_unless_its_model_refuses() -> None:
    """Such a body is not touched."""
    injector, changed = inject_usage(b'{"stream":true,"model":"m"}', refuses=True)
    assert (changed, injector.injected) == (b'{"stream":true,"model":"m"}', False)


_MEMBERS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["model", "stream", "stream_options", "messages", "a", "\u00e9\\"]),
    st.sampled_from([None, True, False, "m", 1, {}, {"include_usage": False}, {"x": [1, {"y": '"}'}]}, []]),
)


@given(_MEMBERS, CUTS, st.booleans(), st.booleans())
def test_cuts_do_not_matter(document: dict[str, Any], sizes: list[int], plain: bool, spaced: bool) -> None:
    """And but for the options, the document is the same."""
    body = json.dumps(document, ensure_ascii=plain, indent=1 if spaced else None).encode()
    injector, changed = inject_usage(body)
    again = inject_usage(body, sizes)
    assert (again[1], again[0].injected, again[0].model) == (changed, injector.injected, injector.model)
    assert len(changed) <= len(body) + PADDING
    found = json.loads(changed)
    options = found.pop("stream_options", None)
    assert found == {key: value for key, value in document.items() if key != "stream_options"}
    if injector.injected:
        assert options == {**(document.get("stream_options") or {}), "include_usage": True}
    else:
        assert options == document.get("stream_options")


_PAIRS = st.lists(
    st.tuples(
        st.sampled_from(["model", "stream", "stream", "\\u0073tream", "stream_options", "streams", "a"]),
        st.sampled_from(["true", "false", "null", '"m"', '"n"', "NaN", '{"stream":true}', '"stream"', "{}"]),
    ),
    max_size=6,
)


@given(_PAIRS, st.sampled_from(["", " ", "\n"]), st.sampled_from(["", " ", "}", "x"]))
def test_a_plain_body_is_rewritten_as_it_would_be_in_parts(pairs: list[Any], gap: str, after: str) -> None:
    """The fast way never decides otherwise: names that come twice, escaped names, and no JSON."""
    members = ",".join(f'{gap}"{name}":{value}' for name, value in pairs)
    body = f"{{{members}{gap}}}{after}".encode()
    walked, expected = inject_usage(body)
    injector, changed = inject(body, lambda _: False)
    assert (changed, injector.injected) == (expected if walked.injected else body, walked.injected)
    assert not injector.injected or injector.model == walked.model


@pytest.mark.parametrize("body", [b'{"stream":true}', b'{"stream":false}', b'{"stream_options":{"a":1},"stream":true}'])
def test_a_stream_has_the_length_that_was_announced(body: bytes) -> None:
    """Asked or not: what is missing is spaces, which JSON allows."""

    async def pieces() -> Any:
        for at in range(0, len(body), 4):
            yield body[at : at + 4]

    async def join(length: int | None) -> bytes:
        changed = inject_stream(UsageInjector(lambda _: False), pieces(), length)
        return b"".join([one async for one in changed])

    found = asyncio.run(join(len(body)))
    assert len(found) == len(body) + PADDING
    assert json.loads(found)["stream"] == json.loads(body)["stream"]
    assert asyncio.run(join(None)) == found.rstrip()


def test_who_may_be_asked() -> None:
    """Mistral reports anyway, and refuses fields that it does not know."""
    openai, mistral = get_provider("openai"), get_provider("mistral")
    assert may_inject(openai, "POST", CHAT, JSON)
    assert may_inject(openai, "POST", CHAT, b"application/json; charset=utf-8")
    assert may_inject(openai, "POST", "/v1/completions", b"")
    assert may_inject(get_provider("gemini"), "POST", "/v1beta/openai/chat/completions", JSON)
    assert not may_inject(mistral, "POST", CHAT, JSON)
    assert not may_inject(openai, "GET", CHAT, JSON)
    assert not may_inject(openai, "POST", "/v1/responses", JSON)
    assert not may_inject(openai, "POST", CHAT, b"multipart/form-data")


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"Unknown parameter.","param":"stream_options"}}',
        b'{"error":{"param":"stream_options.include_usage"}}',
        b'{"object":"error","param":"stream_options"}',
        b'{"detail":[{"loc":["body","model"]},{"loc":["body","stream_options","include_usage"]}]}',
    ],
)
def test_a_refusal_names_exactly_the_option(body: bytes) -> None:
    """In the two forms of an error that name a member; only with a status of bad input."""
    for status in (400, 422):
        assert is_refusal(status, body)
        assert may_be_refusal(status, body, accepts=True)
    for status in (401, 403, 404, 429, 500):
        assert not is_refusal(status, body)
        assert not may_be_refusal(status, body, accepts=False)


@pytest.mark.parametrize(
    "body",
    [
        b"Unrecognized request argument supplied: stream_options",
        b'{"error":{"message":"Bad name: stream_options include_usage","param":"messages"}}',
        b'{"error":{"param":["stream_options"]}}',
        b'{"detail":[{"loc":["body","messages",0,"stream_options"]}]}',
        b'{"detail":[{"loc":"stream_options"}],"error":"stream_options"}',
        b'{"detail":[{"loc":["body","stream_options","bad"]}]}',
        b'{"error":{"param":"stream_options.bad"}}',
        b'["stream_options"]',
        b"[" * 100_000,
        None,
    ],
)
def test_a_mention_of_the_option_is_no_refusal(body: bytes | None) -> None:
    """It may quote the caller. But a server that never accepted the option may refuse it in any words."""
    assert not is_refusal(400, body)
    assert not may_be_refusal(400, body, accepts=True)
    assert may_be_refusal(400, body, accepts=False)


def test_responses_are_remembered_for_a_while() -> None:
    """By server and model; the newest counts."""
    openai = get_provider("openai")
    one, other = (Credential(openai, url, "stored", True) for url in ("https://a.test/v1", "https://b.test/v1"))
    support = OptionSupport()
    support.note(one, "m", 0.0, refused=True)
    assert support.refuses(one, "m", REFUSED_SECONDS - 1)
    assert not support.refuses(one, "m", REFUSED_SECONDS + 1)
    support.note(one, "accepted", 0.0, refused=False)
    assert support.accepts(one, "accepted", REFUSED_SECONDS + 1)
    assert not support.refuses(one, "n", 1.0)
    assert not support.refuses(other, "m", 1.0)
    assert not support.accepts(one, "m", 1.0)
    support.note(one, "m", 2.0, refused=False)
    assert support.accepts(one, "m", 3.0)
    assert not support.refuses(one, "m", 3.0)
    for number in range(3_000):
        support.note(one, str(number), 4.0, refused=True)
    assert 0 < sum(support.refuses(one, str(number), 5.0) for number in range(3_000)) <= 1_000
