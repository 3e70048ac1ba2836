"""The ordered checks: dead is dead, and which reason is given."""

from dataclasses import replace

from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, Refused
from ari.keys.verify import decide

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


def test_all_scopes_asked_for_are_needed() -> None:
    """One that is missing refuses, wherever it is."""
    key = replace(KEY, scopes=("keys:read", "usage:*"))
    for more, granted in (((), True), (("usage:read", "keys:read"), True), (("usage:read", "keys:write"), False)):
        assert bool(decide(key, AccessRequest(None, NOW, more))) is granted
        assert bool(decide(key, AccessRequest("keys:read", NOW, more))) is granted
    assert bool(decide(key, AccessRequest("keys:write", NOW, ("keys:read",)))) is False


def test_expired_at_the_stroke() -> None:
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
