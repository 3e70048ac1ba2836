"""The SQL that adds what folds counted of clients to ``usage_seen``.

A fold appends its counts to ``usage_client_counts``. Adding each to its place in ``usage_seen`` took half the time of a
fold where keys have many clients; a hundred thousand requests have far fewer clients than five times twenty thousand.
"""

# ruff: noqa: S608 - every name in these statements is our own

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.storage.usage.compact_sql import NO_TEXT
from ari.storage.usage.rollups import add, larger, smaller, text_of
from ari.usage.floods import MAX_CLIENTS_PER_DAY
from ari.usage.model import OTHERS

ADD_COUNTS = f"""ON CONFLICT (key_id, kind, value) DO UPDATE SET
    {add("usage_seen", "accepted_count", "refused_count")},
    {smaller("usage_seen", "first_seen_at_ms")}, {larger("usage_seen", "last_seen_at_ms")}"""
HAS_COUNTS = "SELECT 1 FROM usage_client_counts LIMIT 1"
EARLIEST_MS = "SELECT min(first_seen_at_ms) FROM usage_client_counts"
FIND_LAST = 'SELECT "key", caller FROM usage_client_counts ORDER BY "key", caller LIMIT 1 OFFSET :most'
"""The last of a step's counts. One key may have any number of callers."""
LAST = {"last_key": 2**31 - 1, "last_caller": 2**63 - 1}
_UP_TO_LAST = '("key", caller) <= (:last_key, :last_caller)'


_KINDS = ("address", "user_agent")


def _client(kind: str) -> str:
    """A client of the callers."""
    return f"""coalesce(nullif((
        SELECT stored.{kind} FROM usage_callers AS stored WHERE stored.number = caller), '{NO_TEXT}'), '{OTHERS}')"""


_pairs = f"""SELECT "key", caller, sum(accepted_count) AS accepted, sum(refused_count) AS refused,
    min(first_seen_at_ms) AS first, max(last_seen_at_ms) AS last FROM usage_client_counts
    WHERE {_UP_TO_LAST} GROUP BY 1, 2"""
_sums = "sum(accepted) AS accepted, sum(refused) AS refused, min(first) AS first, max(last) AS last"
_by_places = " UNION ALL ".join(
    f"""SELECT {text_of('"key"')} AS key_id, '{kind}' AS kind, {_client(kind)} AS value, accepted, refused, first, last
    FROM (SELECT "key", min(caller) AS caller, {_sums} FROM pairs JOIN called ON called.number = pairs.caller
    GROUP BY "key", {kind}_place) AS {kind}_sums"""
    for kind in _KINDS
)
_by_texts = " UNION ALL ".join(
    f"""SELECT {text_of('"key"')} AS key_id, '{kind}' AS kind, value, accepted, refused, first, last
    FROM (SELECT "key", value, {_sums} FROM (SELECT *, {_client(kind)} AS value FROM pairs) AS named
    GROUP BY "key", value) AS {kind}_sums"""
    for kind in _KINDS
)


def _find_known(clients: str) -> str:
    return f"""SELECT key_id, kind, value, accepted, refused, first, last, value <> '{OTHERS}' AND (
    SELECT stored.value FROM usage_seen AS stored
    WHERE stored.key_id = client.key_id AND stored.kind = client.kind AND stored.value = client.value
    ) IS NOT NULL AS is_known FROM ({clients}) AS client"""


RELATIONS = {
    "pairs": _pairs,
    "called": f"""SELECT caller AS number, dense_rank() OVER (ORDER BY {_client("address")}) AS address_place,
    dense_rank() OVER (ORDER BY {_client("user_agent")}) AS user_agent_place
    FROM (SELECT DISTINCT caller FROM pairs) AS callers""",
    "clients": _find_known(_by_places),
}
"""What ``ADD_CLIENTS`` reads on SQLite, in the order to compute it: the counts of each key and caller; the places of
their texts in their order, so that counts are grouped by numbers; the counts of each client, in the order of
``usage_seen`` within a key."""
RELATIONS_ON_POSTGRESQL = {"pairs": _pairs, "clients": _find_known(_by_texts)}
"""Without a join: PostgreSQL thinks that the counts, a table that is mostly empty, are one row."""

_new_clients = f"""SELECT *, first - first % {DAY_MS} AS day_ms, row_number() OVER (
    PARTITION BY key_id, kind, first - first % {DAY_MS} ORDER BY first, value) AS place
    FROM clients WHERE NOT is_known AND value <> '{OTHERS}'"""
_known_today = f"""SELECT count(*) FROM usage_seen AS stored
    WHERE stored.key_id = new.key_id AND stored.kind = new.kind AND stored.value <> '{OTHERS}'
    AND stored.first_seen_at_ms >= new.day_ms AND stored.first_seen_at_ms < new.day_ms + {DAY_MS}"""
"""Read once for each key and day, with the first new client: it reads all clients of the key."""
_bounded_clients = f"""SELECT key_id, kind, value, accepted, refused, first, last FROM clients WHERE value = '{OTHERS}'
    UNION ALL SELECT key_id, kind, CASE
        WHEN place + sum(known_today) OVER (PARTITION BY key_id, kind, day_ms) <= {MAX_CLIENTS_PER_DAY}
        THEN value ELSE '{OTHERS}' END, accepted, refused, first, last
    FROM (
        SELECT *, CASE place WHEN 1 THEN ({_known_today}) END AS known_today FROM ({_new_clients}) AS new) AS placed"""
_INSERT = """INSERT INTO usage_seen (
    key_id, kind, value, accepted_count, refused_count, first_seen_at_ms, last_seen_at_ms)"""
ADD_CLIENTS = (
    f"""{_INSERT} SELECT key_id, kind, value, sum(accepted), sum(refused), min(first), max(last)
    FROM ({_bounded_clients}) AS bounded GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 {ADD_COUNTS}""",
    f"{_INSERT} SELECT key_id, kind, value, accepted, refused, first, last FROM clients WHERE is_known {ADD_COUNTS}",
    f"""UPDATE usage_callers SET last_day = seen.last_day FROM (
        SELECT caller, (max(last) + {MINUTE_MS}) / {DAY_MS} AS last_day FROM pairs GROUP BY 1
    ) AS seen WHERE usage_callers.number = seen.caller AND usage_callers.last_day < seen.last_day""",
    f"DELETE FROM usage_client_counts WHERE {_UP_TO_LAST}",
)
"""New clients and those without a text, then known ones. A row's time may differ from that in its id by a moment."""
