"""Settings > Webhooks in a real browser: adding one shows its secret once, and a test shows what became of it."""

import re
from typing import Any

from playwright.sync_api import expect


def test_a_webhook_from_its_form_to_its_end(home: Any, owner: Any) -> None:
    """Add it, see the secret once, test it, turn it off, and delete it."""
    home.get_by_role("link", name="Webhooks", exact=True).click()
    home.get_by_role("link", name="Add webhook").first.click()
    home.get_by_label("Name").fill("Ticket <b>system</b>")
    home.get_by_label("URL").fill("https://hooks.invalid/secret-path")
    home.get_by_role("button", name="Add webhook").click()
    secret = home.locator("#secret")
    expect(secret).to_have_text(re.compile(r"whsec_[A-Za-z0-9+/=]{40,}"))
    shown = secret.inner_text()
    home.get_by_role("link", name="I've saved it").click()
    expect(home.get_by_role("heading", name="Ticket <b>system</b>")).to_be_visible()
    assert shown not in home.content()
    assert "secret-path" not in home.content()
    home.goto(f"{owner.url}/settings/webhooks")
    home.get_by_role("link", name=re.compile("Ticket")).first.click()
    home.get_by_role("button", name="Send test").click()
    row = home.locator(".deliveries tr", has_text="webhook.tested")
    expect(row).to_contain_text("Failed")
    home.get_by_role("button", name="Turn off").click()
    expect(home.locator("#off")).to_be_visible()
    home.get_by_role("link", name="Delete").click()
    home.get_by_role("dialog").get_by_role("button", name=re.compile("Delete")).click()
    expect(home.get_by_text("Ticket <b>system</b>")).to_have_count(0)
