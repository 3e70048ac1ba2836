"""Heads that came before: what a head comes to is worked out once.

Clients send the same head again and again. What follows from it and our settings alone (its parts, the route, the
client's address, that nothing bars it, which key it names) is remembered under the SHA-256 of the whole head, so no
token is kept. Whether that key may do anything is no part of it: the store is asked at every call, as ever.
"""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from ari.base.ids import new_id
from ari.base.room import make_room
from ari.http.edge_checks import Client
from ari.http.request_head import RequestHead
from ari.http.route_table import MatchedRoute

_MOST = 15_000
"""About 5 MB."""
_MOST_BYTES = 2_048
_PLACE = "/api/"
_VARIES = b"x-request-id"
T = TypeVar("T", str, bytes)
_encode = msgspec.msgpack.Encoder().encode


class CachedHead(msgspec.Struct, frozen=True):
    """What a head came to; ``digest`` is that of the one key it names."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    user_agent: str | None
    size: int
    matched: MatchedRoute
    client: Client
    digest: bytes

    def again(self, lines: Sequence[tuple[bytes, bytes]], at_ms: int, started: float) -> RequestHead:
        """The same head in another request."""
        own_id = new_id("req", at_ms)
        return RequestHead(
            own_id,
            own_id,
            self.method,
            self.path,
            self.raw_path,
            self.query,
            dict(lines),
            None,
            at_ms,
            started,
            self.user_agent,
            self.size,
        )


class HeadCache:
    """Remembers heads that let a living key in: nobody without one can push others out."""

    def __init__(self) -> None:
        self._known: dict[bytes, CachedHead] = {}

    def __len__(self) -> int:
        return len(self._known)

    def name(self, scope: MutableMapping[str, Any]) -> bytes | None:
        """Under what the head of an ASGI scope is remembered; ``None`` if it is not worth it."""
        if not scope["path"].startswith(_PLACE):
            return None
        client = scope.get("client")
        parts = scope["method"], scope["path"], scope.get("raw_path"), scope["query_string"], client and client[0]
        try:
            # Unambiguous: lengths stand before the parts.
            whole = _encode((parts, scope["headers"]))
        except UnicodeEncodeError:
            return None
        return sha256(whole).digest() if len(whole) <= _MOST_BYTES and _VARIES not in whole else None

    def known(self, name: bytes | None) -> CachedHead | None:
        """What came before under this name."""
        return None if name is None else self._known.get(name)

    def remember(
        self, name: bytes, lines: int, incoming: RequestHead, matched: MatchedRoute, client: Client, digest: bytes
    ) -> None:
        """Remember what this head came to, if all its lines are told apart by their names."""
        if incoming.repeated is not None or len(incoming.headers) != lines:
            return
        make_room(self._known, _MOST)
        self._known[name] = CachedHead(
            incoming.method,
            _shared(incoming.path),
            _shared(incoming.raw_path),
            _shared(incoming.query),
            incoming.user_agent,
            incoming.size,
            matched,
            client,
            digest,
        )


@lru_cache(1_024)
def _shared(part: T) -> T:
    """The first of all that are equal: heads of many keys differ in little else."""
    return part
