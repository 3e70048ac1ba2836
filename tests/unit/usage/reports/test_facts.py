from ari.keys.model import ApiKey
from ari.usage.model import NO_USE, Attempt, KeyTotals
from ari.usage.reports.facts import attempt_facts, key_facts, row_facts
from tests.support.instances import START_MS
from tests.support.usage import KEY, make_row

KEY_MADE = ApiKey(KEY, "CI", "ari_k_Ab12…yz89", ("api:read",), START_MS, "cli:alice")


def test_a_key_never_used() -> None:
    """Exactly the fields of the interface, in their order."""
    facts = key_facts(KEY_MADE, NO_USE, START_MS)
    assert facts == {
        "id": KEY,
        "name": "CI",
        "hint": "ari_k_Ab12…yz89",
        "scopes": ["api:read"],
        "status": "active",
        "created_at": "2027-01-15T08:00:00.000Z",
        "created_by": "cli:alice",
        "expires_at": None,
        "revoked_at": None,
        "disabled": False,
        "may_rotate": False,
        "limits": [],
        "credits": None,
        "budgets": [],
        "last_used_at": None,
        "request_count": 0,
        "refused_count": 0,
        "kind": None,
        "environment": "live",
        "consumer": None,
        "tags": [],
        "metadata": {},
        "addresses": [],
        "models": None,
    }
    assert list(facts)[:5] == ["id", "name", "hint", "scopes", "status"]


def test_a_key_used_and_expired() -> None:
    """Times are RFC 3339 in UTC with milliseconds; the status is that of the given instant."""
    key = ApiKey(KEY, "CI", "h", ("*",), START_MS, "usr_1", expires_at_ms=START_MS + 1_500)
    totals = KeyTotals(12, 3, START_MS + 1, START_MS + 2)
    facts = key_facts(key, totals, START_MS + 1_500)
    assert (facts["status"], facts["expires_at"]) == ("expired", "2027-01-15T08:00:01.500Z")
    assert (facts["last_used_at"], facts["request_count"], facts["refused_count"]) == (
        "2027-01-15T08:00:00.002Z",
        12,
        3,
    )


def test_a_row_and_one_whose_handler_still_runs() -> None:
    """Unknown values are null."""
    row = make_row(duration_ms=0.123456)
    assert row_facts(row) == {
        "id": row.id,
        "time": "2027-01-15T08:00:00.000Z",
        "request_id": row.id,
        "key_id": KEY,
        "key_hint": "ari_k_Ab12…yz89",
        "code": "ok",
        "method": "GET",
        "route": "/api/me",
        "path": "/api/me",
        "status": 200,
        "client_address": "192.0.2.7",
        "user_agent": "curl/7.88.1",
        "duration_ms": 0.123,
        "bytes": 120,
        "count": 1,
        "source": "request",
        "secret_number": 1,
        "consumed": {},
        "ai": None,
    }
    running = row_facts(make_row(status=None, duration_ms=None, bytes=None))
    assert (running["status"], running["duration_ms"], running["bytes"]) == (None, None, None)


def test_counted_attempts() -> None:
    """The time is the beginning of their minute. A service that asked is named by its key."""
    asked = attempt_facts(Attempt(START_MS, "unknown", KEY))
    assert (asked["address"], asked["key_id"]) == (None, KEY)
    assert attempt_facts(Attempt(START_MS, "unknown", "192.0.2.7", 5)) == {
        "time": "2027-01-15T08:00:00.000Z",
        "reason": "unknown",
        "address": "192.0.2.7",
        "key_id": None,
        "count": 5,
    }
