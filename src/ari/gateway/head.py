"""Which headers pass the gateway, in both directions, and which requests do not (security.md 35, 36). No I/O."""

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote_to_bytes

from ari.http.incoming import INVALID_REQUEST, Incoming
from ari.http.problem import Fault, Header
from ari.integrations.model import Credential, origin_of
from ari.keys.reasons import REQUEST_ERRORS

_TO_PROVIDER = frozenset(
    (
        b"accept",
        b"anthropic-beta",
        b"anthropic-version",
        b"content-type",
        b"idempotency-key",
        b"openai-beta",
        b"user-agent",
        b"x-client-request-id",
        b"x-goog-api-client",
    )
)
_TO_CALLER = frozenset(
    (
        b"content-encoding",
        b"content-language",
        b"openai-model",
        b"openai-processing-ms",
        b"openai-version",
        b"request-id",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
    )
)
_TO_CALLER_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-", b"ratelimit")
_PROVIDER_REQUEST_ID = b"x-provider-request-id"
"""The provider's ``x-request-id``; the name itself carries ours."""

_SHOWN = re.compile(
    rb"(?:application/(?:json|x-ndjson|jsonl|problem\+json)|text/event-stream|audio/[a-z0-9.+-]+|image/(?:png|jpeg|webp))"
    rb"(?:; ?[a-z]+=[A-Za-z0-9_.-]+)*",
)
_DOWNLOAD: tuple[Header, ...] = (
    (b"content-type", b"application/octet-stream"),
    (b"content-disposition", b"attachment"),
)
_VISIBLE = re.compile(rb"[\x20-\x7e]+")
_BAD_SEGMENT = re.compile(rb"//|\\|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x1f]")
_MOST_DECODINGS = 3
_KEY_NAMES = frozenset(("key", "api_key", "api-key", "apikey", "access_token"))
_DOCUMENTS = frozenset((b"document", b"iframe", b"frame", b"embed", b"object", b"script", b"serviceworker", b"worker"))


def refusal(incoming: Incoming) -> Fault | None:
    """Why a request is not forwarded, whoever asks."""
    if incoming.headers.get(b"sec-fetch-dest") in _DOCUMENTS:
        return Fault(REQUEST_ERRORS["forbidden"], "What a provider answers is not shown or run by a browser.")
    if incoming.query and any(
        name.lower() in _KEY_NAMES for name, _ in parse_qsl(incoming.query.decode("latin-1"), keep_blank_values=True)
    ):
        return Fault(INVALID_REQUEST, "A key never belongs in a URL; send your ARI key in a header.")
    if b"%" in incoming.raw_path and _hides_segments(incoming.raw_path):
        return Fault(INVALID_REQUEST, "The path holds what a path of a provider never holds.")
    return None


def _hides_segments(path: bytes) -> bool:
    for _ in range(_MOST_DECODINGS):
        path = unquote_to_bytes(path)
        if _BAD_SEGMENT.search(path):
            return True
    return b"%" in path


def url_for(credential: Credential, path: str, query: bytes) -> str:
    """Where the request goes. Raises ``ValueError`` rather than leave the provider's origin."""
    url = credential.base_url + path + (f"?{query.decode('latin-1')}" if query else "")
    if not path.startswith("/") or origin_of(url) != credential.origin:
        raise ValueError("the request would leave its provider")
    return url


def to_provider(incoming: Incoming, credential: Credential) -> list[tuple[str, str]]:
    """The headers of the request: the caller's by allowlist, never its credentials; ours and the key replace them."""
    named = b",".join(incoming.lines(b"connection")).lower()
    hop = {name.strip() for name in named.split(b",")}
    passed = {
        name.decode("ascii"): value.decode("ascii")
        for name, value in incoming.headers.items()
        if name in _TO_PROVIDER and name not in hop and _VISIBLE.fullmatch(value)
    }
    provider = credential.provider
    headers = {"user-agent": "ari", **dict(provider.default_headers), **passed, **dict(credential.headers)}
    headers["accept-encoding"] = "identity"
    return list(headers.items())


def to_caller(raw: Sequence[Header]) -> list[Header]:
    """The headers of the answer, by allowlist; a type that a browser could run leaves as a download."""
    found: list[Header] = []
    kind = b""
    for given, value in raw:
        name = given.lower()
        if name == b"content-type":
            kind = value
        elif name in _TO_CALLER or name.startswith(_TO_CALLER_PREFIXES):
            found.append((name, value))
        elif name == b"x-request-id":
            found.append((_PROVIDER_REQUEST_ID, value))
    if _SHOWN.fullmatch(kind):
        found.append((b"content-type", kind))
    else:
        found += _DOWNLOAD
    return found


def media_type(raw: Sequence[Header]) -> bytes:
    """What the answer says it is, without parameters."""
    kind = next((value for name, value in raw if name.lower() == b"content-type"), b"")
    return kind.partition(b";")[0].strip().lower()


def length_of(raw: Sequence[Header]) -> int | None:
    """The length that the answer announces."""
    return next((int(value) for name, value in raw if name.lower() == b"content-length" and value.isdigit()), None)
