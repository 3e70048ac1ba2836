"""``/api/instance-policy``: keys may read the rules, and never change them (security.md 11)."""

from tests.support.app import App, content_of


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
