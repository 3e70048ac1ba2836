"""Values reach the operation that they are meant for, whatever is in them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import UNSET

from ari.client.api_call import ApiCall, choose_idempotency_key, encode_body, fill_path
from ari.client.exceptions import InvalidSettings
from ari.keys import token


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("key_1", "/api/keys/key_1/usage"),
        ("orders:read", "/api/keys/orders:read/usage"),
        ("a/b", "/api/keys/a%2Fb/usage"),
        ("a?b#c%", "/api/keys/a%3Fb%23c%25/usage"),
        ("..\\x", "/api/keys/..%5Cx/usage"),
        ("{number}", "/api/keys/%7Bnumber%7D/usage"),
        ("ä\n", "/api/keys/%C3%A4%0A/usage"),
    ],
)
def test_a_value_stays_one_segment(value: str, path: str) -> None:
    """No value leads to another path."""
    assert fill_path("/api/keys/{key_id}/usage", key_id=value) == path


@pytest.mark.parametrize("value", ["", ".", "..", "\ud800"])
def test_values_that_would_change_the_path(value: str) -> None:
    """``DELETE /api/keys/`` and ``/api/keys/..`` are other requests, and a surrogate is no character."""
    with pytest.raises(InvalidSettings):
        fill_path("/api/keys/{key_id}", key_id=value)


@pytest.mark.parametrize("prefix", [token.PREFIX, "acme_live_"])
def test_a_whole_key_is_in_no_url(prefix: str) -> None:
    """URLs are in the logs of every proxy on the way; the message doesn't repeat it."""
    secret = token.mint(prefix)
    with pytest.raises(InvalidSettings, match="key_id has a whole key") as refused:
        fill_path("/api/keys/{key_id}", key_id=secret)
    assert secret not in str(refused.value)
    with pytest.raises(InvalidSettings, match="text has a whole key"):
        _ = ApiCall("GET", "/api/keys", dict, {"text": f" {secret}"}).target


def test_the_query_has_what_is_given() -> None:
    """Instants as RFC 3339, booleans in lower case; None is left out."""
    query: dict[str, Any] = {
        "since": datetime(2027, 1, 31, 12, tzinfo=UTC),
        "bom": False,
        "limit": 5,
        "q": "a&b=c d+ä",
        "cursor": None,
    }
    call = ApiCall("GET", "/api/usage", dict, query)
    assert call.target == "/api/usage?since=2027-01-31T12:00:00Z&bom=false&limit=5&q=a%26b%3Dc%20d%2B%C3%A4"
    assert ApiCall("GET", "/api/usage", dict).target == "/api/usage"


def test_a_body_has_what_is_set() -> None:
    """None is a value: it removes an expiry. What is unset is not changed."""
    assert encode_body({"name": "a", "expires_at": None, "tags": UNSET}) == b'{"name":"a","expires_at":null}'


@pytest.mark.parametrize("value", [object(), "\ud800", {1: {object()}}])
def test_values_that_json_does_not_have(value: object) -> None:
    """A sentence without the value."""
    with pytest.raises(InvalidSettings, match=r"can't be sent as JSON: [A-Za-z]+Error"):
        encode_body({"name": value})


@pytest.mark.parametrize("key", ["", "a\nb", "ä", " a", "a" * 256])
def test_idempotency_keys_that_cannot_be_sent(key: str) -> None:
    """They would be changed on the way, or split the request."""
    with pytest.raises(InvalidSettings):
        choose_idempotency_key(key)


def test_idempotency_keys_are_unique() -> None:
    """Two creates are two keys, unless the caller says otherwise."""
    assert choose_idempotency_key(None) != choose_idempotency_key(None)
    assert choose_idempotency_key("mine") == "mine"


@pytest.mark.parametrize(
    ("method", "idempotency_key", "repeats"),
    [
        *(("GET", None, True), ("PUT", None, True), ("DELETE", None, True)),
        *(("POST", None, False), ("POST", "a", True), ("PATCH", None, False)),
    ],
)
def test_calls_that_may_be_repeated(method: str, idempotency_key: str | None, repeats: bool) -> None:
    """RFC 9110: idempotent methods; and what has an Idempotency-Key."""
    assert ApiCall(method, "/", dict, idempotency_key=idempotency_key).may_repeat is repeats


def test_a_call_does_not_show_its_values() -> None:
    """Bodies hold the keys to verify."""
    call = ApiCall("POST", "/api/verify", dict, {"q": "secret"}, b'{"key":"secret"}', "secret")
    assert "secret" not in repr(call)
