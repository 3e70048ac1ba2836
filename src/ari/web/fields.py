"""The fields of what an operation takes or answers, a line each, read from the shapes in the API's description."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Shape = Mapping[str, Any]

_KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_LIMITS = (
    ("minimum", "from {}"),
    ("maximum", "to {}"),
    ("maxItems", "up to {} of them"),
)
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Field:
    """One field; ``name`` says where it stands, as ``key.hint`` and ``items[].id`` do."""

    name: str
    kind: str
    required: bool
    about: str


def fields_of(shapes: Mapping[str, Shape], shape: Shape) -> tuple[Field, ...]:
    """Every field of a body, those within others below them; where it has one of several shapes, those of all."""
    shape = _resolved(shapes, shape)
    found: dict[str, Field] = {}
    for one in shape.get("anyOf", (shape,)):
        for field in _within(shapes, _resolved(shapes, one), "", 0):
            found.setdefault(field.name, field)
    return tuple(found.values())


def kind_of(shapes: Mapping[str, Shape], shape: Shape) -> str:
    """What may stand there, in words: ``"text or null"``, ``"whole number (from 1 to 200)"``."""
    shape = _resolved(shapes, shape)
    if "enum" in shape:
        return " | ".join("null" if one is None else f'"{one}"' for one in shape["enum"])
    if "const" in shape:
        return f'"{shape["const"]}"'
    if "anyOf" in shape:
        found = dict.fromkeys(kind_of(shapes, {**one, **_format(shape, one)}) for one in shape["anyOf"])
        return " or ".join(found)
    if shape.get("type") == "array":
        kind = f"list of {kind_of(shapes, shape['items']).partition(' (')[0]}" if "items" in shape else "list"
    elif shape.get("format") == "date-time":
        return "time"
    else:
        kind = _KINDS.get(shape.get("type", ""), "object")
    limits = " ".join(words.format(shape[name]) for name, words in _LIMITS if name in shape)
    return f"{kind} ({limits})" if limits else kind


def _within(shapes: Mapping[str, Shape], shape: Shape, before: str, depth: int) -> Iterator[Field]:
    if depth == _DEEPEST:
        return
    required = shape.get("required", ())
    for name, given in shape.get("properties", {}).items():
        about = given.get("description") or _resolved(shapes, given).get("description", "")
        yield Field(before + name, kind_of(shapes, given), name in required, about)
        inner, many = _inner(shapes, given)
        yield from _within(shapes, inner, f"{before}{name}{many}.", depth + 1)


def _inner(shapes: Mapping[str, Shape], shape: Shape) -> tuple[Shape, str]:
    """The object in a field or in its list, and how its place is written."""
    shape = _resolved(shapes, shape)
    for one in shape.get("anyOf", ()):
        inner, many = _inner(shapes, one)
        if "properties" in inner:
            return inner, many
    if "items" in shape:
        return _resolved(shapes, shape["items"]), "[]"
    return shape, ""


def _resolved(shapes: Mapping[str, Shape], shape: Shape) -> Shape:
    while "$ref" in shape:
        shape = shapes[shape["$ref"].rpartition("/")[2]]
    return shape


def _format(shape: Shape, one: Shape) -> dict[str, str]:
    """A format beside a choice is meant for the text in it."""
    return {"format": shape["format"]} if "format" in shape and one.get("type") == "string" else {}
