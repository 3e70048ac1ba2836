"""The entries of a batch: few columns each, and one for how a request ended with its AI use."""

from collections.abc import Sequence

import pytest

from ari.storage.tables import usage_staging
from ari.storage.usage.batch_entries import Part, join_parts, make_parts
from ari.usage.ai import AiUse
from ari.usage.model import Attempt, Completion, UsageRow
from ari.usage.ports import Batch

ROW = UsageRow(
    "req_01ARZ3NDEKTSV4RRFFQ69G5FAV", 5, "r1", "key_1", "ari_k_ab", "ok", "POST", "/a", "/a/b", "10.0.0.1", "agent"
)
OTHER = "req_01BX5ZZKBKACTAV9WEVGEMMVRZ"
ENDED = Completion(OTHER, 200, 1.5, 7)


def use_of(row_id: str) -> AiUse:
    return AiUse(row_id, 5, "key_1", "openai", "m", 1, 2, None, 200, 1.0, 2.0, "complete")


def by_column(parts: Sequence[Part]) -> list[dict[str, object]]:
    return [dict(zip(part.columns, entry, strict=True)) for part in parts for entry in part.entries]


def test_an_end_and_an_ai_use_of_one_request_are_one_entry() -> None:
    """Each entry takes a tenth of a commit; the use has its row's status then."""
    both: tuple[Completion | AiUse, ...] = (ENDED, use_of(OTHER))
    for completions in (both, both[::-1]):
        (found,) = by_column(make_parts(Batch(completions=[*completions]), ()))
        assert (found["kind"], found["id"]) == ("ai_use", OTHER)
        assert (found["status"], found["duration_ms"], found["bytes"], found["whole_ms"]) == (200, 1.5, 7, 2.0)


def test_an_end_of_another_request_stays_an_entry() -> None:
    """A stream ends long after its status is known, which must not wait for that."""
    found = by_column(make_parts(Batch(completions=[ENDED, use_of(ROW.id)]), ()))
    assert [(one["kind"], one["id"], one["status"]) for one in found] == [
        ("completion", OTHER, 200),
        ("ai_use", ROW.id, None),
    ]


def test_a_kind_has_only_columns_that_it_fills() -> None:
    """With all columns for each, a commit takes twice the time."""
    batch = Batch(attempts=[Attempt(5, "expired", "10.0.0.2")], completions=[ENDED])
    parts = make_parts(batch, [ROW])
    assert [len(part.columns) for part in parts] == [20, 5, 7]
    assert [found["kind"] for found in by_column(parts)] == ["request", "attempts", "completion"]


def test_joined_parts_have_the_same_values() -> None:
    """PostgreSQL gets one statement; what a kind doesn't have is null there."""
    parts = make_parts(Batch(attempts=[Attempt(5, "expired", "10.0.0.2")], completions=[use_of(OTHER)]), [ROW])
    joined = join_parts(parts)
    assert set(joined.columns) == {column.name for column in usage_staging.c} - {"seq"}
    for found, whole in zip(by_column(parts), by_column([joined]), strict=True):
        assert {name: value for name, value in whole.items() if value is not None} == {
            name: value for name, value in found.items() if value is not None
        }


@pytest.mark.parametrize("rows", [[], [ROW]])
def test_one_part_is_not_widened(rows: list[UsageRow]) -> None:
    """A commit of requests alone, the usual one, keeps its few columns."""
    parts = make_parts(Batch(completions=[] if rows else [ENDED]), rows)
    assert join_parts(parts) is parts[0]
