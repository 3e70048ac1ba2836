"""Change one part of the rules, and record it."""

from typing import Any

from ari.base.errors import Invalid, Problem
from ari.base.transaction import record
from ari.integrations.ai_rules.model import (
    MAX_PART_BYTES,
    AiRules,
    AiRulesTransaction,
    Part,
    PartName,
    encode_part,
)


def get_ai_rules(tx: AiRulesTransaction) -> AiRules:
    """The present rules."""
    return tx.ai_rules.get()


def replace_part(tx: AiRulesTransaction, name: PartName, part: Part, detail: dict[str, Any]) -> None:
    """Replace one part and record ``ai_<name>_changed`` with this detail, unless nothing changes.

    Raises ``Invalid`` for the field ``name`` if the part is too long to be in a backup, and ``ReauthRequired`` for a
    session that must give its password again first.
    """
    before: Part = getattr(tx.ai_rules.get(), name)
    if before == part:
        return
    size = _count_bytes(part)
    if size > MAX_PART_BYTES and size >= _count_bytes(before):  # one from an earlier version may shrink in steps
        message = f"All {name} take {size:,} bytes as JSON, at most {MAX_PART_BYTES:,} fit. Shorten or remove some."
        raise Invalid(Problem(name, message))
    tx.caller.require_confirmed(tx.now_ms)
    tx.ai_rules.save(name, part, tx.caller.actor, tx.now_ms)
    record(tx, f"ai_{name}_changed", None, detail)


def _count_bytes(part: Part) -> int:
    return len(encode_part(part).encode())
