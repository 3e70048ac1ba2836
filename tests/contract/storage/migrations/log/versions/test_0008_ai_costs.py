"""A usage log from before costs: its AI requests keep their numbers, and their cost is unknown, not 0."""

from pathlib import Path

from sqlalchemy import text

from ari.instance import Instance
from ari.storage import migrate as migrations
from ari.storage.migrate import LOG
from ari.usage.ai import AiSpan, AiUse
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.old_schema import expand_log
from tests.support.usage import KEY, make_row, rows_of

NEW_COLUMNS = (
    "cost_micros",
    "price_version",
    "is_estimated",
    "cache_written_tokens",
    "audio_tokens",
    "reasoning_tokens",
    "alias",
    "attempts",
)


def _use(row: UsageRow) -> AiUse:
    return AiUse(row.id, row.at_ms, KEY, "openai", "m", 10, 4, 2, 200, 5.5, 9.0, "complete")


def _undo(instance: Instance) -> None:
    """Bring the log and the staged entries back to the version before."""
    with instance.database.log.begin() as connection:
        expand_log(connection)
        for name in NEW_COLUMNS:
            connection.execute(text(f"ALTER TABLE usage_ai DROP COLUMN {name}"))
        for name in ("cost_micros", "priced_count", "estimated_count"):
            connection.execute(text(f"ALTER TABLE usage_ai_hours DROP COLUMN {name}"))
        connection.execute(text("DROP TABLE budget_warnings"))
        connection.execute(text(f"UPDATE {LOG.version_table} SET version_num = '0007'"))
    with instance.database.folder.staging.begin() as connection:
        for name in NEW_COLUMNS:
            connection.execute(text(f"ALTER TABLE usage_staging DROP COLUMN {name}"))


def test_earlier_requests_have_no_known_cost(data_dir: Path, database_url: str | None) -> None:
    """Folded or staged before the upgrade. New requests are added to the same hour."""
    with opened(data_dir, database_url) as instance:
        folded, staged, new = (make_row(START_MS + n) for n in range(3))
        log = instance.database.usage
        log.commit(Batch([folded], [_use(folded)]))
        log.fold_all()
        log.commit(Batch([staged], [_use(staged)]))
        _undo(instance)
        assert migrations.migrate(instance.database) == [f"log {number}" for number in LOG.revisions[7:]]
    with opened(data_dir, database_url) as instance:
        instance.database.usage.commit(Batch([new], [_use(new)]))
        assert [row.ai for row in rows_of(instance.database)] == [_use(new), _use(staged), _use(folded)]
        [hour] = instance.database.reports.ai_hours(AiSpan(0, 2 * START_MS)).values()
        assert (hour.request_count, hour.input_tokens, hour.priced_count, hour.cost_micros) == (3, 30, 0, 0)
