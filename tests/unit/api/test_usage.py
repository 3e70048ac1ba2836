"""``/api/usage``: filters and totals by consumer and tag, as the keys are assigned now."""

import pytest

from ari.base.clock import to_rfc3339
from tests.support.app import App, content_of
from tests.support.backlog import AGE_MS, stage_backlog


@pytest.fixture
def reader(app: App) -> str:
    """A key that reads usage and keys; keys of a consumer and with tags made requests, and one of them is deleted."""
    root = app.key("*", name="root")
    app("POST", "/api/consumers", root, {"name": "Acme", "external_id": "x"})
    for name, body in (("a", {"consumer": "x", "tags": ["t", "u"]}), ("b", {"tags": ["t"]}), ("c", {})):
        made = content_of(app("POST", "/api/keys", root, {"name": name, "scopes": ["api:read"]} | body))
        app("GET", "/api/me", made["secret"])
        if name == "b":
            app("POST", f"/api/keys/{made['key']['id']}/revoke", root, {})
            app("DELETE", f"/api/keys/{made['key']['id']}", root)
    return app.key("usage:read", "keys:read", name="reader")


def test_usage_is_filtered_and_grouped(app: App, reader: str) -> None:
    """Deleted keys keep their groups; the list, the totals and the export agree."""
    for query, names in (
        ("consumer=x", {"a"}),
        ("tag=t", {"a", "b"}),
        ("consumer=x&tag=t", {"a"}),
        ("tag=none", set()),
    ):
        summary = content_of(app("GET", f"/api/usage/summary?{query}&group_by=tag", reader))
        rows = content_of(app("GET", f"/api/usage?{query}", reader))["items"]
        assert {one["name"] for one in summary["top_keys"]} == names
        assert summary["request_count"] == sum(part["request_count"] for part in summary["parts"]) == len(names)
        assert len(rows) == summary["key_count"] == len(names)
        assert summary["attempts"] is None
        assert content_of(app("GET", f"/api/usage/ai?{query}", reader))["request_count"] == 0
    whole = content_of(app("GET", "/api/usage/summary?group_by=consumer", reader))
    assert [(one["name"], one["request_count"]) for one in whole["groups"]] == [("Acme", 1)]
    assert content_of(app("GET", "/api/usage/summary", reader))["groups"] is None
    by_tag = content_of(app("GET", "/api/usage/summary?group_by=tag", reader))["groups"]
    assert [(one["group"], one["key_count"], one["request_count"]) for one in by_tag] == [("t", 2, 2), ("u", 1, 1)]


def test_which_keys_belong_together_needs_a_right_to_list_keys(app: App, reader: str) -> None:
    """``usage:read`` alone can't find out who the consumers are; a filter that can't match is a 422."""
    weak = app.key("usage:read", name="weak")
    for query in ("consumer=x", "tag=t", "group_by=tag", "consumer=nobody"):
        refused = app("GET", f"/api/usage/summary?{query}", weak)
        assert (refused.status, content_of(refused)["scope"]) == (403, "keys:read"), query
    for path in ("/api/usage?tag=t", "/api/usage/ai?tag=t", "/api/usage/export?tag=t"):
        assert app("GET", path, weak).status == 403, path
    for query in ("consumer=nobody", "tag=%20", "group_by=key"):
        assert app("GET", f"/api/usage/summary?{query}", reader).status == 422, query


def test_a_large_backlog_is_reported_with_the_figures(app: App) -> None:
    """No read is refused or waits: figures are those that are counted, with the time until which they are complete."""
    root = app.key("*", name="root")
    key_id = content_of(app("GET", "/api/me", root))["key"]["id"]
    began_ms = stage_backlog(app.instance, key_id)
    of_key = f"/api/keys/{key_id}/usage"
    places = ["/api/keys", "/api/usage", "/api/usage/summary", "/api/usage/ai"]
    places += [of_key, f"{of_key}/summary", f"{of_key}/ai"]
    for place in places:
        assert content_of(app("GET", place, root))["complete_until"] == to_rfc3339(began_ms), place
    [listed] = content_of(app("GET", "/api/keys", root))["items"]
    summary = content_of(app("GET", f"{of_key}/summary", root))
    assert (
        listed["request_count"] == summary["request_count"] == len(content_of(app("GET", of_key, root))["items"]) == 1
    )
    for place in ("/api/usage/export", f"{of_key}/export"):
        assert dict(app("GET", place, root).headers)["x-ari-complete-until"] == to_rfc3339(began_ms), place
    ready = content_of(app("GET", "/api/ready"))
    assert ready["backlog_count"] > 20_000
    assert ready["backlog_seconds"] == AGE_MS // 1_000
    app.instance.database.usage.fold_all()
    for place in places:
        assert content_of(app("GET", place, root))["complete_until"] is None, place
    assert "x-ari-complete-until" not in dict(app("GET", "/api/usage/export", root).headers)
    assert content_of(app("GET", f"{of_key}/summary", root))["request_count"] > 20_000
