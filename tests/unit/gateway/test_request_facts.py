"""Which models a request asks for, and how much; a model that is chosen elsewhere is not determined."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from ari.gateway.content_size import ContentSize
from ari.gateway.request_facts import RequestFacts, describe_alias_target, read_facts
from ari.gateway.route import Target
from ari.http.request_head import read_head
from ari.integrations.providers import get_provider
from tests.support.asgi import scope_of

FORM = "multipart/form-data; boundary=XX"


def _read(
    route: str,
    body: Any = None,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    query: bytes = b"",
) -> RequestFacts:
    name, slash, path = route.partition("/")
    raw = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
    given = [(key.encode(), value.encode()) for key, value in (headers or {"content-type": "application/json"}).items()]
    scope = scope_of(method, b"/api/ai/" + route.encode(), given)
    scope["query_string"] = query
    return read_facts(Target(get_provider(name), slash + path), read_head(scope, 0), raw)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("models/g-1:generateContent", {"cachedContent": "cachedContents/x"}),
        ("models/g-1:generateContent", {"cached_content": "cachedContents/x"}),
        ("models/g-1:generateContent", {"CachedContent": "cachedContents/x"}),
        ("models/g-1:countTokens", {"generateContentRequest": {"cachedContent": "cachedContents/x"}}),
        ("openai/chat/completions", {"model": "g-1", "extra_body": {"google": {"cached_content": "cachedContents/x"}}}),
        ("openai/chat/completions", {"model": "g-1", "google": {"cached_content": "cachedContents/x"}}),
    ],
)
def test_cached_content_may_bring_more_than_the_request_says(path: str, body: dict[str, Any]) -> None:
    """Another model, tools with a fee and a million tokens: none of them is in the request."""
    facts = _read(f"gemini/v1beta/{path}", body)
    assert (facts.is_determined, facts.models) == (False, ())
    plain = {name: value for name, value in body.items() if name == "model"}
    assert _read(f"gemini/v1beta/{path}", plain).is_determined


def test_a_chat_request_is_described() -> None:
    """With all that an estimate needs."""
    body = msgspec.json.encode({"model": "gpt-5", "max_tokens": 100, "n": 3, "stream": True, "messages": []})
    facts = replace(_read("openai/v1/chat/completions", body), content=None, asked=None)
    assert facts == RequestFacts(("gpt-5",), True, 100, len(body), 1, 3, True)


@pytest.mark.parametrize(
    ("route", "body", "models"),
    [
        ("openai/v1/responses", {"model": "a", "tools": [{"type": "image_generation", "model": "b"}]}, ("a", "b")),
        ("openai/v1/responses", {"model": "a", "tools": [{"type": "function"}, {"type": "web_search"}]}, ("a",)),
        ("openai/v1/responses", {"model": "a", "input": [{"tools": [{"type": "x", "model": "b"}]}]}, ("a", "b")),
        ("openrouter/api/v1/chat/completions", {"model": "a/b", "models": ["c/d", "a/b"]}, ("a/b", "c/d")),
        ("anthropic/v1/messages/batches", {"requests": [{"params": {"model": one}} for one in "ab"]}, ("a", "b")),
        ("gemini/v1beta/models/g-1:embedContent", {"model": "models/g-2"}, ("g-1", "g-2")),
        ("gemini/v1beta/models/g-1:generateContent", {"contents": []}, ("g-1",)),
        ("gemini/v1beta/models/g-1:countTokens", {"generateContentRequest": {"model": "models/g-2"}}, ("g-1", "g-2")),
        ("gemini/v1beta/tunedModels/g-1:generateContent", {}, ("tunedModels/g-1",)),
        ("gemini/v1beta/openai/embeddings", {"model": "g-1"}, ("g-1",)),
        ("ollama/api/show", {"name": "llama3", "model": "b"}, ("b", "llama3")),
        ("elevenlabs/v1/text-to-speech/v", {"model_id": "eleven_v3"}, ("eleven_v3",)),
    ],
)
def test_every_model_that_a_request_names_is_found(route: str, body: Any, models: tuple[str, ...]) -> None:
    """In the path and anywhere in the body where its provider reads one."""
    facts = _read(route, body)
    assert (facts.models, facts.is_determined, facts.problem) == (models, True, None)


def test_the_model_of_a_form_is_found() -> None:
    """Transcriptions name it in a field."""
    body = b'--XX\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--XX--\r\n'
    facts = _read("openai/v1/audio/transcriptions", body, headers={"content-type": FORM})
    assert (facts.models, facts.is_determined) == (("whisper-1",), True)
    twice = _read("openai/v1/audio/transcriptions", body[:-8] + b"\r\n" + body, headers={"content-type": FORM})
    assert not twice.is_determined


@pytest.mark.parametrize(
    ("route", "method"),
    [
        ("openai/v1/responses/resp_1", "GET"),
        ("openai/v1/responses/resp_1/cancel", "POST"),
        ("elevenlabs/v1/audio-isolation", "POST"),
        ("openai/v1/models", "GET"),
    ],
)
def test_a_request_without_a_model_is_determined(route: str, method: str) -> None:
    """It uses none."""
    facts = _read(route, b"", method=method)
    assert (facts.models, facts.is_determined) == ((), True)


@pytest.mark.parametrize(
    ("route", "body", "headers", "query"),
    [
        ("openai/v1/responses", {"prompt": {"id": "pmpt_1"}}, None, b""),
        ("openai/v1/responses", {"prompt": {"id": "pmpt_1"}, "model": "a"}, None, b""),
        ("openai/v1/responses", {"Prompt": {"id": "pmpt_1"}, "model": "a"}, None, b""),
        ("openai/v1/responses", {"previous_response_id": "resp_1"}, None, b""),
        ("openai/v1/chat/completions", {"model": ["a"]}, None, b""),
        ("openai/v1/chat/completions", {"model": {"id": "a"}}, None, b""),
        ("openai/v1/chat/completions", {"model": "a", "Models": ["b"]}, None, b""),
        ("openai/v1/chat/completions", [], None, b""),
        ("openai/v1/chat/completions", b"", None, b""),
        ("openai/v1/chat/completions", {"model": "a"}, {"content-type": "application/x-www-form-urlencoded"}, b""),
        ("openai/v1/chat/completions", {"model": "a"}, {"content-type": "application/json; charset=utf-16"}, b""),
        ("openai/v1/chat/completions", {"model": "a"}, {"helicone-fallbacks": "[]"}, b""),
        ("openai/v1/chat/completions", {"model": "a"}, None, b"x=1&model=b"),
        ("openai/v1/chat/completions", {"model": "a"}, None, b"x=1;Model=b"),
        ("openai/v1/batches", {"input_file_id": "file-1"}, None, b""),
        ("openai/v1/chat/completions", rb'{"model": "\ud800x"}', None, b""),
        ("openai/v1/files", b"", {"content-type": FORM}, b""),
        ("openai_compatible/chat/completions", {"model": "a", "fallbacks": ["b"]}, None, b""),
        ("openrouter/api/v1/chat/completions", {"model": "a", "preset": "b"}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "user_config": {"model_list": [{}]}}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "api_base": "https://example.com"}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "base_url": "https://example.com"}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "specific_deployment": True}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "custom_llm_provider": "b"}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "router_settings_override": {"x": 1}}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "litellm_params": {"model": "b"}}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a,b"}, None, b""),
        ("openai/v1/chat/completions", {"model": "a"}, None, b"judge_model=b"),
        ("openrouter/api/v1/chat/completions", {"model": "OpenRouter/Auto"}, None, b""),
        ("openrouter/api/v1/chat/completions", {"model": "a/b@preset/c"}, None, b""),
        ("openai_compatible/chat/completions", {"model": "a", "deployment_id": "b"}, None, b""),
        ("gemini/v1beta/models/g%2D1:generateContent", {}, None, b""),
        *(
            ("gemini/v1beta/models/g:batchGenerateContent", {"batch": {config: {name: "files/1"}}}, None, b"")
            for config in ("inputConfig", "input_config")
            for name in ("fileName", "file_name")
        ),
        ("gemini/v1beta/models/g;a=b:generateContent", {}, None, b""),
        ("openai/v1/chat/completions", None, None, b""),
    ],
)
def test_a_model_chosen_elsewhere_is_not_determined(
    route: str, body: Any, headers: dict[str, str] | None, query: bytes
) -> None:
    """And the facts say why, in a sentence."""
    facts = _read(route, body, headers=headers, query=query)
    assert not facts.is_determined
    assert str(facts.problem).endswith(".")


@pytest.mark.parametrize(
    ("route", "body", "limit", "items", "choices"),
    [
        ("openai/v1/completions", {"model": "e", "prompt": ["a"] * 1_000}, None, 1_000, 1),
        ("openai/v1/completions", {"model": "e", "prompt": [1, 2, 3]}, None, 1, 1),
        ("openai/v1/completions", {"model": "e", "prompt": [[1], [2]]}, None, 2, 1),
        ("openai/v1/completions", {"model": "e", "prompt": []}, None, 1, 1),
        ("openai/v1/completions", {"model": "e", "prompt": ["a"] * 400_000, "n": 10**9}, None, 2_048, 128),
        ("openai/v1/responses", {"model": "e", "input": [{"role": "user"}] * 100, "n": 10**30}, None, 1, 128),
        ("openai/v1/chat/completions", {"model": "e", "n": 19_900}, None, 1, 128),
        ("gemini/v1/models/g:generateContent", {"generationConfig": {"candidateCount": 10**9}}, None, 1, 128),
        ("gemini/v1/models/g:generateContent", {"n": 1, "generation_config": {"candidate_count": 8}}, None, 1, 8),
        ("openai/v1/completions", {"model": "e", "prompt": ["a"] * 9, "requests": [{}]}, None, 9, 1),
        ("openai/v1/responses", {"model": "a", "max_output_tokens": 5}, 5, 1, 1),
        (
            "gemini/v1/models/g:generateContent",
            {"generationConfig": {"maxOutputTokens": 7, "candidateCount": 2}},
            7,
            1,
            2,
        ),
        ("ollama/api/chat", {"model": "a", "options": {"num_predict": 9}}, 9, 1, 1),
        ("openai/v1/completions", {"model": "a", "best_of": 20, "n": 2}, None, 1, 20),
        ("ollama/api/chat", {"model": "a", "options": {"num_predict": -1}}, None, 1, 1),
        ("openai/v1/chat/completions", {"model": "a", "max_tokens": "9", "n": True}, None, 1, 1),
        ("openai/v1/chat/completions", {"model": "a", "max_tokens": 1, "max_completion_tokens": 2}, 2, 1, 1),
        (
            "anthropic/v1/messages/batches",
            {"requests": [{"params": {"model": "a", "max_tokens": one}} for one in (10, 20)]},
            20,
            2,
            1,
        ),
        ("anthropic/v1/messages/batches", {"requests": [{"params": {"model": "a"}}, 5]}, None, 1, 1),
    ],
)
def test_sizes_are_read(route: str, body: Any, limit: int | None, items: int, choices: int) -> None:
    """The caller's limit of tokens, the prompts, and the choices, none more than providers accept.

    A value of another type counts as missing.
    """
    facts = _read(route, body)
    assert (facts.max_output_tokens, facts.item_count, facts.choice_count) == (limit, items, choices)


@pytest.mark.parametrize(
    ("route", "body", "streams"),
    [
        ("ollama/api/chat", {"model": "a"}, True),
        ("ollama/api/chat", {"model": "a", "stream": False}, False),
        ("openai/v1/chat/completions", {"model": "a", "stream": 1}, False),
        ("gemini/v1/models/g:streamGenerateContent", {}, True),
    ],
)
def test_a_stream_is_recognized(route: str, body: Any, streams: bool) -> None:
    """Ollama streams unless asked not to; Gemini says it in the path."""
    assert _read(route, body).streams is streams


@pytest.mark.parametrize("segment", ["x%2Fy", "x%252Fy", "..%2F..%2Fchat", "x%2F"])
def test_a_path_that_servers_read_differently_is_not_determined(segment: str) -> None:
    """It could be an endpoint that uses a model; one that no decoding changes uses none."""
    assert not _read(f"openai/v1/responses/{segment}/cancel", {"model": "a"}).is_determined
    assert _read("openai/v1/responses/x%2Dy/cancel", {"model": "a"}).is_determined
    assert _read("gemini/v1beta/models%2Fg-1:generateContent", {}).models == ("g-1",)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
@pytest.mark.parametrize("path", ["chat/completions", "chat/completions;x", "chat%2Fcompletions", "responses%3F/r"])
def test_a_body_that_a_read_carries_is_not_trusted(method: str, path: str) -> None:
    """A server that ignores the method could generate. Without a body, the request lists what is stored."""
    facts = _read(f"openai/v1/{path}", {"model": "a"}, method=method)
    assert (facts.is_determined, facts.may_generate) == (False, True)
    assert not _read(f"openai/v1/{path}", b"", method=method).may_generate
    assert not _read("openai/v1/responses/resp_1", {"model": "a"}, method=method).may_generate


def test_the_count_of_a_form_is_read() -> None:
    """Each image of an edit has its price; the image itself is no text."""
    head = '--XX\r\nContent-Disposition: form-data; name="'
    image = head + 'image"; filename="a.png"\r\n\r\n' + "x" * 9_000
    body = f'{head}model"\r\n\r\na\r\n{head}n"\r\n\r\n10\r\n{image}\r\n--XX--\r\n'.encode()
    facts = _read("openai/v1/images/edits", body, headers={"content-type": FORM})
    assert (facts.models, facts.choice_count) == (("a",), 10)
    assert facts.content == ContentSize(len(body) - 9_000, 1, 9_000, 12)


@pytest.mark.parametrize(
    "extra",
    [
        {"extra_body": {"model": "gpt-5-pro", "tools": []}},
        {"extra_body": {"google": {}, "model": "b"}},
        {"extra_headers": {"x-litellm-model": "b"}},
        {"extra_query": {"model": "b"}},
        {"prompt_id": "p"},
        {"models": "gpt-5-pro"},
        {"models": {"0": "gpt-5-pro"}},
        {"tools": {"0": {"model": "b"}}},
        {"tools": [[{"model": "b"}]]},
        {"input": {"0": {"tools": [{"model": "b"}]}}},
        {"input": {"tools": [{"model": "b"}]}},
    ],
)
@pytest.mark.parametrize("route", ["openai_compatible/chat/completions", "openai/v1/responses"])
def test_another_model_in_an_unusual_place_is_not_determined(route: str, extra: dict[str, Any]) -> None:
    """Routers copy some members over the body, and read some in other shapes."""
    assert not _read(route, {"model": "a"} | extra).is_determined


@pytest.mark.parametrize(
    ("route", "is_named"),
    [("openai/v1/responses", True), ("openrouter/api/v1/responses", False), ("openai_compatible/responses", False)],
)
def test_tools_may_use_another_model(route: str, is_named: bool) -> None:
    """Without hiding the request's own: a tool of a router names its model elsewhere than OpenAI's."""
    facts = _read(route, {"model": "a", "tools": [{"type": "image_generation", "model": "b"}]})
    assert (facts.models, facts.is_determined, facts.unnamed_model is None) == (("a", "b"), True, is_named)
    facts = _read(route, {"model": "a", "tools": [{"type": "openrouter:advisor", "parameters": {"model": "c"}}]})
    assert (facts.models, facts.unnamed_model is None) == (("a", "c"), False)


@pytest.mark.parametrize("given", ["text", ["text"], [1, 2], [[1], [2]], {"messages": []}, [{"role": "user"}]])
def test_usual_input_is_determined(given: Any) -> None:
    """In each shape that endpoints document."""
    assert _read("openai/v1/embeddings", {"model": "a", "input": given}).is_determined


def test_options_of_gemini_are_no_other_model() -> None:
    """Its chat API has them where routers have other members."""
    body = {"model": "g", "extra_body": {"google": {"thinking_config": {}}}}
    assert _read("gemini/v1beta/openai/chat/completions", body).is_determined
    assert not _read("openai_compatible/chat/completions", body).is_determined
    searching = _read(
        "gemini/v1beta/openai/chat/completions", {"model": "g", "google": {"tools": [{"googleSearch": {}}]}}
    )
    assert searching.unreported_fee is not None


def test_an_alias_has_the_facts_of_its_target() -> None:
    """A target that ignores the caller's limit may write more than it, and a model of it may search."""
    facts = _read("openai/v1/chat/completions", {"model": "fast", "max_completion_tokens": 1, "messages": []})
    assert facts.max_output_tokens == 1
    deepseek = Target(get_provider("deepseek"), "/chat/completions")
    assert describe_alias_target(facts, deepseek, "deepseek-chat").max_output_tokens is None
    openrouter = Target(get_provider("openrouter"), "/api/v1/chat/completions")
    assert describe_alias_target(facts, openrouter, "perplexity/sonar").unreported_fee is not None
    again = describe_alias_target(facts, openrouter, "openai/gpt-5")
    assert (again.max_output_tokens, again.unreported_fee) == (1, None)


@pytest.mark.parametrize(("place", "context"), [("us", (("inference_geo", "us"),)), ("global", ()), (None, ())])
def test_a_place_with_higher_prices_is_read(place: str | None, context: tuple[tuple[str, str], ...]) -> None:
    """Anthropic's tokens cost a tenth more if they must stay in the US."""
    body = {"model": "claude-opus-4-6", "max_tokens": 9, "inference_geo": place}
    assert _read("anthropic/v1/messages", body).price_context == context
