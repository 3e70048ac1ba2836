"""A table longer than one page."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import HOME


def test_older_keys_and_back(owner: Any, home: Any) -> None:
    """20 keys a page, newest first; a link leads to the older ones and one back, within the filter."""
    _, secret = owner.create_key("The oldest", scopes=["*"])
    client = owner.api(secret)
    for number in range(25):
        made = client.post("/api/keys", json={"name": f"Key {number:02}", "scopes": ["api:read"]})
        assert made.status_code == 201
    home.goto(f"{owner.url}{HOME}&show=active")
    rows = home.locator("tbody tr")
    expect(rows).to_have_count(20)
    expect(rows.first).to_contain_text("Key 24")
    expect(home.get_by_text("26 of 26 keys", exact=True)).to_be_visible()
    home.get_by_role("link", name="Next 20").click()
    expect(rows).to_have_count(6)
    expect(rows.last).to_contain_text("The oldest")
    expect(home.get_by_role("link", name="Next 20")).to_have_count(0)
    home.get_by_role("link", name="First page").click()
    expect(rows.first).to_contain_text("Key 24")
    assert home.url.endswith("show=active")


def test_what_is_no_part_of_the_table_is_not_found(owner: Any, home: Any) -> None:
    """Unknown tabs, filters and places are 404, not a guess."""
    for query in ("tab=nothing", "tab=api&show=some", "tab=api&after=key_1", "tab=api&sort=shoe-size"):
        answer = home.goto(f"{owner.url}/settings?{query}")
        assert answer.status == 404
    home.goto(f"{owner.url}/settings")
    assert home.url == f"{owner.url}{HOME}"
