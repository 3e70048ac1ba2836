"""The client's models from an OpenAPI document: structs for what ARI returns, typed dictionaries for what it takes."""

import keyword
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

Json = dict[str, Any]
WIDTH = 114
_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def name_of(schema: Json) -> str:
    """The name of the schema that a ``$ref`` names."""
    return str(schema["$ref"].rpartition("/")[2])


class Models:
    """The schemas that the operations use: ``outputs`` in responses, ``inputs`` inside request bodies."""

    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas
        self.outputs: list[str] = []
        self.inputs: list[str] = []

    def add_output(self, schema: Json) -> None:
        """Everything that the schema of a response refers to, what is referred to first."""
        self._add(schema, self.outputs)

    def add_input(self, schema: Json) -> None:
        """Everything that a field of a request refers to."""
        self._add(schema, self.inputs)

    def _add(self, schema: Json, known: list[str]) -> None:
        if "$ref" in schema:
            name = name_of(schema)
            if name not in known:
                for field in self._schemas[name].get("properties", {}).values():
                    self._add(field, known)
                known.append(name)
        for part in (*schema.get("anyOf", ()), schema.get("items"), schema.get("additionalProperties")):
            if isinstance(part, dict):
                self._add(part, known)

    def source(self) -> Iterator[str]:
        """The module, in parts."""
        both = set(self.outputs) & set(self.inputs)
        assert not both, f"sent and returned, so one model can't be right for both: {both}"
        for name in self.outputs:
            yield from self._output(name, self._schemas[name])
        for name in self.inputs:
            yield from self._input(name, self._schemas[name])

    def _output(self, name: str, schema: Json) -> Iterator[str]:
        required = schema.get("required", ())
        secrets = [field for field, one in schema["properties"].items() if one.get("format") == "password"]
        base = "MaskedStruct" if secrets else "msgspec.Struct"
        yield f"class {name}({base}, frozen=True, kw_only=True):"
        yield docstring(schema.get("description", ""), 4)
        for field, one in schema["properties"].items():
            attribute = f"{field}_" if keyword.iskeyword(field) else field
            kind = output_type(one) if field in required else or_none(output_type(one))
            default = "" if field in required else "None"
            if attribute != field:
                default = f'msgspec.field(name="{field}"{f", default={default}" if default else ""})'
            yield f"    {attribute}: {kind}{f' = {default}' if default else ''}"
            yield docstring(one.get("description") or self._meaning(one), 4)
        if secrets:
            yield f"    masked: ClassVar[tuple[str, ...]] = ({', '.join(map(repr, secrets))},)"

    def _input(self, name: str, schema: Json) -> Iterator[str]:
        required = schema.get("required", ())
        yield f"class {name}(TypedDict):"
        yield docstring(schema.get("description", ""), 4)
        for field, one in schema["properties"].items():
            kind = input_type(one, "")
            yield f"    {field}: {kind if field in required else f'NotRequired[{kind}]'}"
            yield docstring(one.get("description") or self._meaning(one), 4)

    def _meaning(self, schema: Json) -> str:
        """The words of the model that a field without words has."""
        return str(self._schemas[name_of(schema)]["description"]) if "$ref" in schema else ""


def output_type(schema: Json) -> str:
    """The type that a value is decoded to. Values of an enumeration are plain text: a newer ARI may have more."""
    if "$ref" in schema:
        return name_of(schema)
    if "const" in schema or "enum" in schema:
        return _or_none("str", schema)
    if "anyOf" in schema:
        inherited = {"format": schema["format"]} if "format" in schema else {}
        parts = [output_type(inherited | one if one.get("type") == "string" else one) for one in schema["anyOf"]]
        return " | ".join(dict.fromkeys(parts))
    return _plain(schema, "datetime", output_type, "list", "dict")


def input_type(schema: Json, models: str) -> str:
    """The type that a value may have; ``models`` is the prefix of the names of models."""

    def nested(one: Json) -> str:
        return input_type(one, models)

    if "$ref" in schema:
        return models + name_of(schema)
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        return _or_none(f"Literal[{', '.join(map(repr, values))}]", schema)
    if "anyOf" in schema:
        inherited = {"format": schema["format"]} if "format" in schema else {}
        parts = [nested(inherited | one if one.get("type") == "string" else one) for one in schema["anyOf"]]
        return " | ".join(dict.fromkeys(parts))
    return _plain(schema, "datetime | str", nested, "Sequence", "Mapping")


def or_none(kind: str) -> str:
    """The type that can also be None."""
    return kind if kind.endswith(" | None") else f"{kind} | None"


def _or_none(kind: str, schema: Json) -> str:
    nullable = None in schema.get("enum", ()) or any(one.get("type") == "null" for one in schema.get("anyOf", ()))
    return f"{kind} | None" if nullable else kind


def _plain(schema: Json, instant: str, nested: Callable[[Json], str], array: str, mapping: str) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"{array}[{nested(schema['items'])}]"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"{mapping}[str, {nested(values) if isinstance(values, dict) else 'Any'}]"
    return instant if schema.get("format") == "date-time" else _TYPES[str(kind)]


def docstring(text: str, indent: int) -> str:
    """A docstring of wrapped paragraphs."""
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        lines += ["", *textwrap.wrap(" ".join(paragraph.split()), WIDTH - indent, break_on_hyphens=False)]
    body = "\n".join(lines).strip()
    if not body:
        return ""
    prefix = "r" if "\\" in body else ""
    closed = body if "\n" not in body and not body.endswith('"') else f"{body}\n"
    return textwrap.indent(f'{prefix}"""{closed}"""', " " * indent)
