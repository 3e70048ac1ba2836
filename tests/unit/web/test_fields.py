"""What the API docs say of the fields of a body, from its shape alone."""

from typing import Any

import pytest

from ari.web.fields import Field, fields_of, kind_of

SHAPES: dict[str, Any] = {
    "Key": {
        "description": "A key.",
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "description": "Its id."},
            "loop": {"$ref": "#/components/schemas/Key"},
        },
    },
    "List": {
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}, "description": "The keys."},
            "first": {"anyOf": [{"$ref": "#/components/schemas/Key"}, {"type": "null"}]},
        },
    },
}


def test_fields_within_others_say_where_they_stand() -> None:
    """In lists and in what may be missing too; a shape that holds itself comes to an end."""
    found = fields_of(SHAPES, {"$ref": "#/components/schemas/List"})
    assert found[:3] == (
        Field("items", "list of object", True, "The keys."),
        Field("items[].id", "text", True, "Its id."),
        Field("items[].loop", "object", False, "A key."),
    )
    assert Field("first.id", "text", True, "Its id.") in found


def test_one_of_several_shapes_has_the_fields_of_all() -> None:
    """Each once."""
    other = {"properties": {"id": {"type": "string"}, "email": {"type": "string"}}}
    names = [one.name for one in fields_of(SHAPES, {"anyOf": [{"$ref": "#/components/schemas/Key"}, other]})]
    assert names[0] == "id"
    assert names[-1] == "email"
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ({"type": "string", "maxLength": 9}, "text"),
        ({"type": "integer", "minimum": 1, "maximum": 200}, "whole number (from 1 to 200)"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "format": "date-time"}, "time or null"),
        ({"anyOf": [{"type": "string"}], "enum": ["1h", None]}, '"1h" | null'),
        ({"const": "ok", "type": "string"}, '"ok"'),
        (
            {"type": "array", "items": {"type": "string", "maxLength": 64}, "maxItems": 2},
            "list of text (up to 2 of them)",
        ),
        ({"type": "object", "additionalProperties": True}, "object"),
    ],
)
def test_kinds_are_words(shape: dict[str, Any], words: str) -> None:
    """What may stand in a field, and within which limits."""
    assert kind_of({}, shape) == words
