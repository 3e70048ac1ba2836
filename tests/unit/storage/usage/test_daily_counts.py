"""Daily counts for the small charts in lists."""

from ari.base.clock import DAY_MS, HOUR_MS
from ari.instance import Instance
from ari.usage.ports import Batch
from ari.usage.reports.daily import Day
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

DAY = START_MS - START_MS % DAY_MS


def test_days_of_several_keys(instance: Instance) -> None:
    """Hours of one UTC day are added up, from the whole day of the first time; other keys are left out."""
    times = [(DAY - 1, "ok"), (DAY, "ok"), (DAY + HOUR_MS, "expired"), (DAY + DAY_MS - 1, "ok"), (DAY + DAY_MS, "ok")]
    rows = [make_row(at_ms, code=code) for at_ms, code in times]
    unused = "key_01J000000000000000000000CC"
    store = instance.database.usage
    store.commit(Batch([*rows, make_row(DAY, key_id=OTHER_KEY)]))
    found = store.days([KEY, unused], DAY + 5 * HOUR_MS)
    assert {key_id: sorted(days) for key_id, days in found.items()} == {
        KEY: [Day(DAY, 2, 1), Day(DAY + DAY_MS, 1, 0)],
    }
    assert store.days([], DAY) == {}
