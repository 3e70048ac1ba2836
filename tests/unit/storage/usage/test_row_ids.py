"""Ids as two integers: nothing is lost, the order is that of the ids, and SQL agrees with Python."""

import random

import pytest
from sqlalchemy import text

from ari.base.ids import new_id
from ari.instance import Instance
from ari.storage.usage.row_ids import (
    ABOVE_ALL,
    ALPHABET,
    BELOW_ALL,
    format_id,
    format_in_sql,
    lowest_at,
    lowest_id,
    parse_cursor,
    parse_id,
    parse_in_sql,
)
from ari.usage.model import ROW_KIND
from tests.support.instances import START_MS

_chance = random.Random(7)
IDS = [
    *("req_0" + "".join(_chance.choices(ALPHABET, k=25)) for _ in range(200)),
    "req_" + "0" * 26,
    "req_3" + "Z" * 25,
    "req_01HMADV00000G0000000000000",
    "req_01HMADV000000ZZZZZZZZZZZZZ",
]


def test_ids_survive_and_keep_their_order() -> None:
    """All 128 bits are in the integers, and sorting these sorts the ids."""
    numbers = [parse_id(one) for one in IDS]
    assert [format_id(*one) for one in numbers] == IDS
    assert [format_id(*one) for one in sorted(numbers)] == sorted(IDS)


def test_sql_makes_the_same_numbers_and_texts(instance: Instance) -> None:
    """The view shows, and an upgrade stores, exactly what Python reads and writes."""
    high, low = parse_in_sql(":id", "instr")
    with instance.database.log.connect() as connection:
        for one in IDS:
            numbers = connection.execute(text(f"SELECT {high}, {low}"), {"id": one}).one()
            assert tuple(numbers) == parse_id(one)
            shown = text(f"SELECT {format_in_sql(':high', ':low')}")
            assert connection.scalar(shown, {"high": numbers[0], "low": numbers[1]}) == one


def test_a_time_is_a_place_among_the_numbers() -> None:
    """The lowest number of a time comes after all earlier ids and before all from then on."""
    assert parse_id(new_id(ROW_KIND, START_MS - 1)).high < lowest_at(START_MS)
    assert parse_id(new_id(ROW_KIND, START_MS)).high >= lowest_at(START_MS)
    assert lowest_at(-1) == 0
    assert lowest_at(1 << 60) > parse_id(new_id(ROW_KIND, START_MS)).high


@pytest.mark.parametrize("cursor", [*IDS[:20], lowest_id(START_MS), "req_01HMADV", "req_01HMADV~", "req_0Z!"])
def test_a_cursor_sorts_as_its_text(cursor: str) -> None:
    """Ids below the text are those below the cursor, also if it is not a whole id."""
    place = parse_cursor(cursor)
    assert [one for one in IDS if parse_id(one) < place] == [one for one in IDS if one < cursor]


@pytest.mark.parametrize(
    ("cursor", "place"), [("", BELOW_ALL), ("abc", BELOW_ALL), ("zzz", ABOVE_ALL), ("req_ZZ", ABOVE_ALL)]
)
def test_a_foreign_cursor_is_before_or_after_all(cursor: str, place: tuple[int, int]) -> None:
    """A cursor that ARI did not make is no fault."""
    assert parse_cursor(cursor) == place


@pytest.mark.parametrize("foreign", ["unknown", "req_", "req_!", "req_" + "Z" * 26, "req_-1"])
def test_text_that_is_no_id_fails_no_commit(foreign: str) -> None:
    """It would fail every later fold as well."""
    assert parse_id(foreign) == BELOW_ALL
