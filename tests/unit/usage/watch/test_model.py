"""A finding is not repeated while its mark lasts."""

from ari.usage.watch.model import WatchFinding


def test_a_finding_is_muted_by_its_own_mark() -> None:
    """The first one; the others only keep further rules quiet."""
    finding = WatchFinding("key_expired_in_use", None, {}, {"own": 1, "other": 1})
    assert finding.is_muted({"own"})
    assert not finding.is_muted({"other"})
