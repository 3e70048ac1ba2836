"""The public description of an integration; the same at every door."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ari.base.clock import to_rfc3339
from ari.integrations.key_rests import KeyRest
from ari.integrations.model import ProviderKey, State, TestResult

FindRest = Callable[[ProviderKey], KeyRest | None]
"""How a key rests that the provider limits, as far as this process knows; ``None`` for one that doesn't."""


def integration_facts(
    state: State, last_used_at_ms: int | None = None, find_rest: FindRest | None = None
) -> dict[str, Any]:
    """The JSON of an integration; there is no key in it but its mask."""
    row, first, tested, failure = state.stored, state.first_key, state.tested, state.failure
    return {
        "provider": state.provider.name,
        "title": state.provider.title,
        "state": state.name,
        "source": state.source,
        "mask": state.mask,
        "base_url": state.base_url,
        "added_at": _time(None if first is None else first.added_at_ms),
        "added_by": None if first is None else first.added_by,
        "last_used_at": _time(last_used_at_ms),
        "last_tested_at": _time(None if tested is None else tested.tested_at_ms),
        "last_test": None if tested is None else _result(tested.tested),
        "failing_since": _time(None if failure is None else failure.failing_since_ms),
        "failing_reason": state.problem or (None if failure is None else failure.failing_reason),
        "key_choice": "round_robin" if row is None else row.key_choice,
        "keys": [provider_key_facts(one, None if find_rest is None else find_rest(one)) for one in state.keys],
    }


def provider_key_facts(key: ProviderKey, rest: KeyRest | None = None) -> dict[str, Any]:
    """The JSON of one stored key."""
    rejected = key.failing_since_ms is not None
    return {
        "id": key.id,
        "label": key.label,
        "mask": key.mask,
        "state": "rejected" if rejected else "working" if rest is None else "resting",
        "added_at": to_rfc3339(key.added_at_ms),
        "added_by": key.added_by,
        "last_tested_at": _time(key.tested_at_ms),
        "last_test": _result(key.tested),
        "failing_since": _time(key.failing_since_ms),
        "failing_reason": key.failing_reason,
        "rests_until": None if rejected or rest is None else to_rfc3339(rest.until_ms),
        "rests_for": [] if rejected or rest is None else list(rest.models),
    }


def describe_unused_keys(keys: Sequence[Mapping[str, Any]]) -> str:
    """``1 of 3 keys rejected``, ``2 of 3 keys rejected, 1 resting``, from the keys of ``integration_facts``.

    Empty if each of them is used, or there is only one.
    """
    counts = [(name, sum(key["state"] == name for key in keys)) for name in ("rejected", "resting")]
    found = [(name, count) for name, count in counts if count]
    if not found or len(keys) < 2:
        return ""
    (name, count), *others = found
    first = f"{count} of {len(keys)} keys {name}"
    return ", ".join([first, *(f"{more} {other}" for other, more in others)])


def _result(tested: TestResult | None) -> dict[str, Any] | None:
    return None if tested is None else {"outcome": tested.outcome, "words": tested.words}


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)
