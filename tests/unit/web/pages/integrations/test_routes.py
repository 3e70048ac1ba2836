"""Settings > Integrations: save, test and remove provider keys. A saved key is never shown again."""

import pytest

from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/integrations"
KEY = "sk-" + "A1b2" * 12


class FakeProber:
    """Responds to every test call with one status, and remembers the keys it was given."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.secrets: list[str | None] = []

    async def probe(self, credential: Credential, timeout_seconds: float) -> Probed:
        self.secrets.append(credential.secret)
        return Probed(self.status)


@pytest.fixture
def browser_with_key(browser: PageClient) -> PageClient:
    """The owner's browser, with a key for OpenAI."""
    assert browser.post(f"{PAGE}/openai/key", {"provider_key": KEY}).status == 303
    return browser


def test_a_saved_key_shows_only_its_mask(browser_with_key: PageClient) -> None:
    """Neither the card nor the form that replaces it has the key (security.md 31)."""
    assert (browser_with_key.toast or "").startswith("Key saved.")
    page, form = browser_with_key.get(PAGE).text, browser_with_key.get(f"{PAGE}/openai/key").text
    for text in (page, form):
        assert f"{KEY[:4]}…{KEY[-4:]}" in text
        assert KEY not in text
    assert "Stored (encrypted)" in plain_text(page)
    assert "Replace OpenAI key" in plain_text(form)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "Paste the key."),
        (f"Bearer {KEY}", "without the header name or the word Bearer"),
        ("sk-ant-" + "A1b2" * 12, "This looks like a key for Anthropic, not for OpenAI."),
    ],
)
def test_a_paste_error_is_a_message_without_the_key(browser: PageClient, key: str, message: str) -> None:
    """The page says what is wrong, and never repeats what was pasted."""
    response = browser.post(f"{PAGE}/openai/key", {"provider_key": key})
    assert response.status == 422
    assert message in field_errors(response)["provider_key"]
    assert not key or key not in response.text
    assert "No provider keys yet" in browser.get(PAGE).text


def test_another_base_url_deletes_the_key_that_was_saved_for_the_old_one(browser_with_key: PageClient) -> None:
    """A key never travels to a host that it was not entered for (security.md 34)."""
    assert "Changing the URL deletes the stored key" in browser_with_key.get(f"{PAGE}/openai/address").text
    fields = {"base_url": "https://proxy.example/openai", "provider_key": ""}
    assert browser_with_key.post(f"{PAGE}/openai/address", fields).status == 303
    assert browser_with_key.toast == "Base URL saved."
    assert f"{KEY[:4]}…{KEY[-4:]}" not in browser_with_key.get(PAGE).text
    assert 'value="https://proxy.example/openai"' in browser_with_key.get(f"{PAGE}/openai/address").text


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("http://proxy.example", "Plain http would send the key unencrypted."),
        ("https://user:pw@proxy.example", "can't contain a user, a password"),
        ("http://169.254.169.254", "ARI never calls this address"),
    ],
)
def test_an_unsafe_base_url_is_a_message_at_its_field(
    browser_with_key: PageClient, base_url: str, message: str
) -> None:
    """The stored key stays where it was."""
    response = browser_with_key.post(f"{PAGE}/openai/address", {"base_url": base_url, "provider_key": ""})
    assert response.status == 422
    assert message in field_errors(response)["base_url"]
    assert f"{KEY[:4]}…{KEY[-4:]}" in browser_with_key.get(PAGE).text


def test_a_test_uses_the_stored_key_and_its_result_stays_on_the_card(browser_with_key: PageClient) -> None:
    """A rejected key is reported as failing; htmx gets the card alone."""
    browser_with_key.instance.prober = prober = FakeProber(401)
    card = browser_with_key.post(f"{PAGE}/openai/test", hx_request="true")
    assert prober.secrets == [KEY]
    assert "Failing" in plain_text(card.text)
    assert "<html" not in card.text
    browser_with_key.instance.prober = FakeProber(200)
    assert browser_with_key.post(f"{PAGE}/openai/test").headers["location"] == f"{PAGE}#integration-openai"
    assert "OpenAI accepted the key." in plain_text(browser_with_key.get(PAGE).text)


def test_removing_asks_and_then_forgets_the_key(browser_with_key: PageClient) -> None:
    """The question names what stops working."""
    assert "stops working immediately" in plain_text(browser_with_key.get(f"{PAGE}/openai/remove").text)
    assert browser_with_key.post(f"{PAGE}/openai/remove").headers["location"] == PAGE
    assert browser_with_key.toast == "Provider removed."
    assert "No provider keys yet" in browser_with_key.get(PAGE).text


def test_instructions_exist_for_forwarded_providers_only(browser: PageClient) -> None:
    """Resend and unknown names have no such page."""
    assert "http://127.0.0.1:3000/api/ai/openai/v1" in browser.get(f"{PAGE}/openai/use").text
    assert browser.get(f"{PAGE}/resend/use").status == 404
    assert browser.get(f"{PAGE}/no-such/key").status == 404


def test_no_form_works_for_others(browser_with_key: PageClient) -> None:
    """Replacing, moving, testing and removing a key need the session and the page's token."""
    browser_with_key.instance.prober = prober = FakeProber(200)
    for form in ("key", "address", "remove", "test"):
        browser_with_key.assert_guarded(f"{PAGE}/openai/{form}", {"provider_key": "sk-" + "Z9y8" * 12, "base_url": ""})
    assert prober.secrets == []
    assert f"{KEY[:4]}…{KEY[-4:]}" in browser_with_key.get(PAGE).text
