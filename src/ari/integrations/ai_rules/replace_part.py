"""Change one part of the rules, and record it."""

from typing import Any

from ari.base.transaction import record
from ari.integrations.ai_rules.model import AiRules, AiRulesTransaction, Part, PartName


def get_ai_rules(tx: AiRulesTransaction) -> AiRules:
    """The present rules."""
    return tx.ai_rules.get()


def replace_part(tx: AiRulesTransaction, name: PartName, part: Part, detail: dict[str, Any]) -> None:
    """Replace one part and record ``ai_<name>_changed`` with this detail, unless nothing changes.

    Raises ``ReauthRequired`` for a session that must give its password again first.
    """
    if getattr(tx.ai_rules.get(), name) == part:
        return
    tx.caller.require_confirmed(tx.now_ms)
    tx.ai_rules.save(name, part, tx.caller.actor, tx.now_ms)
    record(tx, f"ai_{name}_changed", None, detail)
