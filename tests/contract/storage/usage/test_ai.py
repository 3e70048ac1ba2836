"""What requests used at providers, on both databases: counted once, with the log, and kept as long as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.ids import new_id
from ari.instance import Instance
from ari.usage.ai import AiCount, AiSpan, AiSums, AiUse
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, rows_of

HOUR = START_MS - START_MS % HOUR_MS
SPAN = AiSpan(HOUR, HOUR + HOUR_MS)


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _use(row: UsageRow, **more: Any) -> AiUse:
    plain = AiUse(row.id, row.at_ms, row.key_id, "openai", "m", 10, 4, 2, 200, 5.5, 9.0, "complete")
    return replace(plain, **more)


def test_a_use_is_read_with_its_row(instance: Instance) -> None:
    """Wherever rows are read; a row that went to no provider has none."""
    rows = [make_row(HOUR + 1), make_row(HOUR + 2)]
    log = instance.database.usage
    log.commit(Batch(rows))
    use = _use(rows[0])
    log.commit(Batch(completions=[use]))
    assert [row.ai for row in rows_of(instance.database)] == [None, use]


@pytest.mark.parametrize("apart", [False, True])
def test_a_use_in_the_commit_of_the_status_completes_its_row(instance: Instance, apart: bool) -> None:
    """Both are one entry then, which says no less: with other rows, folded together or not, and repeated."""
    rows = [make_row(HOUR + 1), make_row(HOUR + 2), make_row(HOUR + 3)]
    log, use, done = instance.database.usage, _use(rows[0]), Completion(rows[0].id, 201, 1.5, 7)
    log.commit(Batch(rows[:2]))
    if apart:
        log.fold_all()
    log.commit(Batch([rows[2]], completions=[done, use, Completion(rows[1].id, 404, 2.5, None), _use(rows[2])]))
    log.commit(Batch(completions=[done, use]))
    found = rows_of(instance.database)
    assert [(row.status, row.duration_ms, row.bytes) for row in found] == [
        (rows[2].status, rows[2].duration_ms, rows[2].bytes),
        (404, 2.5, None),
        (201, 1.5, 7),
    ]
    assert [row.ai for row in found] == [_use(rows[2]), None, use]


def test_uses_are_summed_by_hour(instance: Instance) -> None:
    """By key, provider and model; unreported tokens add nothing; a refused request names no model."""
    uses = [
        _use(make_row(HOUR)),
        _use(make_row(HOUR + 1), model="n", input_tokens=1, output_tokens=None, cached_tokens=None),
        _use(make_row(HOUR + 2, key_id=OTHER_KEY), provider="gemini", input_tokens=None, output_tokens=None),
        _use(make_row(HOUR + 3), provider_status=404, model="anything", input_tokens=None, output_tokens=None),
        _use(make_row(HOUR + 4), provider_status=None, model=None, input_tokens=None, ended="unreachable"),
        _use(make_row(HOUR + HOUR_MS)),
    ]
    instance.database.usage.commit(Batch(completions=list(uses)))
    reports = instance.database.reports
    total = {HOUR: AiSums(5, 2, 3, 11, 8, 8)}
    assert reports.ai_hours(SPAN) == total
    keys = {one.name: one.sums.request_count for one in reports.ai_counts("key", SPAN)}
    assert keys == {KEY: 4, OTHER_KEY: 1}
    models = {(one.provider, one.name): one.sums.request_count for one in reports.ai_counts("model", SPAN)}
    assert models == {("openai", "m"): 1, ("openai", "n"): 1, ("gemini", "m"): 1, ("openai", ""): 2}
    other = AiSpan(HOUR, HOUR + HOUR_MS, OTHER_KEY)
    assert reports.ai_counts("provider", other) == [AiCount("gemini", "gemini", AiSums(1, 0, 0, 0, 0, 2), HOUR + 2)]
    assert reports.ai_last_used() == {"openai": HOUR + HOUR_MS, "gemini": HOUR + 2}


def test_what_did_not_end_well(instance: Instance) -> None:
    """An error in a good response is a failure; an output that is not known is not counted as known."""
    uses = [
        _use(make_row(HOUR), ended="error"),
        _use(make_row(HOUR + 1), ended="cut", output_tokens=None),
        _use(make_row(HOUR + 2), ended="client_gone"),
    ]
    instance.database.usage.commit(Batch(completions=list(uses)))
    assert instance.database.reports.ai_hours(SPAN) == {HOUR: AiSums(3, 1, 2, 30, 8, 6)}
    [(counted, name)] = [
        (one.sums.request_count, one.name) for one in instance.database.reports.ai_counts("model", SPAN)
    ]
    assert (counted, name) == (3, "m")


def test_a_use_keeps_its_cost(instance: Instance) -> None:
    """With the version of the prices and all that was read, so that an old bill can be explained."""
    row = make_row(HOUR)
    use = _use(
        row,
        cost_micros=1_250,
        price_version="2026.1",
        is_estimated=True,
        cache_written_tokens=3,
        audio_tokens=4,
        reasoning_tokens=5,
        alias="fast",
        attempts='[{"status": 429}]',
    )
    instance.database.usage.commit(Batch([row], [use]))
    assert [row.ai for row in rows_of(instance.database)] == [use]


def test_costs_are_summed_and_unknown_costs_are_counted_apart(instance: Instance) -> None:
    """An unknown cost is never summed as 0 alone: the number of priced requests shows that the sum misses some."""
    uses = [
        _use(make_row(HOUR), cost_micros=2**42),
        _use(make_row(HOUR + 1), cost_micros=0),
        _use(make_row(HOUR + 2), cost_micros=None),
        _use(make_row(HOUR + 3), cost_micros=7, is_estimated=True),
    ]
    log = instance.database.usage
    log.commit(Batch(completions=list(uses[:2])))
    log.fold_all()
    log.commit(Batch(completions=list(uses[2:])))
    [hour] = instance.database.reports.ai_hours(SPAN).values()
    assert (hour.request_count, hour.cost_micros, hour.priced_count, hour.estimated_count) == (4, 2**42 + 7, 3, 1)


def test_a_use_counts_once(instance: Instance) -> None:
    """After a fault that left the outcome unknown it is committed again, in the same batch or a later one."""
    use = _use(make_row(HOUR))
    log = instance.database.usage
    log.commit(Batch(completions=[use, use]))
    log.fold_all()
    log.commit(Batch(completions=[use]))
    assert instance.database.reports.ai_hours(SPAN) == {HOUR: AiSums(1, 0, 1, 10, 4, 2)}


def test_retention_removes_uses_and_keeps_sums(instance: Instance) -> None:
    """As it does with rows."""
    rows = [make_row(HOUR - 10 * DAY_MS), make_row(HOUR)]
    log = instance.database.usage
    log.commit(Batch(rows, [_use(row) for row in rows]))
    assert sum(log.remove_before(HOUR - DAY_MS)) >= 2
    assert [row.ai is not None for row in rows_of(instance.database)] == [True]
    assert new_id("req", HOUR) > rows[0].id
    every = AiSpan(HOUR - 20 * DAY_MS, HOUR + HOUR_MS)
    assert sum(one.request_count for one in instance.database.reports.ai_hours(every).values()) == 2
    with instance.database.log.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM usage_ai").scalar() == 1
