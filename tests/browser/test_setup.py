"""The first run in a browser."""

from typing import Any

from playwright.sync_api import expect

from tests.support.server import ServerProcess

EMAIL, PASSWORD = "first@example.org", "nine slow herons fishing"


def test_the_link_makes_the_owner_and_signs_in(server: ServerProcess, page: Any) -> None:
    """The token goes from the link's fragment into the form, never to the server; the page is then open.

    So it does if the form is open already, in the same tab.
    """
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.goto(server.url)
    expect(page.get_by_label("Setup link")).to_be_visible()
    page.goto(server.setup_link)
    expect(page.get_by_label("Setup link")).to_be_hidden()
    assert page.url == f"{server.url}/setup"
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="No API keys yet")).to_be_visible()
    page.get_by_text("Protect an API of your own").click()
    expect(page.get_by_text("asks ARI before it passes a request on")).to_be_visible()
    assert not any("token" in url for url in seen)
    page.goto(f"{server.url}/setup")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_a_weak_password_is_explained_and_the_rest_is_kept(server: ServerProcess, page: Any) -> None:
    """The sentence is next to the field, the email address and the token are kept."""
    page.goto(server.setup_link)
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Use at least 12 characters.")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Email")).to_have_value(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="No API keys yet")).to_be_visible()


def test_without_a_good_token_there_is_nothing(server: ServerProcess, page: Any) -> None:
    """A wrong token is a message next to its field, and no owner is made."""
    page.goto(f"{server.url}/setup#token={'x' * 43}")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("This setup link doesn't work")).to_be_visible()
    expect(page.get_by_label("Setup link")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Email")).to_have_value(EMAIL)


def test_the_token_can_be_pasted_without_scripting(server: ServerProcess, browser: Any) -> None:
    """A browser without scripting gets a field for the token."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server.setup_link)
    page.get_by_label("Setup link").fill(server.setup_link.partition("#token=")[2])
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="No API keys yet")).to_be_visible()
    context.close()
