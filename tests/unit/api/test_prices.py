"""``/api/prices``: read and replace the operator's own prices; a configuration has them too."""

from tests.support.app import App, content_of

PRICES = "/api/prices"
GPT = {"model": "openai/gpt-5*", "input_usd": "1.10", "output_usd": "0"}


def test_prices_are_replaced_as_a_whole(app: App) -> None:
    """With the scope for integrations. Unset parts are null."""
    writer, reader = app.key("integrations:write"), app.key("integrations:read")
    assert content_of(app("GET", PRICES, reader))["prices"] == []
    put = content_of(app("PUT", PRICES, writer, {"prices": [GPT], "discounts": [{"model": "x/*", "percent": "5"}]}))
    assert put == content_of(app("GET", PRICES, reader))
    assert {name: value for name, value in put["prices"][0].items() if value is not None} == GPT
    assert put["version"] == f"{put['library_version']}+1"
    assert content_of(app("PUT", PRICES, writer, {}))["discounts"] == []
    assert app("PUT", PRICES, reader, {}).status == 403


def test_wrong_prices_are_named(app: App) -> None:
    """Another currency, a field that doesn't exist, and a number in place of text."""
    writer = app.key("integrations:write")
    for entry, place in (
        (GPT | {"input_usd": "1 EUR"}, "prices.0.input_usd"),
        (GPT | {"input_eur": "1"}, "body.prices.0.input_eur"),
        (GPT | {"input_usd": 1.1}, "body.prices.0.input_usd"),
    ):
        refused = app("PUT", PRICES, writer, {"prices": [entry]})
        found = content_of(refused)["errors"][0]["location"]
        assert (refused.status, found.removeprefix("body.")) == (422, place.removeprefix("body."))
    assert content_of(app("GET", PRICES, app.key("integrations:read")))["prices"] == []


def test_a_configuration_has_prices_and_discounts(app: App) -> None:
    """Merged with those that are there, unless the others are pruned; a key needs the scope for integrations too."""
    root = app.key("*")
    body = {
        "model_prices": {"openai/*": {"input_usd": "2", "output_usd": "0"}},
        "model_discounts": {"openai/*": "10"},
        "dry_run": False,
    }

    def apply(**more: object) -> list[tuple[str, str, str]]:
        changes = content_of(app("POST", "/api/apply", root, {**body, **more}))["changes"]
        return [(one["action"], one["kind"], one["name"]) for one in changes]

    app("PUT", PRICES, root, {"prices": [GPT]})
    assert apply() == [("add", "model price", "openai/*"), ("add", "model discount", "openai/*")]
    assert apply() == []
    assert [one["model"] for one in content_of(app("GET", PRICES, root))["prices"]] == ["openai/gpt-5*", "openai/*"]
    assert apply(model_prices={"openai/*": {"input_usd": "3", "output_usd": "0"}}) == [
        ("change", "model price", "openai/*")
    ]
    assert apply(prune=True)[-1] == ("remove", "model price", "openai/gpt-5*")
    assert app("POST", "/api/apply", app.key("scopes:write"), body).status == 403
    wrong = app("POST", "/api/apply", root, {"model_discounts": {"openai/*": "110"}})
    assert (wrong.status, content_of(wrong)["errors"][0]["location"]) == (422, "model_discounts.?.percent")


def test_a_key_cant_make_its_own_requests_free(app: App) -> None:
    """Its own budget or its consumer's binds it at each endpoint that changes prices."""
    root = app.key("*")
    content = {"name": "a", "scopes": ["ai:openai", "integrations:write", "scopes:write"]}
    budgets = [{"amount_usd": "1", "period": "day"}]
    consumer = content_of(app("POST", "/api/consumers", root, {"name": "Acme", "budgets": budgets}))
    for more in ({"budgets": budgets}, {"consumer": consumer["id"]}):
        made = app("POST", "/api/keys", root, content | more)
        assert made.status == 201, made.body
        key = content_of(made)["secret"]
        applied = {"model_prices": {"openai/*": {"input_usd": "0", "output_usd": "0"}}, "dry_run": False}
        for refused in (
            app("PUT", PRICES, key, {"discounts": [{"model": "*/*", "percent": "100"}]}),
            app("POST", "/api/apply", key, applied),
        ):
            assert (refused.status, "can't change prices" in content_of(refused)["detail"]) == (403, True)
    assert content_of(app("GET", PRICES, app.key("integrations:read")))["prices"] == []
