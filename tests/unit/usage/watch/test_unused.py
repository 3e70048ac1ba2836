"""Keys that are not used."""

from ari.base.clock import DAY_MS
from ari.usage.watch.model import ScanWindow
from ari.usage.watch.unused import find_unused, month_of
from tests.unit.usage.watch.samples import LIMITS, LOOK, NOW_MS, at, make_living_key


def test_unused_keys_are_reported_when_another_one_went_idle() -> None:
    """Those idle for the shortest time reached; not more than twenty by name; silent while nothing changes."""
    month = ScanWindow(LOOK.began_ms, NOW_MS - 30 * DAY_MS, NOW_MS)
    keys = [make_living_key(made_days_ago=31, name=f"n{n}") for n in range(30)] + [
        make_living_key(made_days_ago=300, name="old")
    ]
    [finding] = find_unused(keys, {}, month, LIMITS)
    assert (finding.detail["days"], finding.detail["count"]) == (30, 31)
    assert len(finding.detail["keys"]) == 20
    assert finding.detail["keys"][0] == {"id": "key_old", "name": "old", "hint": "ari_k_…", "last_used_at": None}
    assert find_unused(keys[-1:], {}, month, LIMITS) == []
    [later] = find_unused([make_living_key(made_days_ago=300)], {"key_a": NOW_MS - 91 * DAY_MS}, month, LIMITS)
    assert (later.detail["days"], later.detail["keys"][0]["last_used_at"]) == (90, "2026-10-16T08:00:00.000Z")


def test_months_are_those_of_the_calendar() -> None:
    """In UTC."""
    assert month_of(NOW_MS) == "2027-01"
    assert month_of(at("2027-01-31T23:59:59")) < month_of(at("2027-02-01T00:00:00"))
