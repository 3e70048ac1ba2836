"""``POST /api/keys/bulk``: a whole batch or nothing, one event per key, never more than the caller may do."""

from typing import Any

import pytest

from ari.keys import MAX_KEYS_AT_ONCE
from tests.support.app import App, content_of


@pytest.fixture
def root(app: App) -> str:
    """A key that may do everything; two keys of a consumer have one tag, a third key has it too."""
    root = app.key("*", name="root")
    app("POST", "/api/consumers", root, {"name": "Acme", "external_id": "x"})
    for name, body in (("a", {"consumer": "x"}), ("b", {"consumer": "x"}), ("c", {})):
        app("POST", "/api/keys", root, {"name": name, "tags": ["t"], "scopes": ["api:read"]} | body)
    return root


def _change(app: App, key: str, **body: Any) -> tuple[list[str], int]:
    found = content_of(app("POST", "/api/keys/bulk", key, body))
    return sorted(one["name"] for one in found["items"]), found["remaining"]


def test_the_keys_of_a_consumer_or_with_a_tag_are_changed(app: App, root: str) -> None:
    """A dry run lists them and changes nothing; a repeat finds none left."""
    assert _change(app, root, action="disable", consumer="x", dry_run=True) == (["a", "b"], 0)
    assert "key_disabled" not in app.events()
    assert _change(app, root, action="disable", consumer="x", tag="t") == (["a", "b"], 0)
    assert _change(app, root, action="disable", tag="t") == (["c"], 0)
    assert _change(app, root, action="disable", tag="t") == ([], 0)
    assert app.events().count("key_disabled") == 3
    assert _change(app, root, action="enable", consumer="x") == (["a", "b"], 0)
    at = "2099-01-01T00:00:00.000Z"
    assert _change(app, root, action="expire", tag="t", expires_at=at) == (["a", "b", "c"], 0)
    assert _change(app, root, action="expire", tag="t", expires_at=at) == ([], 0)
    assert _change(app, root, action="expire", tag="t", expires_at=None) == (["a", "b", "c"], 0)
    assert _change(app, root, action="revoke", consumer="x", reason="over") == (["a", "b"], 0)
    assert app.events().count("key_revoked") == 2


def test_many_keys_are_changed_in_batches(app: App, root: str) -> None:
    """The rest is counted, and follows with the next request."""
    for number in range(MAX_KEYS_AT_ONCE + 1):
        app("POST", "/api/keys", root, {"name": f"n{number}", "tags": ["many"]})
    assert _change(app, root, action="revoke", tag="many", dry_run=True)[1] == 1
    names, remaining = _change(app, root, action="revoke", tag="many")
    assert (len(names), remaining) == (MAX_KEYS_AT_ONCE, 1)
    assert _change(app, root, action="revoke", tag="many") == (["n0"], 0)


def test_a_key_out_of_reach_stops_the_batch(app: App, root: str) -> None:
    """For the dry run too; nothing is changed. A caller that can't list keys can't list them here."""
    app("POST", "/api/keys", root, {"name": "strong", "tags": ["t"], "scopes": ["*"]})
    weak = app.key("keys:*", "api:read", name="weak")
    for dry_run in (True, False):
        refused = app("POST", "/api/keys/bulk", weak, {"action": "revoke", "tag": "t", "dry_run": dry_run})
        assert refused.status == 403
        assert content_of(refused)["detail"].startswith("“strong” (key_")
    assert "key_revoked" not in app.events()
    refused = app("POST", "/api/keys/bulk", app.key("keys:write"), {"action": "revoke", "tag": "t", "dry_run": True})
    assert (refused.status, content_of(refused)["scope"]) == (403, "keys:read")


def test_listed_keys_are_changed_exactly(app: App, root: str) -> None:
    """Alone, or with what a dry run listed: if one more or one less fits now, nothing is changed."""
    dry = content_of(app("POST", "/api/keys/bulk", root, {"action": "revoke", "consumer": "x", "dry_run": True}))
    ids = [one["id"] for one in dry["items"]]
    assert _change(app, root, action="revoke", key_ids=ids[:1], dry_run=True)[0] == ["b"]
    app("POST", "/api/keys", root, {"name": "d", "consumer": "x", "scopes": ["api:read"]})
    for body in (
        {"action": "revoke", "consumer": "x", "key_ids": ids},
        {"action": "revoke", "consumer": "x", "key_ids": ids[:1]},
        {"action": "enable", "key_ids": ids},
        {"action": "revoke", "key_ids": [*ids, "key_01JD7W0000000000000000000Z"]},
    ):
        refused = app("POST", "/api/keys/bulk", root, body)
        assert (refused.status, content_of(refused)["code"]) == (409, "keys_changed"), body
    assert not {"key_revoked", "key_enabled"} & set(app.events())
    assert _change(app, root, action="disable", tag="t", consumer="x", key_ids=ids) == (["a", "b"], 0)
    assert _change(app, root, action="revoke", key_ids=[*ids, *ids]) == (["a", "b"], 0)


def test_a_dry_run_refuses_what_the_request_refuses(app: App, root: str) -> None:
    """A key can't let others outlive itself, and no key the rule for all; keys of a shorter kind are left out."""
    body: dict[str, Any] = {"action": "expire", "tag": "t", "expires_at": "2099-01-01T00:00:00Z"}
    short = content_of(app("POST", "/api/keys", root, {"name": "s", "scopes": ["keys:*", "api:read"], "expires": "1h"}))
    app("POST", "/api/kinds", root, {"name": "short", "prefix": "short_", "max_lifetime_days": 10})
    made = content_of(app("POST", "/api/keys", root, {"name": "k", "kind": "short", "tags": ["t"]}))
    assert _change(app, root, action="disable", kind="short", dry_run=True) == (["k"], 0)
    for dry_run in (True, False):
        assert app("POST", "/api/keys/bulk", short["secret"], body | {"dry_run": dry_run}).status == 403
        found = content_of(app("POST", "/api/keys/bulk", root, body | {"dry_run": dry_run}))
        assert sorted(one["name"] for one in found["items"]) == ["a", "b", "c"]
        reason = "A key of the kind short lives at most 10 days."
        assert found["left_out"] == [{"id": made["key"]["id"], "name": "k", "reason": reason}]
        assert (found["remaining"], found["left_out_count"]) == (0, 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "revoke", "key_ids": []}, "key_ids"),
        ({"action": "revoke", "key_ids": [f"key_01JD7W00000000000{n:09}" for n in range(201)]}, "key_ids"),
        ({"action": "revoke"}, "consumer"),
        ({"action": "revoke", "consumer": "nobody"}, "consumer"),
        ({"action": "revoke", "kind": "nothing"}, "kind"),
        ({"action": "expire", "tag": "t"}, "expires_at"),
        ({"action": "expire", "tag": "t", "expires_at": "2001-01-01T00:00:00Z", "dry_run": True}, "expires_at"),
        ({"action": "revoke", "tag": "t", "expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
        ({"action": "disable", "tag": "t", "reason": "x"}, "reason"),
        ({"action": "delete", "tag": "t"}, "action"),
    ],
)
def test_contradictions_are_refused(app: App, root: str, body: dict[str, Any], field: str) -> None:
    """With the field that is wrong, before anything is changed."""
    refused = app("POST", "/api/keys/bulk", root, body)
    assert (refused.status, [one["location"] for one in content_of(refused)["errors"]]) == (422, [field])
