"""All rules of the instance for AI requests, and how they are stored."""

from typing import Literal, Protocol

import msgspec

from ari.base.transaction import CommandTransaction
from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.budgets import BudgetRules
from ari.integrations.ai_rules.prices import PriceRules
from ari.keys.lineage import LineageTransaction

Part = AliasRules | PriceRules | BudgetRules
PartName = Literal["aliases", "prices", "budgets"]


class AiRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Each part is empty by default. Each is stored on its own, as JSON."""

    aliases: AliasRules = AliasRules()
    prices: PriceRules = PriceRules()
    budgets: BudgetRules = BudgetRules()


NO_RULES = AiRules()
PARTS: tuple[PartName, ...] = ("aliases", "prices", "budgets")
MAX_PART_BYTES = 900_000
"""Of a part as JSON. No other column of any table is as long, so the size of a row in a backup follows from it."""


class AiRulesStore(Protocol):
    """The rules inside one transaction."""

    def get(self) -> AiRules:
        """The present rules."""

    def save(self, name: PartName, part: Part, actor: str, now_ms: int) -> None:
        """Replace one part."""


class AiRulesTransaction(CommandTransaction, LineageTransaction, Protocol):
    """One transaction over the rules and events, which also reads keys: some may not change the rules."""

    @property
    def ai_rules(self) -> AiRulesStore: ...


def decode_rules(texts: tuple[str | None, ...]) -> AiRules:
    """The rules as stored: one text for each of ``PARTS``, ``None`` for an empty part."""
    stored = {name: msgspec.Raw(text) for name, text in zip(PARTS, texts, strict=True) if text is not None}
    return msgspec.json.decode(msgspec.json.encode(stored), type=AiRules)


def encode_part(part: Part) -> str:
    """One part, to store."""
    return msgspec.json.encode(part).decode()
