"""A request's head, read once, and whether it is sane enough to look at (security.md 1, 2)."""

import re
from collections.abc import Iterable, MutableMapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from ari.base.hidden_fields import HiddenFields
from ari.base.ids import new_id
from ari.base.secrets_in_text import HARMLESS, looks_like_key
from ari.base.token_shape import BODY_LENGTH, find_tokens
from ari.http.problem import Fault
from ari.keys.reasons import REQUEST_ERRORS, Reason
from ari.usage.cleaning import USER_AGENT_LENGTH, clean

_SINGLE = (
    b"x-api-key",
    b"authorization",
    b"content-type",
    b"content-length",
    b"origin",
    b"x-request-id",
    b"x-csrf-token",
    b"idempotency-key",
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_BAD_PATH = re.compile(
    rb"//|\\|(?:^|/)(?:\.|%2[eE]){1,2}(?:/|$)|[\x00-\x20\x7f-\xff]"
    rb"|%(?:2[fF]|5[cC]|[01][0-9a-fA-F]|7[fF]|[cC]2%[89][0-9a-fA-F])"
)
"""Two spellings of one path, and control characters (C0, DEL, C1), percent-encoded or not."""
_BAD_GATEWAY_PATH = re.compile(_BAD_PATH.pattern.replace(b"2[fF]|", b""))
"""IDs of models hold slashes, which the SDKs send as ``%2F``; ``gateway/header_filter.py`` checks what they encode."""
_KEY = re.compile(rb"ari_k_[0-9A-Za-z]{49}")
_SHORTEST_KEY = 2 + BODY_LENGTH
"""A prefix has at least two characters, and encoding makes nothing shorter."""
_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_PORT = re.compile(r":[0-9]+$")
_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:/+=@-]{1,128}")
_HARMLESS = HARMLESS.encode()
MAX_HEAD_BYTES = 32 * 1024
_CACHE_SIZE = 1_024
_MAX_CACHED_BYTES = 1_024

INVALID_REQUEST = REQUEST_ERRORS["invalid_request"]


class RequestHead(HiddenFields, msgspec.Struct):
    """The head of a request. ``id`` is ours (``req_…``), ``request_id`` the caller's or else ours.

    ``headers`` holds the first line of each header, ``repeated`` all lines of those sent more than once.
    """

    id: str
    request_id: str
    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: dict[bytes, bytes]
    repeated: dict[bytes, list[bytes]] | None
    at_ms: int
    user_agent: str | None
    size: int

    def first(self, name: bytes) -> bytes | None:
        """The header's first line."""
        return self.headers.get(name)

    def lines(self, name: bytes) -> Sequence[bytes]:
        """All lines of the header."""
        if self.repeated is not None and name in self.repeated:
            return self.repeated[name]
        line = self.headers.get(name)
        return () if line is None else (line,)

    def text(self, name: bytes) -> str | None:
        """The header's first line as text."""
        line = self.headers.get(name)
        return None if line is None else line.decode("latin-1").strip()

    @property
    def host(self) -> str:
        """The Host header in lower case, empty unless there is exactly one of a sound form."""
        line = self.headers.get(b"host")
        if line is None or (self.repeated is not None and b"host" in self.repeated):
            return ""
        return _parse_host(line) if len(line) <= _MAX_CACHED_BYTES else ""

    @property
    def is_safe(self) -> bool:
        """Whether the method only reads (RFC 9110 §9.2.1)."""
        return self.method in ("GET", "HEAD", "OPTIONS")

    @property
    def known_method(self) -> str:
        """The method, or ``_OTHER`` if it isn't one of HTTP's: a stranger's may be as long as a head."""
        return self.method if self.method in _METHODS else "_OTHER"

    @property
    def is_api(self) -> bool:
        """Whether the path is one for programs."""
        return self.path.startswith("/api/") or self.path in ("/api", "/metrics")


