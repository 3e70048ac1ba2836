"""The longest lifetime: no key outlives the instance's rule, and no rule is off by one."""

import pytest

from ari.base.clock import DAY_MS
from ari.base.errors import Invalid
from ari.keys.instance_policy import LONGEST_DAYS, InstancePolicy, limit_lifetime, parse_days

NOW = 1_800_000_000_000


def test_without_a_rule_every_expiry_is_allowed() -> None:
    """The default changes nothing."""
    for expires_at_ms in (None, NOW + 1, NOW + 10_000 * DAY_MS):
        assert limit_lifetime(InstancePolicy(), expires_at_ms, NOW, chosen=True) == expires_at_ms


def test_a_later_expiry_or_none_is_refused() -> None:
    """The latest allowed instant is the last that passes."""
    policy = InstancePolicy(max_lifetime_days=30)
    latest = NOW + 30 * DAY_MS
    assert limit_lifetime(policy, latest, NOW, chosen=True) == latest
    for expires_at_ms in (latest + 1, None):
        with pytest.raises(Invalid, match="30 days"):
            limit_lifetime(policy, expires_at_ms, NOW, chosen=True)


def test_a_key_without_a_choice_gets_the_longest_lifetime() -> None:
    """Programs that never name an expiry go on working, also with a kind whose default is longer."""
    for default_ms in (None, NOW + 2 * DAY_MS):
        assert limit_lifetime(InstancePolicy(max_lifetime_days=1), default_ms, NOW, chosen=False) == NOW + DAY_MS
    assert limit_lifetime(InstancePolicy(max_lifetime_days=1), NOW + 1, NOW, chosen=False) == NOW + 1


@pytest.mark.parametrize("days", [0, -1, LONGEST_DAYS + 1])
def test_days_have_bounds(days: int) -> None:
    """The error names the field."""
    with pytest.raises(Invalid) as raised:
        parse_days("max_lifetime_days", days)
    assert raised.value.problems[0].location == "max_lifetime_days"
    assert parse_days("max_lifetime_days", LONGEST_DAYS) == LONGEST_DAYS
