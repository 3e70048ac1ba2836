"""Types of events in webhooks, such as ``key.revoked``, and patterns that choose them."""

import re
from collections.abc import Iterable

from ari.base.errors import Invalid, Problem
from ari.base.events import EVENT_NAMES

MAX_PATTERNS = 100
EVERYTHING = "*"
_PATTERN = re.compile(r"[a-z_]{1,40}\.(\*|[a-z_]{1,60})")
_RESOURCES = (
    "provider_key",
    "instance_policy",
    "master_key",
    "integration",
    "notification",
    "consumer",
    "upstream",
    "webhook",
    "backup",
    "budget",
    "preset",
    "events",
    "audit",
    "scope",
    "usage",
    "keys",
    "kind",
    "key",
    "ai",
)
"""The resources of events whose names begin with it and ``_``; of two, the longer comes first."""
_GROUPS = {
    "account": (
        "owner_",
        "sign",
        "session",
        "password_",
        "email_",
        "code_",
        "identity_",
        "confirmation_",
        "two_factor_",
        "backup_codes_",
    ),
    "key": ("dead_key_",),
    "preset": ("default_preset_",),
}
"""How the names of further events begin, which keep their whole name; the rest are about the instance."""


def type_of(name: str) -> str:
    """The type of an event of the audit log: ``key_revoked`` is ``key.revoked``, ``signed_in`` ``account.signed_in``.

    It depends on nothing but the name, so a type never changes.
    """
    group = next((group for group, beginnings in _GROUPS.items() if name.startswith(beginnings)), None)
    if group is not None:
        return f"{group}.{name}"
    resource = next((one for one in _RESOURCES if name.startswith(f"{one}_")), None)
    return f"instance.{name}" if resource is None else f"{resource}.{name.removeprefix(f'{resource}_')}"


EVENT_TYPES = {type_of(name): sentence for name, sentence in EVENT_NAMES.items()}
"""Every type with a sentence, in the order of the reference of events."""
NAMES = {type_of(name): name for name in EVENT_NAMES}
"""The name in the audit log of each type."""


def matches(pattern: str, event_type: str) -> bool:
    """Whether a pattern (``*``, ``key.*`` or a type) covers this type."""
    if pattern in (EVERYTHING, event_type):
        return True
    return pattern.endswith(".*") and event_type.startswith(pattern[:-1])


def list_groups() -> list[str]:
    """The first parts of the types, such as ``key``."""
    return list(dict.fromkeys(one.partition(".")[0] for one in EVENT_TYPES))


def parse_patterns(texts: Iterable[str]) -> tuple[str, ...]:
    """The patterns sorted, without repetition. Raises ``Invalid`` for one that covers no type of event."""
    unique = sorted({text.strip() for text in texts if text.strip()})
    if not unique:
        raise Invalid(Problem("events", f"Choose at least one event, or {EVERYTHING} for all."))
    if len(unique) > MAX_PATTERNS:
        raise Invalid(Problem("events", f"Use at most {MAX_PATTERNS} types or patterns."))
    unknown = [one for one in unique if not any(matches(one, event_type) for event_type in EVENT_TYPES)]
    if unknown:
        named = ", ".join(f"“{one}”" for one in unknown[:5] if _PATTERN.fullmatch(one))
        groups = ", ".join(f"{group}.*" for group in list_groups())
        raise Invalid(
            Problem("events", f"Unknown event{f': {named}' if named else ''}. Use a type, *, or one of {groups}.")
        )
    return (EVERYTHING,) if EVERYTHING in unique else tuple(unique)
