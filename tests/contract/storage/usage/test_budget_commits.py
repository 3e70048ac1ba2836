"""Budgets: reserved in the commit that logs the request, settled in the one that writes its AI use, once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

from ari.base.clock import MINUTE_MS
from ari.base.errors import Unavailable
from ari.keys.limits.charge import (
    BUDGET_PREFIX,
    CONSUMER_PREFIX,
    INSTANCE_ID,
    INSTANCE_PREFIX,
    Charge,
    Estimate,
    RuleOwner,
    Settlement,
)
from ari.keys.limits.rules import Budget, Limit, LimitRules
from ari.keys.limits.spending import MAX_AMOUNT, Amounts
from ari.storage.engine import Database
from ari.storage.tables import usage_ai
from ari.usage.ai import AiSpan, AiUse
from ari.usage.floods import MAX_LISTED_PER_MINUTE
from ari.usage.limit_decisions import mark_retried
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from tests.support.clock import FrozenClock
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_ai_use, make_row, rows_of


@pytest.fixture
def log(data_dir: Path, database_url: str | None) -> Iterator[Database]:
    with opened(data_dir, database_url) as instance:
        yield instance.database


OWNER = RuleOwner(KEY, LimitRules(1, budgets=(Budget("monthly", 1_000), Budget("daily", 50, "tokens", "day"))))
INSTANCE = RuleOwner(INSTANCE_ID, LimitRules(1, budgets=(Budget("all", 10**9, period="total"),)), INSTANCE_PREFIX)


def make_ai_row(money: int = 100, tokens: int = 10, owners: tuple[RuleOwner, ...] = (OWNER, INSTANCE)) -> UsageRow:
    return make_row(charge=Charge(owners, estimate=Estimate(Amounts(money, tokens), 10 * MINUTE_MS)))


def find_refusal(row: UsageRow) -> str | None:
    """The name of the budget that refused a committed row."""
    assert row.charge is not None
    assert row.charge.decision is not None
    exceeded = row.charge.decision.exceeded
    return None if exceeded is None else exceeded.name


def make_use(row: UsageRow, money: int, tokens: int) -> AiUse:
    """The use that settles a committed row."""
    assert row.charge is not None
    assert row.charge.decision is not None
    settlement = Settlement(row.charge.decision.held, Amounts(money, tokens))
    return make_ai_use(row.id, cost_micros=money, settlement=settlement)


def read_used(database: Database, *owners: RuleOwner) -> dict[str, tuple[int, int]]:
    """The amounts used and reserved of each budget."""
    found = database.usage.read_budgets(owners or (OWNER, INSTANCE))
    return {one.name: (one.used, one.reserved) for one in found}


def test_a_request_reserves_and_settles(log: Database) -> None:
    """The row has what was reserved, so that the log explains the counter even if the process dies."""
    row = make_ai_row()
    log.usage.commit(Batch([row]))
    assert read_used(log) == {"monthly": (100, 100), "daily": (10, 10), "instance:all": (100, 100)}
    [logged] = rows_of(log)
    assert logged.consumed is not None
    assert f'"{BUDGET_PREFIX}monthly":100' in logged.consumed
    assert f'"{INSTANCE_PREFIX}{BUDGET_PREFIX}all":100' in logged.consumed
    log.usage.commit(Batch(completions=[make_use(row, 7, 14)]))
    assert read_used(log) == {"monthly": (7, 0), "daily": (14, 0), "instance:all": (7, 0)}
    [logged] = rows_of(log)
    assert logged.ai is not None
    assert (logged.ai.cost_micros, logged.ai.settlement) == (7, None)


def test_a_refused_request_reserves_nothing(log: Database) -> None:
    """No budget, not even of another owner, and the row says which reason it had."""
    row = make_ai_row(money=1, tokens=51)
    log.usage.commit(Batch([row]))
    assert find_refusal(row) == "daily"
    assert read_used(log) == {"monthly": (0, 0), "daily": (0, 0), "instance:all": (0, 0)}
    [logged] = rows_of(log)
    assert (logged.code, logged.status, logged.consumed) == ("budget_exhausted", 429, None)


def test_owners_are_listed_by_the_share_that_they_used(log: Database) -> None:
    """Without those that used nothing or have no budgets; a share is that of the fullest budget."""
    half = RuleOwner(OTHER_KEY, LimitRules(1, budgets=(Budget("a", 1_000), Budget("b", 200))))
    limited = RuleOwner("key_limited", LimitRules(1, limits=(Limit("x", 9, 60_000),)))
    log.usage.commit(Batch([make_ai_row(100, 10), make_ai_row(100, 0, (half,)), make_ai_row(0, 0, (limited,))]))
    assert log.usage.list_most_used(9) == [OTHER_KEY, KEY, INSTANCE.id]
    assert log.usage.list_most_used(1) == [OTHER_KEY]


def test_a_refused_row_has_its_model(log: Database) -> None:
    """Clean and bounded, only in the log: no sum has it. A row that is allowed has none until it ends."""
    rows = [make_ai_row(tokens=tokens) for tokens in (51, 10)]
    for row in rows:
        row.ai = make_ai_use(row.id, model="gpt-5\x00" + "x" * 10_000, ended="refused", cost_micros=None)
    log.usage.commit(Batch(rows))
    refused, allowed = sorted(rows_of(log), key=lambda row: row.accepted)
    assert (refused.code, allowed.ai) == ("budget_exhausted", None)
    assert refused.ai is not None
    assert refused.ai.model is not None
    assert refused.ai.model.startswith("gpt-5")
    assert "\x00" not in refused.ai.model
    assert len(refused.ai.model) < 300
    assert log.reports.ai_counts("model", AiSpan(0, 2 * START_MS)) == []


def test_a_flood_of_refusals_has_no_models(log: Database) -> None:
    """Beyond the rows that are listed, nothing is stored for each."""
    rows = [make_ai_row(tokens=51) for _ in range(MAX_LISTED_PER_MINUTE + 5)]
    for row in rows:
        row.ai = make_ai_use(row.id, ended="refused")
    log.usage.commit(Batch(rows))
    found = rows_of(log)
    assert sum(row.count for row in found) == len(rows)
    assert [row.count for row in found if row.ai is None] == [5]


def test_requests_of_one_commit_share_what_is_left(log: Database) -> None:
    """The third finds no room; after a settlement, another does, even in the same commit."""
    rows = [make_ai_row(400) for _ in range(3)]
    log.usage.commit(Batch(rows))
    assert [find_refusal(row) for row in rows] == [None, None, "monthly"]
    last = make_ai_row(400)
    log.usage.commit(Batch([last], [make_use(rows[0], 1, 1)]))
    assert find_refusal(last) is None
    assert read_used(log)["monthly"] == (801, 800)


def test_a_settlement_that_was_stored_is_not_repeated(log: Database) -> None:
    """Staged or already folded: the commit was reported to have failed, and is tried again."""
    row, other = make_ai_row(), make_ai_row()
    log.usage.commit(Batch([row, other]))
    use, second = make_use(row, 7, 14), make_use(other, 5, 5)
    log.usage.commit(Batch(completions=[use]))
    log.usage.commit(Batch(completions=[mark_retried(use)]))
    log.usage.fold_all()
    log.usage.commit(Batch(completions=[mark_retried(use), mark_retried(second)]))
    assert read_used(log) == {"monthly": (12, 0), "daily": (19, 0), "instance:all": (12, 0)}
    log.usage.fold_all()
    with log.log.connect() as connection:
        assert connection.scalar(select(func.sum(usage_ai.c.cost_micros))) == 12


def test_a_settlement_that_failed_is_applied_later(log: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the failed commit is stored, so the retry settles."""
    row = make_ai_row()
    log.usage.commit(Batch([row]))
    use = make_use(row, 7, 14)
    with monkeypatch.context() as patched:
        patched.setattr("ari.storage.usage.staging.save_warnings", _fail)
        with pytest.raises(Unavailable):
            log.usage.commit(Batch(completions=[use]))
    assert read_used(log)["monthly"] == (100, 100)
    log.usage.commit(Batch(completions=[mark_retried(use)]))
    assert read_used(log)["monthly"] == (7, 0)


