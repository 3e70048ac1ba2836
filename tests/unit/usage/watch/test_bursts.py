"""Many refusals in a short time."""

from ari.usage.model import OTHER_ADDRESSES
from ari.usage.watch.bursts import AddressBurst, KeyBurst, find_address_bursts, find_key_bursts
from tests.support.usage import KEY
from tests.unit.usage.watch.samples import LIMITS, make_key


def test_bursts_begin_at_their_number() -> None:
    """On keys and from addresses; what is quiet is left out, also of a sum."""
    burst = KeyBurst(make_key(), 100, ["insufficient_scope"], ["192.0.2.7"])
    [finding] = find_key_bursts([burst], LIMITS, set())
    assert finding.detail["minutes"] == 10
    assert find_key_bursts([burst._replace(refused=99)], LIMITS, set()) == []
    assert find_key_bursts([burst], LIMITS, set(finding.marks)) == []
    loud, louder = AddressBurst("192.0.2.1", 100, ["unknown"]), AddressBurst("192.0.2.2", 500, ["malformed"])
    [finding] = find_address_bursts([loud, louder, loud._replace(address="192.0.2.3", refused=99)], LIMITS, set())
    assert finding.detail == {
        "count": 600,
        "minutes": 10,
        "addresses": ["192.0.2.2", "192.0.2.1"],
        "codes": ["malformed", "unknown"],
    }
    assert find_address_bursts([loud, louder], LIMITS, set(finding.marks)) == []
    assert find_address_bursts([loud, louder], LIMITS, {"burst:192.0.2.2"})[0].detail["count"] == 100
    [spread] = find_address_bursts([AddressBurst(OTHER_ADDRESSES, 5_000, ["unknown"])], LIMITS, set())
    assert spread.detail["addresses"] == []
    [asked] = find_address_bursts([AddressBurst(KEY, 500, ["unknown"])], LIMITS, set())
    assert (asked.detail["addresses"], asked.detail["verified_by"]) == ([], [KEY])
