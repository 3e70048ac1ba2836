"""The staged requests of a fold on PostgreSQL, with numbers in the place of their texts.

A number is looked up once for each different text of a fold, not for each request, and joined by a hash: a fold has
thousands of requests and few different keys, routes and callers.
"""

# ruff: noqa: S608 - every name in these statements is our own

from ari.storage.usage.compact_sql import (
    NO_TEXT,
    USUAL_SOURCE,
    add_texts,
    caller_of,
    compact,
    number_of,
    parse_staged_id,
)
from ari.storage.usage.rollups import FLOOD, IN_MEMORY, REQUEST, count_requests

PLANS = ("SET LOCAL enable_nestloop TO off", "SET LOCAL enable_mergejoin TO off", *IN_MEMORY)
"""For the statements that read ``RELATIONS``, until ``rollups.USE_INDEXES``: joins by hash. The planner guesses that
nothing is staged, and a nested loop would compare all with all."""

_high, _low = parse_staged_id("usage_staging")
_staged = f"FROM usage_staging WHERE seq > :low AND seq <= :high AND kind IN ('{REQUEST}', '{FLOOD}')"
ADD_TEXTS = add_texts(_staged, _high)
_numbers = """given.*, key_number, hint_number, route_number, code_number, source_number, caller_number"""
_named = f"""SELECT {_numbers} FROM given LEFT JOIN key_numbers USING (key_id, key_hint)
    LEFT JOIN route_numbers USING (route, code, source) LEFT JOIN caller_numbers USING (client_address, user_agent)"""
"""A request without a number would fail the fold. An inner join would lose it."""
RELATIONS = {
    "given": f"""SELECT seq, kind, id, {_high} AS high, {_low} AS low, at_ms, request_id, key_id, key_hint, code,
        method, route, path, status, coalesce(client_address, '{NO_TEXT}') AS client_address,
        coalesce(user_agent, '{NO_TEXT}') AS user_agent, duration_ms, bytes, count,
        source, secret_number, consumed {_staged}""",
    "key_numbers": f"""SELECT key_id, key_hint, {number_of("key_id")} AS key_number,
        {number_of("key_hint")} AS hint_number FROM (SELECT DISTINCT key_id, key_hint FROM given) AS texts""",
    "route_numbers": f"""SELECT route, code, source, {number_of("route")} AS route_number,
        {number_of("code")} AS code_number,
        CASE WHEN source <> '{USUAL_SOURCE}' THEN {number_of("source")} END AS source_number
        FROM (SELECT DISTINCT route, code, source FROM given) AS texts""",
    "caller_numbers": f"""SELECT client_address, user_agent, {caller_of("texts")} AS caller_number
        FROM (SELECT DISTINCT client_address, user_agent FROM given) AS texts""",
    "entries": compact(
        _named,
        "seq, kind, at_ms, ",
        **{
            '"key"': "key_number", "key_hint": "hint_number", "route": "route_number", "code": "code_number",
            "source": "source_number", "caller": "caller_number",
        },
    ),
}  # fmt: skip
"""In the order to compute them; the last are rows of ``usage_log``. For use after ``ADD_TEXTS``: a text that has no
number yet fails the fold."""
TEXTS = {
    "texts": """SELECT key_number AS number, key_id AS text FROM key_numbers
        UNION SELECT route_number, route FROM route_numbers UNION SELECT code_number, code FROM route_numbers"""
}
"""The texts to count by."""
COUNT_REQUESTS = count_requests(lambda column: f"{column}_texts.text", joined=True)