def test_no_amount_fails_the_commit_of_others(log: Database) -> None:
    """Callers and providers choose the numbers. What no database stores is bounded, for each settlement and the sum."""
    soft = RuleOwner(OTHER_KEY, LimitRules(1, budgets=(Budget("soft", 10**6, is_hard=False),)))
    greedy, other = make_ai_row(10**30, 10**30, (soft,)), make_ai_row()
    log.usage.commit(Batch([greedy, other]))
    assert find_refusal(greedy) is None
    use = make_use(greedy, 10**30, 10**30)
    log.usage.commit(Batch(completions=[use, make_use(other, 7, 14)]))
    assert read_used(log, soft) == {"soft": (MAX_AMOUNT, 0)}
    assert read_used(log)["monthly"] == (7, 0)
    assert [one.name for one in log.budget_warnings.read(10)] == ["soft"]


@pytest.mark.parametrize("field", ["id", "attempts", "first_byte_ms"])
def test_a_settlement_that_the_database_refuses_is_left_out(log: Database, field: str) -> None:
    """It would fail every later commit of all keys. The others are stored, and what it reserved stays used."""
    rows = [make_ai_row() for _ in range(4)]
    log.usage.commit(Batch(rows))
    uses: list[Completion | AiUse] = [make_use(row, 7, 7) for row in rows]
    poison: Any = "a\ud800" if field != "first_byte_ms" else 10**400
    uses[2] = replace(make_use(rows[2], 7, 7), **{field: poison})
    later = make_ai_row()
    log.usage.commit(Batch([later], uses))
    assert find_refusal(later) is None
    assert read_used(log)["monthly"] == (7 * 3 + 200, 200)
    log.usage.fold_all()
    with log.log.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(usage_ai)) == 3