def read_head(scope: MutableMapping[str, Any], at_ms: int) -> RequestHead:
    """The head of an ASGI HTTP scope. Header names with an underscore are ignored: proxies confuse them with ``-``."""
    lines = scope["headers"]
    headers: dict[bytes, bytes] = dict(lines)
    repeated: dict[bytes, list[bytes]] | None = None
    query = scope["query_string"]
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    names = b"".join(headers)
    if len(headers) == len(lines) and b"_" not in names:
        size = len(names) + len(b"".join(headers.values()))
    else:
        size = sum(len(name) + len(value) for name, value in lines)
        headers, repeated = _split_repeated(lines)
    own_id = new_id("req", at_ms)
    given = headers.get(b"x-request-id")
    agent = headers.get(b"user-agent")
    return RequestHead(
        own_id,
        own_id if given is None else _read_request_id(given) or own_id,
        scope["method"],
        scope["path"],
        raw_path.partition(b"?")[0],
        query,
        headers,
        repeated,
        at_ms,
        None if agent is None else _user_agent(agent[:_MAX_CACHED_BYTES]),
        size + len(raw_path) + len(query) + 4 * len(lines),
    )


def _split_repeated(lines: Iterable[tuple[bytes, bytes]]) -> tuple[dict[bytes, bytes], dict[bytes, list[bytes]] | None]:
    """The first line of each header, and all lines of those sent more than once."""
    headers: dict[bytes, bytes] = {}
    repeated: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        if b"_" in name:
            continue
        if name not in headers:
            headers[name] = value
        else:
            repeated.setdefault(name, [headers[name]]).append(value)
    return headers, repeated or None


@lru_cache(_CACHE_SIZE)
def _user_agent(line: bytes) -> str:
    return clean(line, USER_AGENT_LENGTH)


@lru_cache(_CACHE_SIZE)
def _parse_host(line: bytes) -> str:
    return line.decode("latin-1").lower() if _HOST.fullmatch(line) else ""


def _read_request_id(line: bytes) -> str | None:
    """The caller's ``x-request-id`` if it is bounded, of safe characters and holds no key."""
    if _REQUEST_ID.fullmatch(line) is None:
        return None
    text = line.decode("ascii")
    return None if line.strip(_HARMLESS) and looks_like_key(text) else text


def head_fault(head: RequestHead) -> Fault | None:
    """The first fault of the head; ``None`` if it is valid."""
    if head.size > MAX_HEAD_BYTES:
        return Fault(REQUEST_ERRORS["too_large"])
    for_gateway = head.raw_path.startswith(b"/api/ai/")
    if (_BAD_GATEWAY_PATH if for_gateway else _BAD_PATH).search(head.raw_path):
        return _invalid("The path contains a control character, a dot segment, //, a backslash or an encoded slash.")
    if head.repeated is not None:
        for name in _SINGLE:
            if name in head.repeated:
                return _invalid(f"The header {name.decode()} is sent more than once.")
    return None


def query_fault(head: RequestHead) -> Fault | None:
    """Refuses a NUL character, which PostgreSQL cannot store."""
    return _invalid("The query contains a NUL character.") if b"%00" in head.query else None


def host_fault(head: RequestHead, allowed_hosts: frozenset[str], base_url: str) -> Fault | None:
    """Whether the request is meant for this instance (defence against DNS rebinding)."""
    host = head.host
    if not host:
        return _invalid("Send exactly one Host header.")
    if host_name(host) in allowed_hosts:
        return None
    detail = (
        f"Unknown host name; this instance is at {base_url}. To use another name, set ARI_PUBLIC_URL or add it to "
        "ARI_ALLOWED_HOSTS, and restart ARI."
    )
    return Fault(REQUEST_ERRORS["misdirected"], detail)


@lru_cache(_CACHE_SIZE)
def host_name(host: str) -> str:
    """A Host, or what follows the scheme of an origin, without the port."""
    return host.rpartition(":")[0] if _PORT.search(host) else host


def keys_in_url(head: RequestHead) -> list[bytes]:
    """All API keys in the path or query, of any kind, percent-encoded or not.

    Those of the default kind are found by their shape alone: a wrong checksum is a typo.
    """
    return find_keys(head.raw_path + b"?" + head.query if head.query else head.raw_path)


def find_keys(url: bytes) -> list[bytes]:
    """Likewise, of any URL."""
    if len(url) < _SHORTEST_KEY:
        return []
    if b"%" in url:
        return _find_keys(url) or _find_keys(unquote_to_bytes(unquote_to_bytes(url)))
    return _find_keys(url) if b"_" in url else []


def _find_keys(url: bytes) -> list[bytes]:
    return list(dict.fromkeys([*_KEY.findall(url), *(token for _, token in find_tokens(url))]))


def _invalid(detail: str, reason: Reason = INVALID_REQUEST) -> Fault:
    return Fault(reason, detail)
