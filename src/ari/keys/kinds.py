"""Kinds of keys: each has a prefix of its own, and defaults for new keys."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ari.base.clock import DAY_MS, to_rfc3339
from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.base.token_shape import MAX_PREFIX_LENGTH, PREFIX, is_prefix
from ari.keys.expiry import MAX_LIFETIME_DAYS, find_choice
from ari.keys.limits.budget_fields import describe_plain_budget
from ari.keys.limits.fields import describe_limit, describe_refill
from ari.keys.limits.rules import Budget, Credits, Limit, LimitRules
from ari.keys.model import Environment
from ari.keys.model_rules import ModelRules, describe_model_rules
from ari.keys.names import parse_text

LeakAction = Literal["notify", "disable", "revoke"]
LEAK_ACTIONS: tuple[LeakAction, ...] = ("notify", "disable", "revoke")
MAX_KINDS = 50
KIND_NAME_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
KIND_DESCRIPTION_LENGTH = 200

_NAME = re.compile(KIND_NAME_PATTERN[1:-1])
_TAKEN_BY_OTHERS = ("sk_", "pk_", "rk_", "re_", "hf_", "npm_", "gsk_", "ghp_", "gho_", "ghu_", "ghs_", "github_pat_")
"""Prefixes of well-known providers, whose keys people would confuse with ours."""


class KindDefaults(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Values that a new key of the kind gets unless its creator gives others, and limits of all its keys.

    ``expires`` is a word of ``find_choice``. No key of the kind lives longer than ``max_lifetime_days`` after its
    creation. ``leak_action`` replaces ARI_LEAK_ACTION. ``credits`` are the balance that each new key begins with.
    """

    expires: str | None = None
    max_lifetime_days: int | None = None
    scopes: tuple[str, ...] | None = None
    environment: Environment | None = None
    leak_action: LeakAction | None = None
    limits: tuple[Limit, ...] | None = None
    credits: Credits | None = None
    budgets: tuple[Budget, ...] | None = None
    models: ModelRules | None = None

    @property
    def rules(self) -> LimitRules:
        """The limits, credits and budgets of a new key of the kind that is given no others."""
        return LimitRules(limits=self.limits or (), credits=self.credits, budgets=self.budgets or ())


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of keys that the operator added."""

    name: str
    prefix: str
    description: str
    defaults: KindDefaults
    created_at_ms: int
    created_by: str

    def limit_expiry(self, expires_at_ms: int | None, created_at_ms: int) -> int | None:
        """The same expiry. Raises ``Invalid`` if it is later than the kind allows a key that was created then."""
        days = self.defaults.max_lifetime_days
        if days is not None and (expires_at_ms is None or expires_at_ms > created_at_ms + days * DAY_MS):
            unit = "day" if days == 1 else "days"
            raise Invalid(Problem("expires_at", f"A key of the kind {self.name} lives at most {days} {unit}."))
        return expires_at_ms


def parse_kind_name(text: str) -> str:
    """The name. Raises ``Invalid``."""
    if not _NAME.fullmatch(text):
        raise Invalid(Problem("name", "Use 1–40 lowercase letters, digits and -, and begin with a letter."))
    return text


def parse_prefix(text: str) -> str:
    """The prefix. Raises ``Invalid`` for one that can't be recognized as this instance's."""
    if not is_prefix(text):
        sentence = f"Use 2–{MAX_PREFIX_LENGTH} lowercase letters, digits and _; begin with a letter and end in _."
        raise Invalid(Problem("prefix", sentence))
    if text.startswith(PREFIX) or text.startswith(_TAKEN_BY_OTHERS):
        raise Invalid(Problem("prefix", "Keys of ARI or of a well-known provider begin like this. Choose another."))
    return text


def parse_kind_description(text: str) -> str:
    """The description trimmed. Raises ``Invalid``."""
    return parse_text("description", text, KIND_DESCRIPTION_LENGTH)


def check_defaults(defaults: KindDefaults) -> KindDefaults:
    """The same defaults. Raises ``Invalid`` for unknown words and for contradictions; scopes are checked elsewhere."""
    problems, days = Problems(), defaults.max_lifetime_days
    if days is not None and not 1 <= days <= MAX_LIFETIME_DAYS:
        problems.add(Problem("max_lifetime_days", f"Use between 1 and {MAX_LIFETIME_DAYS:,} days."))
        days = None
    if defaults.leak_action is not None and defaults.leak_action not in LEAK_ACTIONS:
        problems.add(Problem("leak_action", f"Choose one of {', '.join(LEAK_ACTIONS)}."))
    choice = None if defaults.expires is None else problems.check(None, find_choice, defaults.expires)
    if choice is not None and days is not None and (choice.lifetime_ms is None or choice.lifetime_ms > days * DAY_MS):
        problems.add(Problem("expires", "This is longer than the longest lifetime of the kind."))
    problems.raise_found()
    return defaults


def describe_defaults(defaults: KindDefaults) -> dict[str, Any]:
    """All defaults by their names, as callers write them; ``None`` where there is none."""
    limits, granted, budgets = defaults.limits, defaults.credits, defaults.budgets
    return {
        "expires": defaults.expires,
        "max_lifetime_days": defaults.max_lifetime_days,
        "scopes": None if defaults.scopes is None else list(defaults.scopes),
        "environment": defaults.environment,
        "leak_action": defaults.leak_action,
        "limits": None if limits is None else [describe_limit(limit) for limit in limits],
        "credits": None if granted is None else describe_default_credits(granted),
        "budgets": None if budgets is None else [describe_plain_budget(budget) for budget in budgets],
        "models": None if defaults.models is None else describe_model_rules(defaults.models),
    }


def describe_default_credits(granted: Credits) -> dict[str, Any]:
    """The credits as callers write them."""
    refill = granted.refill
    return {"amount": granted.granted, "refill": None if refill is None else describe_refill(refill)}


def kind_facts(kind: Kind, key_count: int) -> dict[str, Any]:
    """The JSON of a kind and the number of its keys, the same at every door."""
    return {
        "name": kind.name,
        "prefix": kind.prefix,
        "description": kind.description,
        **describe_defaults(kind.defaults),
        "key_count": key_count,
        "created_at": to_rfc3339(kind.created_at_ms),
        "created_by": kind.created_by,
    }
