"""Which headers pass the gateway, in both directions, and which requests do not (security.md 35, 36). No I/O."""

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from ari.http.problem import Fault, Header
from ari.http.request_head import INVALID_REQUEST, RequestHead
from ari.integrations.model import Credential, origin_of
from ari.keys.reasons import REQUEST_ERRORS

_TO_CALLER = frozenset(
    (
        b"accept-ranges",
        b"cf-ray",
        b"character-cost",
        b"content-encoding",
        b"content-language",
        b"content-range",
        b"current-concurrent-requests",
        b"deprecation",
        b"etag",
        b"history-item-id",
        b"last-modified",
        b"maximum-concurrent-requests",
        b"mistral-correlation-id",
        b"openai-model",
        b"openai-poll-after-ms",
        b"openai-processing-ms",
        b"openai-version",
        b"request-id",
        b"retry-after",
        b"retry-after-ms",
        b"server-timing",
        b"sunset",
        b"tts-latency-ms",
        b"x-api-warn",
        b"x-character-count",
        b"x-ds-trace-id",
        b"x-envoy-upstream-service-time",
        b"x-gemini-service-tier",
        b"x-generation-id",
        b"x-groq-region",
        b"x-inference-time",
        b"x-kong-request-id",
        b"x-should-retry",
        b"x-zero-data-retention",
    )
)
_TO_CALLER_PREFIXES = (
    b"x-ratelimit-",
    b"anthropic-ratelimit-",
    b"anthropic-priority-",
    b"anthropic-fast-",
    b"ratelimit",
)
_MAX_LINES, _MAX_BYTES = 64, 12 * 1024
"""Of a provider's headers that pass; proxies in front of ARI take no more."""
_PROVIDER_REQUEST_ID = b"x-provider-request-id"
"""The provider's ``x-request-id``; the name itself carries ours."""

_SHOWN = re.compile(
    rb"(?:application/(?:(?:[a-z0-9.-]+\+)?json|x-ndjson|ndjson|jsonl|x-jsonlines)|text/event-stream|"
    rb"audio/[a-z0-9.+-]+|image/(?:png|jpeg|webp))"
    rb"(?:[ \t]*;(?:[ \t]*[a-z0-9-]+=(?:[a-z0-9_.+:-]+|\"[a-z0-9 _.,;:/=?+-]*\"))?)*[ \t]*",
    re.IGNORECASE,
)
"""RFC 9110 §8.3.1: parameters may be quoted, and have space before them."""
_DOWNLOAD: tuple[Header, ...] = (
    (b"content-type", b"application/octet-stream"),
    (b"content-disposition", b"attachment"),
)
_NAME = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]{1,128}")
_VISIBLE = re.compile(rb"[\x20-\x7e]*")
_BAD_SEGMENT = re.compile(rb"//|[\\?#]|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f\x7f]|\xc2[\x80-\x9f]")
_MAX_DECODINGS = 3
_MAX_LENGTH_DIGITS = 15
_KEY_NAMES = frozenset(("apikey", "authorization", "key"))
_CREDENTIAL = re.compile(
    "api-?key|authorization|(?:access|oauth|auth|bearer|refresh|session|security)-?token\\Z|password|secret|subscription-key"
)
_TARGET = re.compile(
    "x-http-.*|x-portkey-.*|helicone-.*|x-litellm-.*|cf-aig-.*|(?:.*-)?(?:api-?base|base-?url|custom-host|target-url"
    "|upstream-?url|virtual-?key)"
)
"""Names of headers that servers may read from the query too, and members with which routers choose a server."""
_OTHER_REQUEST = frozenset(("_method", "quotauser", "userip"))
_PLAIN_PARAMETERS = frozenset(
    (
        "alt",
        "callback",
        "count",
        "expand",
        "fields",
        "filter",
        "orderby",
        "prettyprint",
        "search",
        "select",
        "skip",
        "top",
    )
)
"""The only ones that pass with a leading ``$``. With it, Google's servers also read headers (``$httpHeaders``), a
method, a content type (``$ct``), a body (``$req``) and credentials from the query."""
_DOCUMENTS = frozenset((b"document", b"iframe", b"frame", b"embed", b"object", b"script", b"serviceworker", b"worker"))


