"""The ordered checks: dead is dead, and which reason is given."""

from dataclasses import replace

from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, KeySecret, Refused
from ari.keys.policy import Policy
from ari.keys.verify import decide, must_stamp

NOW = 1_800_000_000_000
KEY = ApiKey("key_1", "n", "h", ("keys:read",), NOW - 10, "usr_1")


def _code(key: ApiKey, scope: str | None = None, now_ms: int = NOW) -> str:
    verdict = decide(key, AccessRequest(scope, now_ms))
    return "ok" if isinstance(verdict, Granted) else verdict.reason.code


def test_a_live_key_with_the_scope_is_granted() -> None:
    """The plain case."""
    assert _code(KEY) == "ok"
    assert _code(KEY, "keys:read") == "ok"
    assert _code(KEY, "keys:write") == "insufficient_scope"


def test_all_required_scopes_are_needed() -> None:
    """One that is missing refuses, wherever it is."""
    key = replace(KEY, scopes=("keys:read", "usage:*"))
    for more, granted in (((), True), (("usage:read", "keys:read"), True), (("usage:read", "keys:write"), False)):
        assert bool(decide(key, AccessRequest(None, NOW, more))) is granted
        assert bool(decide(key, AccessRequest("keys:read", NOW, more))) is granted
    assert bool(decide(key, AccessRequest("keys:write", NOW, ("keys:read",)))) is False


def test_expired_at_that_instant() -> None:
    """At expires_at the key is dead; a millisecond before it lives."""
    key = replace(KEY, expires_at_ms=NOW)
    assert _code(key, now_ms=NOW - 1) == "ok"
    assert _code(key, now_ms=NOW) == "expired"


def test_a_stamped_key_stays_dead_whatever_the_clock_says() -> None:
    """A clock set back revives nothing."""
    assert _code(replace(KEY, expires_at_ms=NOW, expired_seen_at_ms=NOW), now_ms=NOW - 10**9) == "expired"


def test_revoked_beats_expired_beats_disabled() -> None:
    """The status shown and the reason given agree."""
    key = replace(KEY, disabled=True)
    assert (_code(key), key.status(NOW)) == ("disabled", "disabled")
    key = replace(key, expires_at_ms=NOW)
    assert (_code(key), key.status(NOW)) == ("expired", "expired")
    key = replace(key, revoked_at_ms=NOW)
    assert (_code(key), key.status(NOW)) == ("revoked", "revoked")


def test_possession_is_enough_to_revoke_the_key_itself() -> None:
    """Disabled or from another address; not once the key or its secret has ended."""
    retired = KeySecret(1, "h", NOW - 10, retires_at_ms=NOW)
    wanted = AccessRequest(None, NOW, client_address="192.0.2.1", revokes_self=True)
    usable = replace(KEY, disabled=True, policy=Policy(addresses=("198.51.100.0/24",)))
    assert decide(usable, wanted)
    for ended in ({"revoked_at_ms": 1}, {"expires_at_ms": NOW}, {"deleted_at_ms": 1}, {"secret": retired}):
        assert not decide(replace(usable, **ended), wanted), ended


def test_a_deleted_key_is_dead_whatever_else_its_row_says() -> None:
    """ARI deletes inactive keys only; a row edited to look deleted and active must not verify."""
    key = replace(KEY, deleted_at_ms=NOW - 1)
    assert (_code(key), key.status(NOW)) == ("revoked", "revoked")
    assert _code(replace(key, disabled=True)) == "revoked"
    assert _code(replace(key, expires_at_ms=NOW + 1)) == "revoked"
    assert _code(replace(key, expires_at_ms=NOW)) == "expired"
    assert key.is_inactive(NOW)


def test_verdicts_are_honest_booleans() -> None:
    """A refusal can never be mistaken for a yes."""
    assert bool(decide(KEY, AccessRequest(None, NOW))) is True
    refused = decide(replace(KEY, revoked_at_ms=1), AccessRequest(None, NOW))
    assert isinstance(refused, Refused)
    assert bool(refused) is False


def test_a_retired_secret_is_dead_while_its_key_lives() -> None:
    """From its millisecond on, and permanently once a request has seen it (promise 1)."""
    secret = KeySecret(1, "h", NOW - 10, retires_at_ms=NOW)
    key = replace(KEY, secret=secret)
    assert _code(key, now_ms=NOW - 1) == "ok"
    assert (_code(key), key.status(NOW)) == ("retired", "active")
    assert _code(replace(key, secret=replace(secret, retired_seen_at_ms=NOW)), now_ms=NOW - 10**9) == "retired"
    assert _code(replace(key, revoked_at_ms=NOW)) == "revoked"


def test_an_address_outside_the_networks_is_refused() -> None:
    """Before the scope is looked at; an address that is not known is outside."""
    key = replace(KEY, policy=Policy(("203.0.113.0/24",)))
    for address, code in (("203.0.113.9", "ok"), ("203.0.114.9", "ip_not_allowed"), (None, "ip_not_allowed")):
        verdict = decide(key, AccessRequest("keys:read", NOW, client_address=address))
        assert ("ok" if isinstance(verdict, Granted) else verdict.reason.code) == code


def test_the_first_to_see_an_end_writes_it_down() -> None:
    """Of a key and of a secret; what was written down is not written again."""
    secret = KeySecret(1, "h", NOW - 10, retires_at_ms=NOW)
    ended = replace(KEY, expires_at_ms=NOW)
    for key, wanted in (
        (KEY, False),
        (ended, True),
        (replace(ended, expired_seen_at_ms=NOW), False),
        (replace(KEY, secret=secret), True),
        (replace(KEY, secret=replace(secret, retired_seen_at_ms=NOW)), False),
        (replace(KEY, revoked_at_ms=1, secret=secret), False),
    ):
        assert must_stamp(decide(key, AccessRequest(None, NOW))) is wanted
