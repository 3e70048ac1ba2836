"""Values just inside and just outside every constraint of a JSON schema, one constraint at a time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_OTHERS: dict[str, list[Any]] = {
    "string": [7, True, [], {}],
    "integer": ["x", 1.5, True, [], {}],
    "boolean": ["x", 2, [], {}],
    "array": ["x", 7, {}],
    "object": ["x", 7, []],
}
_UNTYPED = ("query", "path")
"""Where everything is text: there a number or a boolean is no other type than a string."""


@dataclass(frozen=True)
class Variant:
    """A value for one field; ``is_inside`` the constraint that ``why`` names."""

    value: Any
    is_inside: bool
    why: str


def variants(schema: dict[str, Any], where: str = "body") -> Iterator[Variant]:
    """Values that the schema accepts and refuses, at the edges. References must be resolved."""
    kinds = schema.get("anyOf", [schema])
    is_nullable = any(kind.get("type") == "null" for kind in kinds)
    if where == "body":
        yield Variant(None, is_nullable, "null")
    real = [kind for kind in kinds if kind.get("type") != "null"]
    if len(real) == 1:
        yield from _of_kind({**{name: value for name, value in schema.items() if name != "anyOf"}, **real[0]}, where)


def _of_kind(schema: dict[str, Any], where: str) -> Iterator[Variant]:
    kind = schema.get("type")
    if where not in _UNTYPED:
        for other in _OTHERS.get(str(kind), []):
            yield Variant(other, False, f"not {kind}")
    if "enum" in schema:
        yield from (Variant(value, True, "enum") for value in schema["enum"] if value is not None)
        yield Variant("no-such-word", False, "enum")
    elif "const" in schema:
        yield Variant("no-such-word", False, "const")
    elif kind == "string":
        yield from _of_text(schema)
    elif kind == "integer":
        yield from _of_number(schema, where)
    elif kind == "array":
        yield from _of_list(schema)


def _of_text(schema: dict[str, Any]) -> Iterator[Variant]:
    free = not ({"format", "pattern"} & schema.keys())
    longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
    if longest is not None:
        yield Variant("n" * (longest + 1), False, f"maxLength {longest}")
        if free:
            yield Variant("n" * longest, True, f"maxLength {longest}")
    if shortest:
        yield Variant("n" * (shortest - 1), False, f"minLength {shortest}")
    if schema.get("format") == "date-time":
        yield Variant("yesterday", False, "date-time")
    if "pattern" in schema:
        wrong = next(text for text in ("!", "\x01") if not re.search(schema["pattern"], text))
        yield Variant(wrong, False, "pattern")


def _of_number(schema: dict[str, Any], where: str) -> Iterator[Variant]:
    for name, step in (("minimum", -1), ("maximum", 1)):
        if name in schema:
            bound = int(schema[name])  # FastAPI writes 1 as 1.0
            yield Variant(bound, True, f"{name} {bound}")
            yield Variant(bound + step, False, f"{name} {bound}")
    if where in _UNTYPED:
        yield Variant("x", False, "integer")


def _of_list(schema: dict[str, Any]) -> Iterator[Variant]:
    example = schema["examples"][0]
    items = schema["items"]
    for name, amount in (("minItems", -1), ("maxItems", 1)):
        if name in schema:
            limit = schema[name]
            yield Variant((example * (limit + 1))[: limit + amount], False, f"{name} {limit}")
            yield Variant((example * limit)[:limit], True, f"{name} {limit}")
    for one in variants(items):
        if not one.is_inside:
            yield Variant([one.value], False, f"items: {one.why}")


def resolve(document: dict[str, Any], schema: Any) -> Any:
    """The schema with every reference replaced by what it names."""
    if isinstance(schema, list):
        return [resolve(document, one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return resolve(document, {**found, **{name: value for name, value in schema.items() if name != "$ref"}})
    return {name: resolve(document, value) if name != "examples" else value for name, value in schema.items()}