def refuse_request(incoming: RequestHead) -> Fault | None:
    """The fault for a request that is never forwarded, or ``None``."""
    if incoming.headers.get(b"sec-fetch-dest") in _DOCUMENTS:
        return Fault(REQUEST_ERRORS["forbidden"], "Browsers can't open provider responses directly.")
    if incoming.query:
        named = {name.lower() for name, _ in parse_qsl(incoming.query.replace(b";", b"&").decode("latin-1"), True)}
        if any(map(_may_hold_key, named)):
            return Fault(INVALID_REQUEST, "Don't put API keys in URLs. Send your ARI key in a header.")
        if any(map(_makes_other_request, named)):
            return Fault(INVALID_REQUEST, "Send the method and headers directly, not in the query string.")
    if (b"%" in incoming.raw_path or b"#" in incoming.raw_path) and _hides_segments(incoming.raw_path):
        return Fault(INVALID_REQUEST, "The path contains characters that no provider path has.")
    return None


@lru_cache(1_000)
def _may_hold_key(name: str) -> bool:
    plain = name.lstrip("$.").replace("_", "-")
    return plain in _KEY_NAMES or _CREDENTIAL.search(plain) is not None


@lru_cache(1_000)
def _makes_other_request(name: str) -> bool:
    """Whether some server takes another method, headers, a body or a server to call from this parameter."""
    plain = name.lstrip("$.").replace("_", "-")
    if name.startswith(("$", ".")):
        return name[1:] not in _PLAIN_PARAMETERS
    return name in _OTHER_REQUEST or _TARGET.fullmatch(plain) is not None


def _hides_segments(path: bytes) -> bool:
    for _ in range(_MAX_DECODINGS):
        path = unquote_to_bytes(path)
        if _BAD_SEGMENT.search(path):
            return True
    return b"%" in path


@lru_cache(1_000)
def decodings(path: str) -> frozenset[str]:
    """A path as any server may read it: as sent, and decoded once or more."""
    found = {path}
    for _ in range(_MAX_DECODINGS):
        path = unquote(path)
        found.add(path)
    return frozenset(found)


def url_for(credential: Credential, path: str, query: bytes) -> str:
    """The provider's URL for the request. Raises ``ValueError`` if it would leave the provider's origin."""
    url = credential.base_url + path + (f"?{query.decode('latin-1')}" if query else "")
    if not path.startswith("/") or origin_of(url) != credential.origin:
        raise ValueError("the request would leave its provider")
    return url


def to_caller(raw: Sequence[Header]) -> list[Header]:
    """The response headers on the allowlist. A content type that a browser could run becomes a download."""
    found: list[Header] = []
    kinds: set[bytes] = set()
    room = _MAX_BYTES
    for given, value in raw:
        name = given.lower()
        if name == b"content-type":
            kinds.add(value.strip())
            continue
        if name == b"x-request-id":
            name = _PROVIDER_REQUEST_ID
        elif name not in _TO_CALLER and not name.startswith(_TO_CALLER_PREFIXES):
            continue
        room -= len(name) + len(value)
        if len(found) < _MAX_LINES and room >= 0 and _NAME.fullmatch(name) and _VISIBLE.fullmatch(value):
            found.append((name, value))
    kind = kinds.pop() if len(kinds) == 1 else b""
    if _SHOWN.fullmatch(kind):
        found.append((b"content-type", kind))
    else:
        found += _DOWNLOAD
    return found


def is_conditional(incoming: RequestHead) -> bool:
    """Whether the request allows a 304 response (RFC 9110 §13.1)."""
    return b"if-none-match" in incoming.headers or b"if-modified-since" in incoming.headers


def media_type(raw: Sequence[Header]) -> bytes:
    """The media type of the response, without parameters."""
    kind = next((value for name, value in raw if name.lower() == b"content-type"), b"")
    return kind.partition(b";")[0].strip().lower()


def length_of(raw: Sequence[Header]) -> int | None:
    """Content-Length of the response, or ``None``."""
    found = {value.strip() for name, value in raw if name.lower() == b"content-length"}
    length = found.pop() if len(found) == 1 else b""
    return int(length) if length.isdigit() and len(length) <= _MAX_LENGTH_DIGITS else None
