"""AI use: read with its rows, summed by hour, and removed with its age."""

import pytest

from ari.base.clock import HOUR_MS
from ari.instance import Instance
from ari.storage.usage import ai
from ari.storage.usage.row_ids import lowest_id
from ari.usage.ai import AiBy, AiSpan, AiSums, AiUse
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row

HOUR = START_MS - START_MS % HOUR_MS
SPAN = AiSpan(HOUR, HOUR + 2 * HOUR_MS)


def _use(at_ms: int, key_id: str, provider: str, status: int | None, tokens: int | None) -> AiUse:
    row = make_row(at_ms, key_id=key_id)
    model = None if tokens is None else "small"
    return AiUse(row.id, at_ms, key_id, provider, model, tokens, tokens, None, status, 1.0, 2.0, "complete")


@pytest.fixture
def uses(instance: Instance) -> list[AiUse]:
    """Two good ones of one provider in two hours, and one of another that failed."""
    made = [
        _use(HOUR, KEY, "openai", 200, 10),
        _use(HOUR + HOUR_MS, KEY, "openai", 201, 5),
        _use(HOUR + 1, OTHER_KEY, "mistral", 503, None),
    ]
    rows = [make_row(use.at_ms, id=use.id, key_id=use.key_id) for use in made]
    instance.database.usage.commit(Batch(rows, list(made)))
    instance.database.usage.fold_all()
    return made


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("key", [("", KEY), ("", OTHER_KEY)]),
        ("provider", [("openai", "openai"), ("mistral", "mistral")]),
        ("model", [("openai", "small"), ("mistral", "")]),
    ],
)
def test_sums_by_key_provider_and_model(
    instance: Instance, uses: list[AiUse], by: AiBy, names: list[tuple[str, str]]
) -> None:
    """The most requests first; a request without token counts or without a good status is counted as that."""
    with instance.database.log.connect() as connection:
        found = ai.counts_by(connection, by, SPAN)
    assert [(one.provider, one.name) for one in found] == names
    assert [one.sums for one in found] == [AiSums(2, 0, 2, 15, 15, 0), AiSums(1, 1, 0, 0, 0, 0)]
    assert [one.last_at_ms for one in found] == [HOUR + HOUR_MS, HOUR + 1]


def test_a_span_ends_before_its_last_hour(instance: Instance, uses: list[AiUse]) -> None:
    """And may be of one key."""
    with instance.database.log.connect() as connection:
        assert set(ai.sums_by_hour(connection, SPAN)) == {HOUR, HOUR + HOUR_MS}
        assert set(ai.sums_by_hour(connection, AiSpan(HOUR, HOUR + HOUR_MS))) == {HOUR}
        assert ai.sums_by_hour(connection, AiSpan(HOUR, HOUR + HOUR_MS, KEY)) == {HOUR: AiSums(1, 0, 1, 10, 10, 0)}
        assert ai.last_by_provider(connection) == {"openai": HOUR + HOUR_MS, "mistral": HOUR + 1}


def test_uses_are_removed_by_age_and_their_sums_stay(instance: Instance, uses: list[AiUse]) -> None:
    """A few at a time; the rows of what is left still show their use."""
    with instance.database.log.begin() as connection:
        before = ai.sums_by_hour(connection, SPAN)
        assert [ai.remove_uses(connection, lowest_id(HOUR + HOUR_MS), 1) for _ in range(3)] == [1, 1, 0]
        assert ai.sums_by_hour(connection, SPAN) == before
        rows = ai.add_uses(connection, [make_row(use.at_ms, id=use.id) for use in uses])
    assert [row.ai for row in rows] == [None, uses[1], None]
