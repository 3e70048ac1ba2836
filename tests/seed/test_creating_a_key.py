"""The seed's section "Creating a Key": each sentence, through real HTTP on a real server."""

from tests.seed.conftest import Pages, get


def test_go_to_settings_api(pages: Pages) -> None:
    """ "Go to Settings > API"."""
    home = pages.client.get("/", follow_redirects=True)
    assert home.url.path == "/settings"
    assert "API keys" in pages.table()


def test_click_create_api_key(pages: Pages) -> None:
    """ "Click "Create API Key""."""
    assert "Create API Key" in pages.table()
    assert 'href="/settings/keys/new"' in pages.table()
    assert pages.client.get("/settings/keys/new").status_code == 200


def test_give_the_key_a_descriptive_name(pages: Pages) -> None:
    """ "Give the key a descriptive name (e.g. "Automation Script", "Mobile App")"."""
    for name in ("Automation Script", "Mobile App"):
        pages.create(name)
        assert name in pages.table()


def test_optionally_pick_an_expiry_date(pages: Pages) -> None:
    """ "Optionally pick an expiry date"."""
    form = pages.client.get("/settings/keys/new").text
    assert 'value="90d" checked' in form
    key_id, _ = pages.create("without end", "never")
    assert "Never" in pages.row("without end")
    assert pages.client.get(f"/settings/keys/{key_id}").status_code == 200


def test_copy_the_key_immediately_it_will_not_be_shown_again(pages: Pages) -> None:
    """ "Copy the key immediately — it will not be shown again"."""
    key_id, secret = pages.create("seen once")
    assert get(pages, secret).status_code == 200
    for path in ("/settings?tab=api", f"/settings/keys/{key_id}", "/settings/keys/new"):
        assert secret not in pages.client.get(path).text
    _, admin = pages.create("admin", access="administrator")
    for path in (f"/api/keys/{key_id}", "/api/keys", "/api/events", "/api/usage"):
        assert secret not in get(pages, admin, path).text
