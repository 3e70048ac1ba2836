"""Settings > Integrations > Models, and the forms for aliases."""

import pytest

from ari.integrations.ai_rules.aliases import AliasRules
from ari.integrations.ai_rules.change_aliases import get_aliases
from tests.support.commands import clock_of
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE, ALIASES = "/settings/models", "/settings/models/aliases"
SENT = {"name": "fast", "targets": "openai/gpt-5-mini\r\n anthropic/claude-haiku-4-5 "}


def test_without_entries_the_page_says_what_they_are_for(browser: PageClient) -> None:
    """And which prices count."""
    text = plain_text(browser.get(PAGE).text)
    for words in ("get a model that you choose", "Set prices for models on your own servers", "genai-prices"):
        assert words in text


def test_an_alias_is_added_changed_and_removed(browser: PageClient) -> None:
    """Each is an event; its models are tried in their order."""
    assert browser.post(ALIASES, SENT).status == 303
    assert browser.toast == "Alias saved. It applies from the next request."
    assert "openai/gpt-5-mini, then anthropic/claude-haiku-4-5" in browser.get(PAGE).text
    assert "openai/gpt-5-mini\nanthropic/claude-haiku-4-5</textarea>" in browser.get(f"{ALIASES}?of=fast").text
    assert browser.post(ALIASES, {"of": "fast", "targets": "openai/gpt-5"}).status == 303
    assert browser.read(get_aliases) == {"fast": ("openai/gpt-5",)}
    assert "openai/gpt-5" in browser.get(f"{ALIASES}/remove?of=fast").text
    assert browser.post(f"{ALIASES}/remove", {"of": "fast"}).status == 303
    assert browser.read(get_aliases) == {}
    assert browser.events().count("ai_aliases_changed") == 3


def test_an_alias_of_a_router_is_named_and_blocks_no_other(browser: PageClient) -> None:
    """One that was stored before: others can be saved, and this one removed."""
    with browser.instance.database.writing() as tx:
        tx.ai_rules.save("aliases", AliasRules({"any": ("openrouter/openrouter/auto",)}), "usr_1", tx.now_ms)
    assert "The alias “any” names a model that lets the provider choose another." in plain_text(browser.get(PAGE).text)
    assert browser.post(ALIASES, SENT).status == 303
    assert browser.read(get_aliases).keys() == {"any", "fast"}
    assert browser.post(f"{ALIASES}/remove", {"of": "any"}).status == 303
    assert "choose another" not in browser.get(PAGE).text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "taken"}, "name"),
        ({"targets": ""}, "targets"),
        ({"targets": "gpt-5"}, "targets"),
        ({"targets": "nobody/gpt-5"}, "targets"),
        ({"targets": "openai/gpt-5\n" * 11 + "openai/x"}, "targets"),
        ({"targets": "openai/sk-0123456789abcdefABCDEF0123456789"}, "targets"),
    ],
)
def test_a_wrong_alias_is_explained(browser: PageClient, changed: dict[str, str], field: str) -> None:
    """At its field; nothing changes."""
    browser.post(ALIASES, SENT | {"name": "taken"})
    answer = browser.post(ALIASES, SENT | changed)
    assert (answer.status, list(field_errors(answer))) == (422, [field])
    assert list(browser.read(get_aliases)) == ["taken"]


def test_an_alias_that_is_gone_is_not_found(browser: PageClient) -> None:
    """Removed on another page in between, it isn't added again."""
    assert browser.get(f"{ALIASES}?of=gone").status == 404
    assert browser.get(f"{ALIASES}/remove?of=gone").status == 404
    assert browser.post(f"{ALIASES}/remove", {"of": "gone"}).status == 404
    assert browser.post(ALIASES, {"of": "gone", "targets": "openai/gpt-5"}).status == 404
    assert browser.read(get_aliases) == {}


def test_text_of_an_alias_is_escaped(browser: PageClient) -> None:
    """In the form with its problem too."""
    page = browser.post(ALIASES, {"name": "<b>", "targets": "<i>"}).text
    assert "<b>" not in page
    assert "<i>" not in page


def test_the_form_needs_a_session_its_token_and_a_recent_password(browser: PageClient) -> None:
    """An alias decides who gets the content of requests."""
    browser.assert_guarded(ALIASES, SENT)
    clock_of(browser.instance).advance(16 * 60)
    assert browser.post(ALIASES, SENT).status == 403
    assert browser.read(get_aliases) == {}
