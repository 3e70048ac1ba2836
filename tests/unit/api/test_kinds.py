"""``/api/kinds``, and keys that have one."""

from ari.keys.scanner_rules import FILE_NAMES, write_rules
from tests.support.app import App, content_of

BODY = {"name": "acme-live", "prefix": "acme_live_", "expires": "90d", "scopes": ["api:read"], "leak_action": "revoke"}


def test_a_kind_from_add_to_remove(app: App) -> None:
    """Every step at the API."""
    key = app.key("*", name="root")
    added = app("POST", "/api/kinds", key, BODY)
    assert added.status == 201
    kind = content_of(added)
    assert {name: kind[name] for name in BODY} == BODY
    assert (kind["description"], kind["max_lifetime_days"], kind["environment"]) == ("", None, None)
    assert content_of(app("GET", "/api/kinds", key))["items"] == [kind]
    made = content_of(app("POST", "/api/keys", key, {"name": "Acme", "kind": "acme-live"}))
    assert made["secret"].startswith("acme_live_")
    assert made["key"]["kind"] == "acme-live"
    verified = content_of(app("POST", "/api/verify", key, {"key": made["secret"]}))
    assert (verified["valid"], verified["key"]["kind"]) == (True, "acme-live")
    assert app("GET", "/api/me", made["secret"]).status == 200
    refused = app("DELETE", "/api/kinds/acme-live", key)
    assert (refused.status, content_of(refused)["code"]) == (409, "kind_in_use")
    changed = content_of(app("PATCH", "/api/kinds/acme-live", key, {"scopes": None, "description": "Customers"}))
    assert changed == kind | {"scopes": None, "description": "Customers", "key_count": 1}
    app("POST", f"/api/keys/{made['key']['id']}/revoke", key, {})
    app("DELETE", f"/api/keys/{made['key']['id']}", key)
    assert app("DELETE", "/api/kinds/acme-live", key).status == 204
    assert app("GET", "/api/kinds/acme-live", key).status == 404


def test_new_keys_have_the_limits_of_their_kind(app: App) -> None:
    """A response can be sent back; an empty list and ``null`` give a key none, and ``null`` limits are no default."""
    key = app.key("*")
    limits = [{"name": "default", "limit": 100, "window": "1m"}]
    granted = {"amount": 5, "refill": {"amount": 9, "every": "month", "hour": 0, "time_zone": "UTC"}}
    kind = content_of(app("POST", "/api/kinds", key, BODY | {"limits": limits, "credits": granted}))
    assert (kind["limits"], kind["credits"]) == (limits, granted)
    same = {name: kind[name] for name in ("limits", "credits")}
    assert content_of(app("PATCH", "/api/kinds/acme-live", key, same)) == kind
    asked = {"name": "Acme", "kind": "acme-live"}
    made = content_of(app("POST", "/api/keys", key, asked))["key"]
    assert (made["limits"], made["credits"]["granted"]) == (limits, 5)
    free = content_of(app("POST", "/api/keys", key, asked | {"limits": [], "credits": None}))["key"]
    assert (free["limits"], free["credits"]) == ([], None)
    bare = content_of(app("PATCH", "/api/kinds/acme-live", key, {"limits": None, "credits": None}))
    assert (bare["limits"], bare["credits"]) == (None, None)


def test_bad_kinds_are_refused(app: App) -> None:
    """422 with the field; a second one with the name is a 409."""
    key = app.key("*")
    for body, location in (
        (BODY | {"prefix": "acme"}, "prefix"),
        (BODY | {"leak_action": "ignore"}, "leak_action"),
        (BODY | {"max_lifetime_days": "7"}, "max_lifetime_days"),
        (BODY | {"description": None}, "description"),
        (BODY | {"color": "red"}, "color"),
        (BODY | {"limits": [{"limit": 1, "window": "32d"}]}, "limits.0.window"),
        (BODY | {"credits": {"amount": None}}, "credits.amount"),
    ):
        answer = app("POST", "/api/kinds", key, body)
        assert (answer.status, content_of(answer)["errors"][0]["location"]) == (422, location)
    assert app("POST", "/api/kinds", key, BODY).status == 201
    assert content_of(app("POST", "/api/kinds", key, BODY))["code"] == "kind_exists"
    missing = content_of(app("POST", "/api/keys", key, {"name": "n", "kind": "none"}))
    assert missing["errors"][0]["location"] == "kind"


def test_all_problems_of_a_kind_are_named_at_once(app: App) -> None:
    """Those of its prefix, scopes, limits and words, of a new kind and of a change."""
    key, limits = app.key("*"), [{"limit": 0, "window": "1m"}]
    wrong = {"description": "a\nb", "scopes": ["no:scope"], "limits": limits, "leak_action": "x", "environment": "x"}
    places = ["description", "environment", "leak_action", "limits.0.limit", "scopes"]
    refused = app("POST", "/api/kinds", key, {"name": "No Name", "prefix": "sk_"} | wrong)
    assert sorted(one["location"] for one in content_of(refused)["errors"]) == sorted(["name", "prefix", *places])
    assert app("POST", "/api/kinds", key, BODY).status == 201
    refused = app("PATCH", "/api/kinds/acme-live", key, wrong | {"description": None})
    assert sorted(one["location"] for one in content_of(refused)["errors"]) == places


def test_rules_for_scanners_have_every_prefix(app: App) -> None:
    """As a file, for each scanner; another name is not found."""
    key = app.key("keys:read", "kinds:write", "api:read")
    assert app("POST", "/api/kinds", key, BODY).status == 201
    for scanner, name in FILE_NAMES.items():
        found = content_of(app("GET", f"/api/kinds/scanner-rules/{scanner}", key))
        assert found == {"scanner": scanner, "file_name": name, "rules": write_rules(scanner, ["acme_live_"])}
    assert app("GET", "/api/kinds/scanner-rules/other", key).status == 404
    assert app("GET", "/api/kinds/scanner-rules/gitleaks", app.key("kinds:write")).status == 403


def test_keys_are_filtered_by_kind(app: App) -> None:
    """Together with other filters; a kind that doesn't exist is a mistake."""
    key = app.key("*")
    assert app("POST", "/api/kinds", key, BODY).status == 201
    app("POST", "/api/keys", key, {"name": "of kind", "kind": "acme-live", "tags": ["t"]})
    for query, names in (("kind=acme-live", ["of kind"]), ("kind=acme-live&tag=x", []), ("tag=t", ["of kind"])):
        found = content_of(app("GET", f"/api/keys?{query}", key))
        assert ([one["name"] for one in found["items"]], found["total"]) == (names, len(names))
    assert [app("GET", f"/api/keys?kind={kind}", key).status for kind in ("none", "A")] == [422, 422]


def test_reading_is_not_writing(app: App) -> None:
    """A key that lists keys also lists their kinds; ``keys:write`` changes none."""
    reader = app.key("keys:read", "keys:write")
    assert app("GET", "/api/kinds", reader).status == 200
    assert app("POST", "/api/kinds", reader, BODY).status == 403
    assert app("GET", "/api/kinds", app.key("kinds:write")).status == 403
