"""A calculated log: its figures are those of a real one, or nothing measured on it would mean anything."""

from pathlib import Path

from benchmarks.usage_at_scale import measure_space
from benchmarks.usage_fill import FLOODED, KEYS, RARE, RARE_CODE, fill
from tests.support.usage import read_sums, rows_of

ROWS = 9_000


def test_a_calculated_log_agrees_with_its_rollups(tmp_path: Path, database_url: str | None) -> None:
    """Promise 3: totals, rollups and rows are equal, on both databases and for each kind of key."""
    filled = fill(tmp_path / "log", ROWS, database_url)
    try:
        sums, rows = read_sums(filled.database), rows_of(filled.database, limit=2 * ROWS)
        assert (len(rows), len({row.id for row in rows})) == (ROWS, ROWS)
        assert sum(map(sum, sums.values())) == ROWS
        assert sums[RARE] == (50, 0)
        assert sums[FLOODED][1] > ROWS // 12
        assert {row.code for row in rows} == {"ok", "revoked", "expired", RARE_CODE}
        assert sum(row.code == RARE_CODE for row in rows) == 2
        clients = filled.database.usage.addresses(KEYS[5], 99)
        assert sum(one.accepted_count + one.refused_count for one in clients) == sum(sums[KEYS[5]])
        assert min(*measure_space([filled])["bytes per row"], *measure_space([filled])["bytes per row with texts"]) > 50
    finally:
        filled.database.close()
