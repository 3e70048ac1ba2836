"""Examples made from shapes."""

from typing import Any

import pytest

from ari.api.examples import TIME, example_of, give_examples, offer_examples

SCHEMAS: dict[str, Any] = {
    "Key": {
        "type": "object",
        "description": "A key.",
        "properties": {"name": {"type": "string", "examples": ["Nightly"]}, "born": {"format": "date-time"}},
    },
    "Account": {"type": "object", "description": "An account.", "properties": {"id": {"const": "usr_1"}}},
}
SCHEMAS["Key"]["properties"]["born"]["type"] = "string"
KEY = {"$ref": "#/components/schemas/Key"}
KEY_EXAMPLE = {"name": "Nightly", "born": TIME}


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        (KEY, KEY_EXAMPLE),
        ({"type": "array", "items": KEY}, [KEY_EXAMPLE]),
        ({"type": "integer", "default": 50}, 50),
        ({"enum": ["1h", "7d"]}, "1h"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "examples": [None]}, None),
        ({"anyOf": [KEY, {"type": "null"}]}, KEY_EXAMPLE),
        ({"type": "boolean"}, False),
    ],
)
def test_an_example_is_put_together_from_its_parts(schema: dict[str, Any], wanted: Any) -> None:
    """The field's own example comes first, then its type's."""
    assert example_of(schema, SCHEMAS) == wanted


def test_a_body_of_several_shapes_has_an_example_of_each() -> None:
    """Named and described as the shapes are."""
    media: dict[str, Any] = {"schema": {"anyOf": [KEY, {"$ref": "#/components/schemas/Account"}]}}
    give_examples(media, SCHEMAS)
    assert media["examples"] == {
        "Key": {"summary": "A key.", "value": KEY_EXAMPLE},
        "Account": {"summary": "An account.", "value": {"id": "usr_1"}},
    }


def test_a_filter_that_nobody_set_is_shown_but_off() -> None:
    """Trying a list with the docs page returns the list, not what an example would filter out."""
    cursor = {"required": False, "schema": {"type": "string", "examples": ["abc"]}}
    offer_examples(cursor)
    assert cursor["examples"] == {"example 1": {"value": "abc", "x-disabled": True}}
    limit = {"required": False, "schema": {"default": 50, "examples": [50]}}
    offer_examples(limit)
    assert "examples" not in limit
