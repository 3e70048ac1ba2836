"""``/api/instance-policy``: keys may read the rules, and never change them (security.md 11)."""

from tests.support.app import App, content_of

POLICY = "/api/instance-policy"


def test_a_key_reads_but_cannot_change_the_rules(app: App) -> None:
    """Whatever its scopes."""
    root = app.key("*")
    assert content_of(app("GET", "/api/instance-policy", root)) == {
        "max_lifetime_days": None,
        "disable_unused_days": None,
    }
    refused = app("PATCH", "/api/instance-policy", root, {"max_lifetime_days": 1})
    assert (refused.status, content_of(refused)["code"]) == (403, "forbidden")
    assert app("GET", "/api/instance-policy", app.key("usage:read")).status == 403


def test_a_preview_changes_nothing(app: App) -> None:
    """Any key that may list keys may count them; the rules are checked as in a change."""
    app.key("api:read", name="old")
    reader = app.key("keys:read", name="reader")
    preview = app("GET", f"{POLICY}/preview?max_lifetime_days=30&disable_unused_days=1", reader)
    found = content_of(preview)
    assert (preview.status, found["max_lifetime_days"], found["disable_unused_days"]) == (200, 30, 1)
    assert (found["outliving_keys"], found["unused_keys"], found["complete"]) == (2, 0, True)
    assert content_of(app("GET", POLICY, reader))["max_lifetime_days"] is None
    assert app("GET", f"{POLICY}/preview?max_lifetime_days=0", reader).status == 422
    assert app("GET", f"{POLICY}/preview", app.key("api:read")).status == 403
