"""The staged requests of a fold on SQLite, copied into a temporary table in which their texts get numbers.

The copy is a short transaction of its own. A fold that read the staging file for as long as it runs would keep all that
is staged during it in the WAL, which no checkpoint could empty: 202 MB at saturation.
"""

# ruff: noqa: S608 - every name in these statements is our own

from typing import NamedTuple

from sqlalchemy import Connection, text

from ari.keys.reasons import ACCEPTED
from ari.storage.tables import usage_staging
from ari.storage.usage.compact_sql import NO_TEXT, USUAL_SOURCE, add_texts, caller_of, compact, number_of
from ari.storage.usage.rollups import FLOOD, LOGGED, REQUEST

_TEXTS = {'"key"': "key_id", "key_hint": "hint_text", "route": "route_text", "code": "code_text"}
"""The columns that have a number, and those of the copied text."""
_copied = """seq, kind, at_ms, client_address, user_agent, given.source AS source_text, given.key_id,
    given.key_hint AS hint_text, given.route AS route_text, given.code AS code_text, """
_accepted = f"'{ACCEPTED}'"
_entries = compact(
    LOGGED,
    _copied,
    code=f"CASE given.code WHEN {_accepted} THEN {number_of(_accepted)} ELSE {number_of('given.code')} END",
    caller=f"""(SELECT stored.number FROM usage_callers AS stored
        WHERE stored.address = coalesce(given.client_address, '{NO_TEXT}')
        AND stored.user_agent = coalesce(given.user_agent, '{NO_TEXT}') ORDER BY stored.number LIMIT 1)""",
)
"""The number of ``ok`` is looked up once; ``LIMIT`` takes two thirds of the time of ``min``."""
_without_number = " OR ".join(
    [f"{column} IS NULL" for column in (*_TEXTS, "caller")] + [f"(source IS NULL AND source_text <> '{USUAL_SOURCE}')"]
)
_new = f"""FROM (SELECT id_high, key_id, hint_text AS key_hint, route_text AS route, code_text AS code,
    source_text AS source, client_address, user_agent FROM entries WHERE {_without_number}) AS new"""
_numbers = ", ".join(f"{column} = {number_of(f'entries.{text}')}" for column, text in _TEXTS.items())

_OTHERS = "other_entries"
_columns = ", ".join(f'"{column.name}"' for column in usage_staging.c)
_MAKE = (
    f"CREATE TEMP TABLE IF NOT EXISTS entries AS {_entries} LIMIT 0",
    f"CREATE TEMP TABLE IF NOT EXISTS {_OTHERS} AS SELECT {_columns} FROM usage_staging LIMIT 0",
    "DELETE FROM entries",
    f"DELETE FROM {_OTHERS}",
)
_FIND_SPAN = """SELECT max(seq), count(*) FROM (
    SELECT seq FROM usage_staging WHERE seq > :low ORDER BY seq LIMIT :most) AS oldest"""
_COPY = f"INSERT INTO entries {_entries}"
_COPY_OTHERS = f"""INSERT INTO {_OTHERS} ({_columns}) SELECT {_columns} FROM usage_staging
    WHERE seq > :low AND seq <= :high AND kind NOT IN ('{REQUEST}', '{FLOOD}')"""
_KINDS = f"SELECT '{FLOOD}' WHERE EXISTS (SELECT 1 FROM entries WHERE kind = '{FLOOD}')"
_OTHER_KINDS = f"SELECT DISTINCT kind FROM {_OTHERS}"
_HAS_NEW_TEXTS = f"SELECT 1 FROM entries WHERE {_without_number} LIMIT 1"
_NUMBER_NEW_TEXTS = (
    *add_texts(_new, "id_high"),
    f"""UPDATE entries SET {_numbers}, caller = {caller_of("entries")},
    source = CASE WHEN source_text <> '{USUAL_SOURCE}' THEN {number_of("entries.source_text")} END
    WHERE {_without_number}""",
)


class Copied(NamedTuple):
    """Which entries were copied: ``low`` < ``seq`` ≤ ``high``, how many, and their kinds."""

    low: int
    high: int
    entries: int
    kinds: set[str]


def copy_oldest(connection: Connection, low: int, most: int) -> Copied | None:
    """Copy the ``most`` oldest entries after ``low``, in the caller's transaction. ``None`` if there are none."""
    for statement in _MAKE:
        connection.execute(text(statement), {"low": 0, "high": 0})
    high, count = connection.execute(text(_FIND_SPAN), {"low": low, "most": most}).one()
    if not count:
        return None
    span = {"low": low, "high": high}
    requests = connection.execute(text(_COPY), span).rowcount
    kinds = {*connection.scalars(text(_KINDS))}
    if requests:
        kinds.add(REQUEST)
    if requests < count:
        connection.execute(text(_COPY_OTHERS), span)
        kinds |= {*connection.scalars(text(_OTHER_KINDS))}
    return Copied(low, high, count, kinds)


def number_new_texts(connection: Connection) -> None:
    """Give the copied requests' new texts numbers, in the transaction that adds the rows."""
    if connection.scalar(text(_HAS_NEW_TEXTS)):
        for statement in _NUMBER_NEW_TEXTS:
            connection.execute(text(statement))


def for_copies(statement: str) -> str:
    """The same statement on the copied entries."""
    return statement.replace("usage_staging", _OTHERS)
