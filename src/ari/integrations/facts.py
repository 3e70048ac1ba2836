"""The public description of an integration; the same at every door."""

from typing import Any

from ari.base.clock import to_rfc3339
from ari.integrations.model import State


def integration_facts(state: State, last_used_at_ms: int | None = None) -> dict[str, Any]:
    """The JSON of an integration; there is no key in it but its mask."""
    row = state.stored
    tested = None if row is None else row.tested
    return {
        "provider": state.provider.name,
        "title": state.provider.title,
        "state": state.name,
        "source": state.source,
        "mask": state.mask,
        "base_url": state.base_url,
        "added_at": _time(None if row is None else row.added_at_ms),
        "added_by": None if row is None else row.added_by,
        "last_used_at": _time(last_used_at_ms),
        "last_tested_at": _time(None if row is None else row.tested_at_ms),
        "last_test": None if tested is None else {"outcome": tested.outcome, "words": tested.words},
        "failing_since": _time(None if row is None else row.failing_since_ms),
        "failing_reason": state.problem or (None if row is None else row.failing_reason),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
