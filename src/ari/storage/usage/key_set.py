"""A set of keys of any size as one parameter of a query, on both databases."""

import json
from collections.abc import Sequence

from sqlalchemy import Select, cast, func, select


def select_keys(dialect: str, key_ids: Sequence[str]) -> Select[tuple[str]]:
    """For ``column.in_``: a database limits how many parameters a statement has, not how long one is."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415 - 0.08 s that SQLite should not cost

        return select(func.jsonb_array_elements_text(cast(list(key_ids), JSONB)).table_valued("value").c.value)
    return select(func.json_each(json.dumps(list(key_ids))).table_valued("value").c.value)
