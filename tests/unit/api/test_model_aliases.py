"""``/api/model-aliases``: read and replace the aliases of models."""

from tests.support.app import App, content_of

ALIASES = "/api/model-aliases"


def test_aliases_are_replaced_as_a_whole(app: App) -> None:
    """With the scope for integrations."""
    writer, reader = app.key("integrations:write"), app.key("integrations:read")
    assert content_of(app("GET", ALIASES, reader)) == {"aliases": {}}
    for aliases in ({"fast": ["openai/gpt-5-mini"]}, {"smart": ["openai/gpt-5", "groq/x"]}):
        assert content_of(app("PUT", ALIASES, writer, {"aliases": aliases})) == {"aliases": aliases}
        assert content_of(app("GET", ALIASES, reader)) == {"aliases": aliases}
    refused = app("PUT", ALIASES, writer, {"aliases": {"fast": ["nobody"]}})
    assert (refused.status, content_of(refused)["errors"][0]["location"]) == (422, "aliases")
    assert app("PUT", ALIASES, reader, {"aliases": {}}).status == 403


def test_a_configuration_has_aliases(app: App) -> None:
    """Merged with those that are there, unless the others are pruned; a key needs the scope for integrations too."""
    root = app.key("*")

    def apply(**more: object) -> object:
        body = {"model_aliases": {"fast": ["openai/a"]}, "dry_run": False, **more}
        return [(one["action"], one["name"]) for one in content_of(app("POST", "/api/apply", root, body))["changes"]]

    app("PUT", ALIASES, root, {"aliases": {"old": ["openai/x"]}})
    assert apply() == [("add", "fast")]
    assert apply() == []
    assert content_of(app("GET", ALIASES, root))["aliases"].keys() == {"fast", "old"}
    assert apply(prune=True) == [("remove", "old")]
    body = {"model_aliases": {"fast": ["openai/b"]}, "dry_run": False}
    assert app("POST", "/api/apply", app.key("scopes:write"), body).status == 403
    wrong = app("POST", "/api/apply", root, {"model_aliases": {"fast": []}})
    assert (wrong.status, content_of(wrong)["errors"][0]["location"]) == (422, "model_aliases")
