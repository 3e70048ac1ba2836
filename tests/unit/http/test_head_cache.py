"""What is remembered of a head is that head's alone, says nothing of its key, and holds no secret (promises 1, 3)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.http import head_cache as heads_module
from ari.http.edge_checks import Client
from ari.http.head_cache import CachedHead, HeadCache
from ari.http.request_head import read_head
from ari.http.route_table import NO_ROUTE
from ari.keys import token

SECRET = token.mint()
KEY = (b"x-api-key", SECRET.encode())
HOST = (b"host", b"127.0.0.1")
CLIENT = Client(None, "192.0.2.1")
Lines = list[tuple[bytes, bytes]]

_bytes = st.binary(max_size=6)
_scopes = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST"]),
        "path": st.sampled_from(["/api/me", "/api/me/", "/api/"]),
        "raw_path": st.sampled_from([b"/api/me", b"/api/%6de", b"/api/me?"]),
        "query_string": _bytes,
        "client": st.none() | st.tuples(st.sampled_from(["192.0.2.1", "192.0.2.11"]), st.integers(0, 9)),
        "headers": st.lists(st.tuples(_bytes, _bytes), max_size=3),
    }
)


def _scope(*lines: tuple[bytes, bytes], **others: Any) -> dict[str, Any]:
    scope = {
        "method": "GET",
        "path": "/api/me",
        "raw_path": b"/api/me",
        "query_string": b"",
        "client": ("192.0.2.1", 1),
    }
    return {**scope, "headers": list(lines), **others}


def _remembered(heads: HeadCache, scope: dict[str, Any]) -> CachedHead | None:
    """What the head is known as after it was let in once."""
    name = heads.name(scope)
    if name is not None:
        incoming = read_head(scope, 1, 0.0)
        heads.remember(name, len(scope["headers"]), incoming, NO_ROUTE, CLIENT, token.digest(SECRET.encode()))
    return heads.known(heads.name(scope))


def test_the_same_head_again_is_read_as_the_first_was() -> None:
    """All but its id and its time, whatever port the client has now."""
    heads = HeadCache()
    scope = _scope(HOST, KEY, (b"user-agent", b"curl/8"), query_string=b"a=1")
    assert heads.known(heads.name(scope)) is None
    head = _remembered(heads, scope)
    assert head is not None
    assert heads.known(heads.name({**scope, "client": ("192.0.2.1", 2)})) is head
    again, anew = head.again(scope["headers"], 5, 0.5), read_head(scope, 5, 0.5)
    assert again.id == again.request_id != anew.id
    anew.id = anew.request_id = again.id
    assert again == anew
    assert (head.matched, head.client, head.digest) == (NO_ROUTE, CLIENT, token.digest(SECRET.encode()))


@given(_scopes, _scopes)
def test_heads_that_differ_anywhere_are_not_taken_for_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Nor is a part that moved from one place to the next; the client's port alone does not count."""

    def parts(scope: dict[str, Any]) -> dict[str, Any]:
        return {**scope, "client": scope["client"] and scope["client"][0]}

    heads = HeadCache()
    assert (heads.name(one) == heads.name(other)) is (parts(one) == parts(other))


def test_no_token_is_kept() -> None:
    """Rule of promise 3: only its digest, as in the store."""
    heads = HeadCache()
    for line in (KEY, (b"authorization", b"Bearer " + SECRET.encode())):
        assert _remembered(heads, _scope(HOST, line)) is not None
    assert len(heads) == 2
    assert SECRET[6:] not in repr(vars(heads))


@pytest.mark.parametrize(
    "scope",
    [
        _scope(HOST, KEY, path="/settings/api"),
        _scope(HOST, KEY, (b"x-request-id", b"mine")),
        _scope(HOST, KEY, (b"x-a", b"a" * 3_000)),
        _scope(HOST, KEY, (b"accept", b"a"), (b"accept", b"b")),
        _scope(HOST, KEY, (b"x_api_key", b"other")),
        _scope(HOST, KEY, path="/api/\udc80"),
    ],
    ids=["page", "its own id", "long", "a header twice", "an underscore", "no text"],
)
def test_what_is_rare_or_odd_is_read_anew_each_time(scope: dict[str, Any]) -> None:
    """Pages, ids that never come again, what fills the memory, and heads of which not every line counts."""
    assert _remembered(HeadCache(), scope) is None


def test_what_is_remembered_is_bounded(monkeypatch: Any) -> None:
    """Nobody fills the memory with heads, not even with a key."""
    monkeypatch.setattr(heads_module, "_MOST", 3)
    heads = HeadCache()
    for number in range(10):
        assert _remembered(heads, _scope(HOST, KEY, (b"x-a", b"%d" % number), query_string=b"%d" % number)) is not None
        assert len(heads) <= 3
