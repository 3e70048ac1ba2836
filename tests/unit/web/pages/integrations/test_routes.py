"""Settings > Integrations: save, test and remove provider keys. A saved key is never shown again."""

import re

import pytest

from ari.gateway.key_rotation import KeyRotation
from ari.integrations.credentials import StoredKey
from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from tests.support.commands import clock_of
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
    """The owner's browser, with a key for OpenAI, which its provider accepted."""
    browser.instance.prober = FakeProber(200)
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


OTHER = "sk-" + "Z9y8" * 12


@pytest.mark.parametrize(("status", "toast"), [(200, "The provider accepted it."), (401, "Its test failed")])
def test_a_key_is_tested_right_after_it_is_saved(browser: PageClient, status: int, toast: str) -> None:
    """So a mistyped key is noticed at once; the card has the result."""
    browser.instance.prober = prober = FakeProber(status)
    assert browser.post(f"{PAGE}/openai/key", {"provider_key": KEY}).status == 303
    assert prober.secrets == [KEY]
    assert toast in (browser.toast or "")
    assert ("Failing" in plain_text(browser.get(PAGE).text)) is (status == 401)


def test_the_keys_of_a_pool_are_on_the_card(browser_with_key: PageClient) -> None:
    """Each with its label and state; it is moved, tested and removed on its own, and never shown."""
    browser = browser_with_key
    added = browser.post(f"{PAGE}/openai/keys/add", {"provider_key": OTHER, "label": "EU account"})
    assert added.status == 303
    page = browser.get(PAGE).text
    assert "EU account" in page
    assert OTHER not in page
    first, second = re.findall(r'id="(pky_[0-9A-Z]{26})"', page)
    assert browser.post(f"{PAGE}/openai/keys/{second}/first").status == 303
    assert re.findall(r'id="(pky_[0-9A-Z]{26})"', browser.get(PAGE).text) == [second, first]
    browser.instance.prober = prober = FakeProber(401)
    assert browser.post(f"{PAGE}/openai/keys/{second}/test").status == 303
    assert prober.secrets == [OTHER]
    assert "Rejected" in plain_text(browser.get(PAGE).text)
    assert browser.post(f"{PAGE}/openai/keys/choice", {"choice": "by_consumer"}).status == 303
    assert "Each consumer always uses the same key" in plain_text(browser.get(PAGE).text)
    assert "EU account" in browser.get(f"{PAGE}/openai/keys/{second}/remove").text
    assert browser.post(f"{PAGE}/openai/keys/{second}/remove").status == 303
    assert "EU account" not in browser.get(PAGE).text
    assert browser.get(f"{PAGE}/openai/keys/{second}/remove").status == 404
    wrong = browser.post(f"{PAGE}/openai/keys/add", {"provider_key": f"Bearer {OTHER}", "label": "x"})
    assert (wrong.status, OTHER in wrong.text) == (422, False)


def test_a_named_upstream_is_a_card_of_its_own(browser: PageClient) -> None:
    """Added with its address, removed as a whole; a bad name is a message at its field."""
    wrong = browser.post(f"{PAGE}/upstreams/add", {"name": "openai", "title": "", "base_url": "https://vllm.example"})
    assert wrong.status == 422
    assert "another meaning" in field_errors(wrong)["name"]
    fields = {"name": "vllm-a", "title": "vLLM A", "base_url": "http://127.0.0.1:8000/v1"}
    assert browser.post(f"{PAGE}/upstreams/add", fields).status == 303
    page = browser.get(PAGE).text
    assert 'id="integration-vllm-a"' in page
    assert "http://127.0.0.1:3000/api/ai/vllm-a" in browser.get(f"{PAGE}/vllm-a/use").text
    assert browser.post(f"{PAGE}/vllm-a/remove").status == 303
    assert 'id="integration-vllm-a"' not in browser.get(PAGE).text


def test_resend_is_under_email(browser: PageClient) -> None:
    """It is no AI provider."""
    page = browser.get(PAGE).text
    assert page.index('id="email-title"') < page.index('id="integration-resend"')
    assert page.index('id="integration-openai"') < page.index('id="email-title"')


def test_no_key_form_works_for_others(browser_with_key: PageClient) -> None:
    """Adding, choosing and adding upstreams need the session and the page's token."""
    for form in ("openai/keys/add", "openai/keys/choice", "upstreams/add"):
        browser_with_key.assert_guarded(f"{PAGE}/{form}", {"provider_key": OTHER, "label": "", "choice": "round_robin"})


def test_a_limited_key_rests_on_its_card(browser_with_key: PageClient) -> None:
    """Until its rest ends, as far as this process knows."""
    browser = browser_with_key
    browser.post(f"{PAGE}/openai/keys/add", {"provider_key": OTHER, "label": "EU account"})
    key = browser.read(lambda tx: tx.provider_keys.of("openai"))[1]
    instance = browser.instance
    assert "rests until" not in browser.get(PAGE).text
    KeyRotation(instance.clock.monotonic, instance.key_rests).rest(StoredKey(key, None), 60, "gpt-5-pro", 0)
    shown = plain_text(browser.get(PAGE).text)
    assert (shown.count("Rate-limited for gpt-5-pro"), shown.count("rests until")) == (1, 1)
    clock_of(instance).advance(seconds=61)
    assert "rests until" not in browser.get(PAGE).text
