"""What the API docs say of an operation, from the description alone."""

from typing import Any

from ari.web.fields import Field
from ari.web.operations import Answer, Parameter, Piece, facts_of, pieces

DOCUMENT: dict[str, Any] = {
    "servers": [{"url": "https://keys.example.org"}],
    "paths": {
        "/api/health": {
            "get": {"operationId": "health", "security": [], "responses": {"200": {"description": "Up."}}},
        },
        "/api/keys/{key_id}": {
            "patch": {
                "operationId": "change_key",
                "description": "Changes it.\n\nNeeds the scope `keys:write`.",
                "security": [{"ApiKey": ["keys:write"]}],
                "parameters": [
                    {
                        "name": "key_id",
                        "in": "path",
                        "required": True,
                        "description": "The id.",
                        "schema": {"type": "string", "examples": ["key_1"]},
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "example": {"name": "Ann's script"},
                            "schema": {"$ref": "#/components/schemas/Change"},
                        }
                    }
                },
                "responses": {
                    "404": {"description": "`not_found`: There is none. `gone`: Not any more."},
                    "200": {
                        "description": "The key as `GET` gives it.",
                        "content": {"application/json": {"examples": {"one": {"value": {"id": "key_1"}}}}},
                    },
                },
            }
        },
    },
    "components": {
        "schemas": {"Change": {"properties": {"name": {"type": "string", "description": "Its new name."}}}},
    },
}


def test_facts_of_an_operation() -> None:
    """Paragraphs, parameters, body with its fields, answers before refusals, and lines to call it."""
    facts = facts_of(DOCUMENT)["change_key"]
    assert facts.about == ("Changes it.", "Needs the scope `keys:write`.")
    assert facts.parameters == (Parameter("key_id", "path", True, "The id.", "text"),)
    assert facts.body == '{\n  "name": "Ann\'s script"\n}'
    assert facts.body_fields == (Field("name", "text", False, "Its new name."),)
    assert facts.answers == (
        Answer("200", "The key as `GET` gives it.", example='{\n  "id": "key_1"\n}'),
        Answer("404", "", ("not_found", "gone")),
    )
    assert [one.id for one in facts.snippets] == ["curl", "python", "javascript"]
    assert facts.snippets[0].code.endswith("https://keys.example.org/api/keys/key_1")


def test_an_open_operation_is_called_without_a_key() -> None:
    """Probes carry none."""
    assert all("ARI_API_KEY" not in one.code for one in facts_of(DOCUMENT)["health"].snippets)


def test_code_and_strong_words_are_told_apart() -> None:
    """The little Markdown that descriptions use; a lone backtick or star is text."""
    assert pieces("**Lists** take `limit`, 2 * 3 `") == [
        Piece("strong", "Lists"),
        Piece("text", " take "),
        Piece("code", "limit"),
        Piece("text", ", 2 * 3 `"),
    ]
