"""The seed's section "Usage Logging"."""

from tests.seed.conftest import Pages, get


def test_ari_logs_api_key_usage_which_keys_are_being_used_and_how_often(pages: Pages) -> None:
    """ "ARI logs API key usage so you can monitor which keys are being used and how often"."""
    key_id, secret = pages.create("counted", access="read-only")
    before = get(pages, secret, f"/api/keys/{key_id}").json()["request_count"]
    for path in ("/api/openapi.json", "/api/keys", "/api/usage", "/api/nothing"):
        get(pages, secret, path)
    assert get(pages, secret, f"/api/keys/{key_id}").json()["request_count"] == before + 5
    rows = get(pages, secret, f"/api/keys/{key_id}/usage?limit=5").json()["items"]
    assert [(row["path"], row["status"]) for row in rows] == [
        (f"/api/keys/{key_id}", 200),
        ("/api/nothing", 404),
        ("/api/usage", 200),
        ("/api/keys", 200),
        ("/api/openapi.json", 200),
    ]
    assert {row["key_id"] for row in rows} == {key_id}
    page = pages.client.get(f"/settings/keys/{key_id}").text
    assert "/api/nothing" in page


def test_review_usage_periodically_and_revoke_any_keys_that_are_no_longer_needed(pages: Pages) -> None:
    """The table shows when a key was last used and how often, and says so where it never was."""
    pages.create("used a moment ago")
    _, admin = pages.create("admin", access="administrator")
    items = get(pages, admin, "/api/keys?limit=200").json()["items"]
    named = {item["name"]: item for item in items}
    assert named["used a moment ago"]["last_used_at"] is not None
    key, _ = pages.owner.create_key("never touched")
    assert key["last_used_at"] is None
    assert "never" in pages.row("never touched").lower()
