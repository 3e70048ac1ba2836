"""The overlap of a rotation, as people write it."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.errors import Invalid
from ari.keys.overlap import DEFAULT_OVERLAP, MAX_OVERLAP_MS, OVERLAP_CHOICES, parse_overlap


@pytest.mark.parametrize(
    ("text", "overlap_ms"),
    [("0s", 0), ("0d", 0), ("90m", 90 * MINUTE_MS), ("24h", DAY_MS), ("720h", MAX_OVERLAP_MS), ("30d", MAX_OVERLAP_MS)],
)
def test_a_number_and_a_unit(text: str, overlap_ms: int) -> None:
    """From nothing to 30 days."""
    assert parse_overlap(text) == overlap_ms


@pytest.mark.parametrize(
    "text",
    ["", "24", "h", "-1h", "1.5h", "01h", " 1h", "1h\n", "31d", "721h", "9999999d", "٣d", "1w", "1H", "1" * 400 + "s"],
)
def test_anything_else_is_invalid(text: str) -> None:
    """It names its field."""
    with pytest.raises(Invalid) as refused:
        parse_overlap(text)
    assert [problem.location for problem in refused.value.problems] == ["overlap"]


def test_the_choices_of_the_page_are_valid() -> None:
    """The default among them."""
    assert DEFAULT_OVERLAP in OVERLAP_CHOICES
    assert [parse_overlap(text) for text in OVERLAP_CHOICES] == [0, HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS]
