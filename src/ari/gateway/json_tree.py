"""Reads fields of a JSON body in the one way that all servers agree on, or refuses to.

Servers differ: some take the first of two equal members and some the last, and some ignore the case of a member's name
(https://pkg.go.dev/encoding/json). A body that two of them could read differently is ambiguous.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

_MAX_VALUES = 500_000
"""Each takes up to 200 bytes and a part of a microsecond, so a body of 32 MiB could stop the process."""
_BEYOND_NAME = re.compile(r"[^a-z_]")
_SMALL_BYTES = 8 * 1024
_QUICK_BYTES = 256 * 1024
_MAX_QUICK_VALUES = 2_000
"""Objects take about 1 µs each to decode, other values a tenth of that."""
_INPUT = "input"
_SEPARATORS = (b"{", b"[", b",")
Fields = dict[str, "Fields"]
"""Members to read: by name, ``[]`` for each element of an array; without any, the value itself is read."""


class Ambiguous(Exception):
    """Servers could read this body differently. The text says why, as a sentence for the caller."""


class _Repeated(dict[str, Any]):
    """An object in which two members have the same name."""


def is_quick(body: bytes) -> bool:
    """Whether reading and measuring the body takes at most 5 ms, so that it need not leave the event loop's thread."""
    if len(body) <= _SMALL_BYTES:
        return True
    return len(body) <= _QUICK_BYTES and sum(map(body.count, _SEPARATORS)) <= _MAX_QUICK_VALUES


def parse_tree(body: bytes) -> Any:
    """The value of a JSON body.

    Raises ``Ambiguous`` if it isn't strict JSON in UTF-8 (RFC 8259), or has too many values.
    """
    if sum(map(body.count, _SEPARATORS)) > _MAX_VALUES:
        raise Ambiguous("The body has too many values to read its model.")
    try:
        return _decoder.decode(body.decode())
    except (ValueError, RecursionError):
        raise Ambiguous("The body isn't valid JSON.") from None


@lru_cache(maxsize=256)
def compile_fields(fields: tuple[str, ...]) -> Fields:
    """Fields written as in ``Provider.model_fields``."""
    root: Fields = {}
    for field in fields:
        place = root
        for step in field.replace("[]", ".[]").split("."):
            place = place.setdefault(step, {})
    return root


def find_values(value: Any, fields: Fields) -> list[Any]:
    """The values of all fields, without those that are missing or null. Raises ``Ambiguous``."""
    if not fields:
        return [] if value is None else [value]
    found: list[Any] = []
    if isinstance(value, list):
        for inner in value if "[]" in fields else ():
            found += find_values(inner, fields["[]"])
    elif isinstance(value, dict):
        require_clear(value, frozenset(fields))
        for name, inner_fields in fields.items():
            if name in value:
                found += find_values(value[name], inner_fields)
    return found


def require_shapes(value: Any, fields: Fields, name: str = "") -> None:
    """Raise ``Ambiguous`` where a field has an array or an object of another shape, which some servers read anyway."""
    if not fields or value is None:
        return
    if "[]" not in fields:
        if not isinstance(value, dict):
            raise Ambiguous(f"The member {name} isn't an object.")
        for inner, inner_fields in fields.items():
            require_shapes(value.get(inner), inner_fields, inner)
    elif isinstance(value, list):
        for one in value:
            # The input of embeddings may be arrays of tokens.
            if isinstance(one, dict) or (isinstance(one, list) and name != _INPUT):
                require_shapes(one, fields["[]"], name)
    elif name != _INPUT or not _is_plain_input(value):
        raise Ambiguous(f"The member {name} isn't an array.")


def _is_plain_input(value: Any) -> bool:
    """Whether an input that is no array has no place for a tool: text, or an object such as that of moderations."""
    if isinstance(value, dict):
        return "tools" not in value and not any(isinstance(one, dict) for one in value.values())
    return isinstance(value, str)


def require_clear(members: dict[str, Any], names: frozenset[str]) -> None:
    """Raise ``Ambiguous`` if a member occurs twice or has a name that only resembles one of ``names``."""
    if isinstance(members, _Repeated):
        raise Ambiguous("An object in the body has two members of the same name.")
    folded = _fold_all(names)
    for name in members:
        if name not in names and fold_name(name) in folded:
            raise Ambiguous(f"The body has a member whose name resembles {fold_name(name)}.")


def fold_name(name: str) -> str:
    """A name as the most lenient server may read it: in lower case, and only its letters."""
    return name if name.isascii() and name.islower() and name.isidentifier() else _BEYOND_NAME.sub("", name.casefold())


@lru_cache(maxsize=256)
def _fold_all(names: frozenset[str]) -> frozenset[str]:
    return frozenset(map(fold_name, names)) - {""}


def _build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Repeated(pairs)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_build, parse_constant=_refuse_constant)