def _fail(*_: object) -> None:
    raise OSError("the disk is gone")


def test_processes_never_overspend(data_dir: Path, database_url: str | None) -> None:
    """Each has its own connections, and the sum of the log is the counter."""
    with opened(data_dir, database_url) as first, opened(data_dir, database_url) as second:

        def spend(number: int) -> int:
            log = (first, second)[number % 2].database
            row = make_ai_row(90, 1, (OWNER,))
            log.usage.commit(Batch([row]))
            if find_refusal(row) is not None:
                return 0
            log.usage.commit(Batch(completions=[make_use(row, 60, 1)]))
            return 60

        with ThreadPoolExecutor(2) as pool:
            spent = sum(pool.map(spend, range(40)))
        spent += spend(40)  # all others may have been refused while one had reserved more than it used
        assert read_used(first.database, OWNER)["monthly"] == (spent, 0)
        assert 900 < spent <= 1_000


def test_a_period_ends_by_the_time_of_the_counter(data_dir: Path) -> None:
    """On SQLite the machine's uptime, whatever its clock says: the next day has the whole budget again."""
    with opened(data_dir, None) as instance:
        log = instance.database
        clock = instance.clock = log.clock = FrozenClock(START_MS)
        row, late, later = (make_ai_row(0, 50, (OWNER,)) for _ in range(3))
        log.usage.commit(Batch([row, late]))
        assert find_refusal(late) == "daily"
        clock.advance(24 * 60 * 60)
        log.usage.commit(Batch([later], [make_use(row, 0, 1)]))
        assert find_refusal(later) is None
        assert read_used(log, OWNER)["daily"] == (50, 50)


def test_warnings_wait_until_they_are_removed(log: Database) -> None:
    """One for each threshold of a period, however often the commit is repeated, of every owner."""
    shared = RuleOwner("con_1", LimitRules(1, budgets=(Budget("shared", 1_000),)), CONSUMER_PREFIX)
    rows = [make_ai_row(300, 0, (OWNER, shared)) for _ in range(3)]
    log.usage.commit(Batch(rows))
    assert log.budget_warnings.read(10) == []
    for row in rows:
        log.usage.commit(Batch(completions=[make_use(row, 300, 0)]))
    found = log.budget_warnings.read(10)
    assert sorted((one.owner_id, one.name, one.threshold, one.used) for one in found) == [
        ("con_1", "shared", 50, 600),
        ("con_1", "shared", 80, 900),
        (KEY, "monthly", 50, 600),
        (KEY, "monthly", 80, 900),
    ]
    assert {one.amount for one in found} == {1_000}
    refused = make_ai_row(300, 0, (OWNER,))
    log.usage.commit(Batch([refused]))
    log.budget_warnings.remove(found)
    assert [(one.name, one.threshold) for one in log.budget_warnings.read(10)] == [("monthly", 100)]
