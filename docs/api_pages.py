"""An OpenAPI document as Markdown: the routes by tag, then the shapes."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]


def sections(document: Json) -> Iterator[str]:
    """The blocks of the page, in order."""
    yield document["info"]["description"].strip()
    yield (
        "`GET /api/openapi.json` returns this description as OpenAPI. The [API docs](../guides/use-the-api-docs.md) "
        "of a running instance also let you try each operation."
    )
    common = _common_codes(document)
    yield "## Errors of every operation"
    yield f"Every operation can also return {_linked(common)}. Operations open to everyone don't require a key."
    for tag in document["tags"]:
        yield f"## {tag['name']}"
        yield tag["description"]
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(method.upper(), path, operation, common)
    yield "## Shapes"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _shape(name, schema)


def _operation(method: str, path: str, operation: Json, common: list[str]) -> Iterator[str]:
    yield f"### {method} {path}"
    yield f"**{operation['summary']}.** {operation['description'].strip()}"
    parameters = [one for one in operation.get("parameters", []) if one["in"] != "header"]
    if parameters:
        rows = [(f"`{one['name']}`", one["in"], _type(one["schema"]), _words(one)) for one in parameters]
        yield table(("Parameter", "In", "Type", "Meaning"), rows)
    body = operation.get("requestBody")
    if body:
        needed = "" if body.get("required") else " (optional)"
        yield f"Body{needed}: {_type(_schema_of(body))}"
        yield from _examples(body)
    for status, response in sorted(operation["responses"].items()):
        if status < "400":
            shape = _type(_schema_of(response))
            yield f"Response `{status}`" + (f": {shape}" if shape else ", without a body.")
            yield from _examples(response)
    errors = [code for code in _error_codes(operation) if code not in common]
    if errors:
        yield f"Errors: {_linked(errors)}."


def _examples(part: Json) -> Iterator[str]:
    for media in part.get("content", {}).values():
        for value in [one["value"] for one in media.get("examples", {}).values()] or [media["example"]]:
            yield f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def _linked(codes: list[str]) -> str:
    return ", ".join(f"[{code}](errors.md#{code})" for code in codes)


def _common_codes(document: Json) -> list[str]:
    """Errors of every operation that needs a key."""
    found = [
        _error_codes(operation)
        for operations in document["paths"].values()
        for operation in operations.values()
        if operation["security"]
    ]
    return [code for code in found[0] if all(code in codes for codes in found)]


def _error_codes(operation: Json) -> list[str]:
    responses = (response for status, response in sorted(operation["responses"].items()) if status >= "400")
    return [code for response in responses for code in next(iter(response["content"].values()))["examples"]]


def _schema_of(part: Json) -> Json:
    content = part.get("content", {})
    return next((one.get("schema", {}) for one in content.values()), {})


def _shape(name: str, schema: Json) -> Iterator[str]:
    yield f"### {name}"
    if schema.get("description"):
        yield schema["description"].strip()
    required = schema.get("required", [])
    rows = [
        (f"`{field}`", _type(one), ("" if field in required else "Optional. ") + _words(one))
        for field, one in schema.get("properties", {}).items()
    ]
    if rows:
        yield table(("Field", "Type", "Meaning"), rows)


def _words(one: Json) -> str:
    said = one.get("description", "").strip()
    schema = one.get("schema", one)
    default = schema.get("default")
    return said if default in (None, False) else f"{said} Default: `{default}`.".strip()


def _type(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return ", ".join(f"`{'null' if value is None else value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[union]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind: str = schema.get("type", "")
    shown: str = {"null": "`null`", "": "", "object": "object"}.get(kind) or schema.get("format", kind)
    return shown


def table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [headers, tuple("---" for _ in headers), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
