"""The response headers that name a key's limits: structured fields of the IETF draft."""

from ari.http.limit_headers import limit_headers
from ari.keys.limits.charge import Decision
from ari.keys.limits.counter import Exceeded, Remaining

LIMITS = [
    Remaining("default", 42, 100, 60_000, 1_001),
    Remaining("consumer:daily", 0, 5, 86_400_000, 3_600_000),
    Remaining("credits", 7, 10, None, None),
]


def test_each_limit_is_in_both_fields() -> None:
    """Credits have no window; seconds are rounded up, and left out where more never comes."""
    assert limit_headers(Decision(None, {"default": 1}, LIMITS)) == [
        (b"ratelimit-policy", b'"default";q=100;w=60, "consumer:daily";q=5;w=86400, "credits";q=10'),
        (b"ratelimit", b'"default";r=42;t=2, "consumer:daily";r=0;t=3600, "credits";r=7'),
    ]


def test_the_limit_that_refuses_has_the_time_in_retry_after() -> None:
    """That is when the request fits, not when the oldest unit ends."""
    refused = Decision(Exceeded("default", "rate_limited", 30_500), {}, LIMITS[:1])
    assert refused.retry_after_seconds == 31
    assert limit_headers(refused)[1] == (b"ratelimit", b'"default";r=42;t=31')
    never = Decision(Exceeded("credits", "credits_exhausted", None), {}, LIMITS[2:])
    assert never.retry_after_seconds is None
    assert limit_headers(never)[1] == (b"ratelimit", b'"credits";r=7')


def test_without_limits_there_are_no_fields() -> None:
    """A key that has only budgets: an empty field is no list of policies."""
    assert limit_headers(Decision(None, {"budget:monthly": 1}, [])) == []
