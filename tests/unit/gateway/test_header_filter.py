"""What comes back of a provider's headers, and requests that are not forwarded: pure, so the odd cases are here."""

from typing import Any

import pytest

from ari.gateway import header_filter
from ari.http.request_head import RequestHead, read_head
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider

OTHER_REQUESTS = [
    "%24httpMethod=DELETE",
    "$httpHeaders=x",
    "x-http-method-override=PUT",
    "$ct=application/json",
    "$req={}",
    "$.xgafv=1",
    "$xgafv=1",
    ".xgafv=2",
    "$unknown=1",
    "quotaUser=a",
    "$quotaUser=a",
    "userIp=1",
    "$userIp=1",
    "x-portkey-custom-host=a",
    "helicone-target-url=b",
    "base_url=a",
    "api_base=a",
    "custom_host=a",
    "$HTTPHEADERS=x",
]
SECRET = "sk-proj-0123456789abcdefghijklmnop"


def _make_head(*headers: tuple[str, str], path: str = "/api/ai/openai/v1/models", query: str = "") -> RequestHead:
    scope: dict[str, Any] = {
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
    }
    return read_head(scope, 1)


def _credential(name: str = "openai", base_url: str = "https://api.openai.com") -> Credential:
    return Credential(get_provider(name), base_url, "stored", False, SECRET, 1)


@pytest.mark.parametrize(
    "kind",
    [
        "text/html",
        "image/svg+xml",
        "application/xml",
        "text/javascript",
        "application/pdf",
        "application/json, text/html",
        "application/xhtml+xml",
        "application/json;text/html",
        'application/json; x="\x80"',
        "text/html;+json",
        "",
    ],
)
def test_what_a_browser_could_run_leaves_as_a_download(kind: str) -> None:
    """Whatever a provider, or a model's owner, responds."""
    found = header_filter.to_caller([(b"Content-Type", kind.encode())])
    assert found == [(b"content-type", b"application/octet-stream"), (b"content-disposition", b"attachment")]


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json;  charset=utf-8",
        "application/json ; charset=utf-8;",
        "Application/JSON",
        "application/vnd.api+json",
        "application/problem+json",
        "text/event-stream; charset=utf-8",
        "application/x-ndjson",
        "audio/mpeg",
        "audio/pcm;rate=24000",
        "image/png",
    ],
)
def test_expected_types_are_kept(kind: str) -> None:
    """JSON, streams, audio and plain pictures."""
    assert header_filter.to_caller([(b"Content-Type", kind.encode())]) == [(b"content-type", kind.encode())]


@pytest.mark.parametrize("dest", ["document", "iframe", "script", "serviceworker", "embed", "object", "frame"])
def test_a_browser_does_not_open_responses(dest: str) -> None:
    """Refused before the provider hears of it."""
    fault = header_filter.refuse_request(_make_head(("sec-fetch-dest", dest)))
    assert fault is not None
    assert fault.reason.status == 403


def test_a_program_in_a_browser_may_ask() -> None:
    """``fetch`` says ``empty``."""
    assert header_filter.refuse_request(_make_head(("sec-fetch-dest", "empty"))) is None


def test_two_types_are_none() -> None:
    """Nobody knows which a browser would take."""
    kinds = [(b"Content-Type", b"application/json"), (b"content-type", b"text/html")]
    assert (b"content-type", b"application/octet-stream") in header_filter.to_caller(kinds)


def test_what_helps_comes_back_and_nothing_else() -> None:
    """Limits, ids and times, with sound names and values; bounded, so that no proxy in front chokes on them."""
    useful = [
        (b"x-ratelimit-remaining-tokens", b"7"),
        (b"anthropic-ratelimit-requests-reset", b"2026-01-01T00:00:00Z"),
        (b"ratelimit-policy", b"100;w=60"),
        (b"retry-after-ms", b"12"),
        (b"request-id", b"req_1"),
        (b"openai-processing-ms", b"5"),
        (b"etag", b'"a"'),
        (b"content-range", b"bytes 0-1/2"),
    ]
    bad = [
        (b"set-cookie", b"a=b"),
        (b"openai-organization", b"the-owners"),
        (b"x-ratelimit-a", b"b\r\nset-cookie: c"),
        (b"x-ratelimit-\xe4", b"1"),
        (b"x-ratelimit-b", b"\x80"),
    ]
    assert header_filter.to_caller([*useful, *bad])[: len(useful) + 1] == [
        *useful,
        (b"content-type", b"application/octet-stream"),
    ]
    many = [(b"x-ratelimit-%d" % number, b"a" * 500) for number in range(500)]
    assert sum(len(name) + len(value) for name, value in header_filter.to_caller(many)) < 16_000


@pytest.mark.parametrize(
    "query",
    [
        "a=1;key=x",
        "xi-api-key=x",
        "Authorization=x",
        "oauth_token=x",
        "a=1&KEY=x",
        "%6bey=x",
        "api_key=x",
        "access_token=",
        "key",
        "$key=x",
        "$.key=x",
        "x-goog-api-key=x",
        "bearer_token=x",
        "$oauth_token=x",
        "client_secret=x",
    ],
)
def test_a_key_in_the_query_is_refused(query: str) -> None:
    """However it is written."""
    fault = header_filter.refuse_request(_make_head(query=query))
    assert fault is not None
    assert fault.reason.status == 400


@pytest.mark.parametrize("query", OTHER_REQUESTS)
def test_a_query_that_makes_it_another_request_is_refused(query: str) -> None:
    """Google's servers take a method, headers, a body and more from there; routers a server to call."""
    fault = header_filter.refuse_request(_make_head(query=query))
    assert fault is not None
    assert fault.reason.status == 400


@pytest.mark.parametrize(
    "query",
    ["alt=sse", "$alt=sse", "monkey=1", "limit=20&after=key", "pageToken=a", "$top=3", "page_token=a", "max_tokens=2"],
)
def test_other_queries_pass(query: str) -> None:
    """They are the provider's own."""
    assert header_filter.refuse_request(_make_head(query=query)) is None


@pytest.mark.parametrize(
    "path",
    [
        "v1/%2e%2e/x",
        "v1/%252e%252e/x",
        "v1/.%2e/x",
        "v1/a%255cb",
        "v1/%25252525",
        "v1/responses/%3F/cancel",
        "v1/responses/x%3f/cancel",
        "v1/responses/x%253F/cancel",
        "v1/responses/%23/cancel",
        "v1/responses/#/cancel",
        "v1/responses/x%2523y",
        "v1/a%0ab",
        "v1/a%2F%2Fb",
    ],
)
def test_hidden_segments_are_refused(path: str) -> None:
    """Plain ones never get here: the guard refuses them."""
    fault = header_filter.refuse_request(_make_head(path=f"/api/ai/openai/{path}"))
    assert fault is not None
    assert fault.reason.status == 400


def test_a_request_never_leaves_its_origin() -> None:
    """Whatever the path tries."""
    credential = _credential()
    assert header_filter.url_for(credential, "/v1/models", b"a=b") == "https://api.openai.com/v1/models?a=b"
    for path in ("@evil.example/", ".evil.example/", ":9@evil.example/"):
        with pytest.raises(ValueError, match="leave"):
            header_filter.url_for(credential, path, b"")
