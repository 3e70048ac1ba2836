"""Reports on a set of keys, on both databases: any number of keys is one parameter."""

from pathlib import Path

from ari.base.clock import DAY_MS, HOUR_MS
from ari.keys.groups import KeyGroup
from ari.usage.ai import AiSpan
from ari.usage.model import KeyCount
from ari.usage.ports import Batch
from ari.usage.search import UsageSearch
from ari.usage.spans import CodeCount
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row

HOUR = START_MS - START_MS % HOUR_MS


def test_a_set_of_keys_of_any_size(data_dir: Path, database_url: str | None) -> None:
    """Far beyond the parameters of a statement; text from an ID can't become SQL."""
    many = (KEY, "' OR 1=1 --", *(f"key_{number:026}" for number in range(70_000)))
    old = HOUR - 3 * DAY_MS
    with opened(data_dir, database_url) as instance:
        rows = [
            make_row(HOUR),
            make_row(old),
            make_row(HOUR, code="revoked", count=5),
            make_row(HOUR, key_id=OTHER_KEY),
        ]
        instance.database.usage.commit(Batch(rows))
        reports = instance.database.reports
        span = HOUR - 5 * DAY_MS, HOUR + HOUR_MS
        found = sorted(reports.hours_of_keys(many, *span), key=lambda one: (one.hour_ms, one.code))
        assert found == [CodeCount(old, "ok", 1), CodeCount(HOUR, "ok", 1), CodeCount(HOUR, "revoked", 5)]
        assert reports.key_counts(many, *span) == [KeyCount(KEY, 2, 5)]
        assert len(reports.key_counts(None, *span)) == 2
        assert (reports.hours_of_keys((), *span), reports.key_counts((), *span)) == ([], [])
        assert {row.key_id for row in reports.search(UsageSearch(group=KeyGroup(many)), None, 9).rows} == {KEY}
        assert reports.search(UsageSearch(group=KeyGroup(())), None, 9).rows == []
        assert reports.ai_hours(AiSpan(*span, key_ids=many)) == {}
