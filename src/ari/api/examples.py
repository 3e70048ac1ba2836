"""Examples in the OpenAPI document, built from the examples of the fields."""

from collections.abc import Mapping
from typing import Any

from ari.base.settings import Settings
from ari.http.problem import DOCS_PATH
from ari.keys.reasons import REASONS, REQUEST_ERRORS

Json = dict[str, Any]

TIME = "2027-01-31T12:00:00.000Z"
REQUEST_ID = "req_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_PLAIN = {"string": "text", "integer": 1, "number": 1.5, "boolean": False, "null": None}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Json]) -> Any:
    """The first example of the schema, or one built from the examples of its parts."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    for word in ("const", "default"):
        if schema.get(word) is not None:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return example_of(schema[union][0], schemas)
    return _of_type(schema, schemas)


def _of_type(schema: Mapping[str, Any], schemas: Mapping[str, Json]) -> Any:
    kind = schema.get("type", "null")
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas)]
    if kind == "object":
        return {name: example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
    return TIME if schema.get("format") == "date-time" else _PLAIN[kind]


def give_examples(media: Json, schemas: Mapping[str, Json]) -> None:
    """Add an example to a body; one for each variant if there are several."""
    schema = media["schema"]
    shapes = [one for one in schema.get("anyOf", ()) if "$ref" in one]
    if len(shapes) > 1:
        names = [one["$ref"].rpartition("/")[2] for one in shapes]
        media["examples"] = {
            name: {"summary": schemas[name]["description"], "value": example_of(schemas[name], schemas)}
            for name in names
        }
    else:
        media["example"] = example_of(shapes[0] if shapes else schema, schemas)


def offer_examples(parameter: Json) -> None:
    """Show the examples of an optional filter without preselecting them when someone tries the operation."""
    schema = parameter["schema"]
    if not parameter["required"] and schema.get("default") is None and "examples" in schema:
        parameter["examples"] = {
            f"example {number}": {"value": value, "x-disabled": True}
            for number, value in enumerate(schema.pop("examples"), 1)
        }


def problem_examples(settings: Settings) -> Json:
    """An example of every error, by code."""
    return {
        reason.code: {
            "summary": reason.title,
            "value": {
                "type": f"{settings.base_url}{DOCS_PATH}/{reason.code}",
                "title": reason.title,
                "status": reason.status,
                "detail": reason.sentence,
                "code": reason.code,
                "request_id": REQUEST_ID,
                **({"errors": [_FIELD_PROBLEM]} if reason.code == "invalid" else {}),
            },
        }
        for reason in (REASONS | REQUEST_ERRORS).values()
    }


_FIELD_PROBLEM = {"location": "expires_at", "message": "Use a time such as 2027-01-31T12:00:00Z."}
