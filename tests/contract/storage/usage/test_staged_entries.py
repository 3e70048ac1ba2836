"""Texts become numbers once for each different text: every request keeps its own, and no fold compares all with all."""

import itertools
from pathlib import Path

from sqlalchemy import text, update

from ari.storage.tables import usage_staging
from ari.storage.usage import fold, staged_entries
from ari.storage.usage.compact_sql import for_postgresql
from ari.usage.model import UsageRow
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row, read_sums, rows_of


def _mix_texts() -> list[UsageRow]:
    """Each text with each other one, and requests without a client."""
    texts = itertools.product(
        (KEY, OTHER_KEY), ("ari_k_Ab12…yz89", "ari_k_Cd34…wx67"), ("/api/me", "/api/keys"), ("ok", "expired"),
        ("request", "verify"), ("192.0.2.7", None), ("curl/7.88.1", None),
    )  # fmt: skip
    return [
        make_row(
            START_MS + n, key_id=key_id, key_hint=hint, route=route, code=code, source=source, client_address=address,
            user_agent=agent,
        )
        for n, (key_id, hint, route, code, source, address, agent) in enumerate(texts)
    ]  # fmt: skip


def test_each_request_keeps_its_own_texts(data_dir: Path, database_url: str | None) -> None:
    """Promise 2: in a first fold, where every text is new, and in one where some are."""
    rows = _mix_texts()
    with opened(data_dir, database_url) as instance:
        for some in (rows[1::3], rows[::3], rows[2::3]):
            instance.database.usage.commit(Batch(some))
            instance.database.usage.fold_all()
        assert rows_of(instance.database) == rows[::-1]
        assert read_sums(instance.database) == {KEY: (32, 32), OTHER_KEY: (32, 32)}


def test_a_request_staged_by_an_older_version_is_folded(data_dir: Path, database_url: str | None) -> None:
    """It has its id as text, and its request id and path in full."""
    row = make_row()
    with opened(data_dir, database_url) as instance:
        instance.database.usage.commit(Batch([row]))
        with instance.database.folder.staging.begin() as connection:
            missing = {"id_high": None, "id_low": None}
            connection.execute(update(usage_staging).values(id=row.id, request_id=row.id, path=row.route, **missing))
        assert rows_of(instance.database) == [row]
        assert read_sums(instance.database) == {KEY: (1, 0)}


def test_no_fold_compares_all_with_all(data_dir: Path, postgres_url: str) -> None:
    """Whatever the planner believes of the staging table: at its usual guess, a nested loop would take hours."""
    with opened(data_dir, postgres_url) as instance, instance.database.folder.engine.begin() as connection:
        for setting in staged_entries.PLANS:
            connection.execute(text(setting))
        for statement in map(for_postgresql, (*staged_entries.ADD_TEXTS, fold.COUNT_AT_ONCE)):
            given = {"low": 0, "high": 2**40, "first": 0, "last": 2**62}
            plan = "\n".join(connection.scalars(text(f"EXPLAIN {statement}"), given))
            assert "Nested Loop" not in plan
            assert "Merge Join" not in plan
            assert "JIT" not in plan
