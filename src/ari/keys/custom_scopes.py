"""Scopes that the operator declares for an API that ARI protects, next to ARI's own in ``keys.scopes``."""

import re
from dataclasses import dataclass

from ari.base.errors import Invalid, Problem
from ari.keys.names import is_empty_text, parse_text
from ari.keys.scopes import RESERVED_PREFIX, RESERVED_RESOURCES

MAX_CUSTOM_SCOPES = 500
DESCRIPTION_LENGTH = 200
NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,30}:[a-z][a-z0-9_-]{0,30}$"

_NAME = re.compile(NAME_PATTERN[1:-1], re.ASCII)


@dataclass(frozen=True, slots=True)
class CustomScope:
    """A declared scope; the ``description`` is shown where keys get their scopes."""

    name: str
    description: str
    created_at_ms: int
    created_by: str


def is_scope_name(text: str) -> bool:
    """Whether this has the form of a scope without wildcards."""
    return _NAME.fullmatch(text) is not None


def parse_scope_name(text: str) -> str:
    """The name of a scope to declare. Raises ``Invalid`` for another form and for resources that ARI reserves."""
    name = text.strip()
    if not is_scope_name(name):
        sentence = (
            "Use resource:action, such as orders:read. Each part begins with a lowercase letter and has up to 31 "
            "lowercase letters, digits, - and _."
        )
        raise Invalid(Problem("name", sentence))
    resource = name.partition(":")[0]
    if resource in RESERVED_RESOURCES or resource.startswith(RESERVED_PREFIX):
        raise Invalid(Problem("name", "ARI reserves this resource for its own scopes. Choose another one."))
    return name


def parse_description(text: str) -> str:
    """The description trimmed and in NFC. Raises ``Invalid``."""
    description = parse_text("description", text, DESCRIPTION_LENGTH)
    if is_empty_text(description):
        raise Invalid(Problem("description", "Describe what a key with this scope may do."))
    return description
