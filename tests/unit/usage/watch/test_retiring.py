"""A notice before an old secret that is still in use retires."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, to_rfc3339
from ari.usage.model import KeyClient, SecretUse
from ari.usage.watch.model import ScanWindow
from ari.usage.watch.retiring import RetiringSecret, find_retiring
from tests.unit.usage.watch.samples import LOOK, NOW_MS


def make_retiring(lead_ms: int, overlap_ms: int) -> RetiringSecret:
    """An old secret that retires in ``lead_ms``."""
    retires_at_ms = NOW_MS + lead_ms
    return RetiringSecret("key_a", "deploy", 1, "ari_k_Ab12…yz89", retires_at_ms - overlap_ms, retires_at_ms)


def is_reported(secret: RetiringSecret, used_ago_ms: int | None = MINUTE_MS, window: ScanWindow = LOOK) -> bool:
    last_ms = None if used_ago_ms is None else NOW_MS - used_ago_ms
    use = SecretUse(1, 0, last_ms, [], [], True)
    return bool(find_retiring([secret], {("key_a", 1): use}, window, set()))


@pytest.mark.parametrize(
    ("overlap_ms", "lead_ms"),
    [(30 * DAY_MS, DAY_MS), (4 * DAY_MS, DAY_MS), (DAY_MS, 6 * HOUR_MS), (4 * HOUR_MS, HOUR_MS)],
)
def test_it_is_reported_once_before_the_end(overlap_ms: int, lead_ms: int) -> None:
    """The day before, or in the last quarter of a short overlap."""
    assert is_reported(make_retiring(lead_ms, overlap_ms))
    assert not is_reported(make_retiring(lead_ms + 1, overlap_ms))
    assert not is_reported(make_retiring(lead_ms - MINUTE_MS, overlap_ms))


def test_no_notice_without_a_reason() -> None:
    """Very short overlaps, secrets out of use, those already retired, and times before the watch began."""
    assert not is_reported(make_retiring(HOUR_MS - 1, 4 * HOUR_MS - 4))
    assert not is_reported(make_retiring(DAY_MS, 7 * DAY_MS), used_ago_ms=None)
    assert is_reported(make_retiring(DAY_MS, 7 * DAY_MS), used_ago_ms=3 * DAY_MS)
    assert not is_reported(make_retiring(DAY_MS, 7 * DAY_MS), used_ago_ms=3 * DAY_MS + 1)
    long_pause = ScanWindow(LOOK.began_ms, NOW_MS - 8 * DAY_MS, NOW_MS)
    assert is_reported(make_retiring(HOUR_MS, 7 * DAY_MS), window=long_pause)
    assert not is_reported(make_retiring(0, 7 * DAY_MS), window=long_pause)
    assert not is_reported(make_retiring(DAY_MS, 7 * DAY_MS), window=ScanWindow(NOW_MS, NOW_MS, NOW_MS))


def test_the_finding_says_who_uses_it() -> None:
    """Addresses of allowed requests, at most five; once reported, it is muted."""
    clients = [KeyClient(f"192.0.2.{n}", n % 7, 1, 0, NOW_MS) for n in range(10)]
    secret = make_retiring(DAY_MS, 7 * DAY_MS)
    uses = {("key_a", 1): SecretUse(1, 0, NOW_MS, clients, [], True)}
    [finding] = find_retiring([secret], uses, LOOK, set())
    assert (finding.name, finding.subject) == ("key_secret_retiring", "key_a")
    assert finding.detail == {
        "name": "deploy",
        "hint": "ari_k_Ab12…yz89",
        "number": 1,
        "retires_at": to_rfc3339(NOW_MS + DAY_MS),
        "last_used_at": to_rfc3339(NOW_MS),
        "addresses": [f"192.0.2.{n}" for n in range(1, 6)],
    }
    assert find_retiring([secret], uses, LOOK, set(finding.marks)) == []
