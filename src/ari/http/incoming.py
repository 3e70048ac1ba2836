"""A request's head, read once, and whether it is sane enough to look at (security.md 1, 2)."""

import re
import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from ari.base.ids import new_id
from ari.base.secrets_in_text import looks_like_key
from ari.http.problem import Fault
from ari.keys.reasons import REQUEST_ERRORS, Reason
from ari.usage.clean import USER_AGENT_LENGTH, clean

_SINGLE = (
    b"x-api-key",
    b"authorization",
    b"content-type",
    b"content-length",
    b"origin",
    b"x-request-id",
    b"x-csrf-token",
)
_BAD_PATH = re.compile(rb"//|\\|(?:^|/)\.{1,2}(?:/|$)|[\x00-\x20\x7f-\xff]")
_BAD_ESCAPE = re.compile(rb"%(?:2f|5c|00)", re.IGNORECASE)
_KEY = re.compile(rb"ari_k_[0-9A-Za-z]{49}")
_HOST = re.compile(rb"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"[0-9A-Za-z._:/+=@-]{1,128}")
_MAX_HEAD_BYTES = 32 * 1024

INVALID_REQUEST = REQUEST_ERRORS["invalid_request"]


@dataclass(slots=True)
class Incoming:
    """The head of a request. ``id`` is ours (``req_…``), ``request_id`` the caller's or else ours."""

    id: str
    request_id: str
    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: dict[bytes, list[bytes]]
    at_ms: int
    started: float
    user_agent: str | None
    size: int

    def first(self, name: bytes) -> bytes | None:
        """The header's first line."""
        lines = self.headers.get(name)
        return lines[0] if lines else None

    def text(self, name: bytes) -> str | None:
        """The header's first line as text."""
        line = self.first(name)
        return None if line is None else line.decode("latin-1").strip()

    @property
    def host(self) -> str:
        """The Host header in lower case, empty unless there is exactly one of a sound form."""
        lines = self.headers.get(b"host", [])
        if len(lines) != 1 or _HOST.fullmatch(lines[0]) is None:
            return ""
        return lines[0].decode("latin-1").lower()

    @property
    def is_safe(self) -> bool:
        """Whether the method only reads (RFC 9110 §9.2.1)."""
        return self.method in ("GET", "HEAD", "OPTIONS")

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/") or self.path == "/api"


def read_head(scope: MutableMapping[str, Any], at_ms: int, started: float) -> Incoming:
    """The head of an ASGI HTTP scope. Header names with an underscore are ignored: proxies confuse them with ``-``."""
    headers: dict[bytes, list[bytes]] = {}
    size = 0
    for name, value in scope["headers"]:
        size += len(name) + len(value) + 4
        if b"_" not in name:
            headers.setdefault(name, []).append(value)
    own_id = new_id("req", at_ms)
    given = headers.get(b"x-request-id")
    raw_path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    agent = headers.get(b"user-agent")
    return Incoming(
        id=own_id,
        request_id=_given_request_id(given[0]) or own_id if given else own_id,
        method=scope["method"],
        path=scope["path"],
        raw_path=raw_path.partition(b"?")[0],
        query=scope["query_string"],
        headers=headers,
        at_ms=at_ms,
        started=started,
        user_agent=clean(agent[0], USER_AGENT_LENGTH) if agent else None,
        size=size + len(raw_path) + len(scope["query_string"]),
    )


def _given_request_id(line: bytes) -> str | None:
    """The caller's ``x-request-id`` if it is bounded, of safe characters and holds no key."""
    if _REQUEST_ID.fullmatch(line) is None:
        return None
    text = line.decode("ascii")
    return None if looks_like_key(text) else text


def head_fault(incoming: Incoming) -> Fault | None:
    """What is wrong with the head, if anything."""
    if incoming.size > _MAX_HEAD_BYTES:
        return Fault(REQUEST_ERRORS["too_large"])
    if _BAD_PATH.search(incoming.raw_path) or _BAD_ESCAPE.search(incoming.raw_path):
        return _invalid("The path holds what a path of ARI never holds.")
    for name in _SINGLE:
        if len(incoming.headers.get(name, ())) > 1:
            return _invalid(f"The header {name.decode()} is sent more than once.")
    return None


def host_fault(incoming: Incoming, allowed_hosts: frozenset[str]) -> Fault | None:
    """Whether the request is meant for this instance (defence against DNS rebinding)."""
    host = incoming.host
    if not host:
        return _invalid("Send exactly one Host header.")
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name in allowed_hosts:
        return None
    detail = "This instance does not answer to that host name; its owner can set ARI_PUBLIC_URL or ARI_ALLOWED_HOSTS."
    return Fault(REQUEST_ERRORS["misdirected"], detail)


def keys_in_url(incoming: Incoming) -> list[bytes]:
    """Everything in the path or query that has the shape of an API key, percent-encoded or not."""
    url = incoming.raw_path + b"?" + incoming.query
    if b"_" not in url and b"%" not in url:
        return []
    return _KEY.findall(url) or _KEY.findall(unquote_to_bytes(unquote_to_bytes(url)))


def new_nonce() -> str:
    """128 random bits for one answer's Content-Security-Policy."""
    return secrets.token_urlsafe(16)


def _invalid(detail: str, reason: Reason = INVALID_REQUEST) -> Fault:
    return Fault(reason, detail)
