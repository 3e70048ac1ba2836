"""The forms for own prices and discounts."""

from typing import Any

import pytest

from ari.prices.replace import get_prices
from tests.support.commands import clock_of
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/models"
PRICES, DISCOUNTS = f"{PAGE}/prices", f"{PAGE}/discounts"
OWN = {"model": "ollama/*", "input_usd": "0.20", "output_usd": "0.60", "per_request_usd": "0.005"}


def read(browser: PageClient, kind: str) -> list[dict[str, Any]]:
    found = browser.read(get_prices)[kind]
    return [{name: value for name, value in one.items() if value is not None} for one in found]


def test_a_price_is_added_changed_and_removed(browser: PageClient) -> None:
    """Each is an event; a part that is left empty has no price of its own."""
    assert browser.post(PRICES, OWN | {"cached_input_usd": " "}).status == 303
    assert browser.toast == "Price saved. It counts from the next request."
    assert read(browser, "prices") == [OWN]
    text = plain_text(browser.get(PAGE).text)
    assert "Per million tokens: input $0.20, output $0.60. Each request: $0.005." in text
    assert 'value="0.60"' in browser.get(f"{PRICES}?of=ollama/*").text
    assert (
        browser.post(PRICES, {**OWN, "of": "ollama/*", "model": "ollama/llama*", "per_request_usd": ""}).status == 303
    )
    assert [one["model"] for one in read(browser, "prices")] == ["ollama/llama*"]
    assert "per_request_usd" not in read(browser, "prices")[0]
    assert "input $0.20" in plain_text(browser.get(f"{PRICES}/remove?of=ollama/llama*").text)
    assert browser.post(f"{PRICES}/remove", {"of": "ollama/llama*"}).status == 303
    assert read(browser, "prices") == []
    assert browser.events().count("ai_prices_changed") == 3


def test_a_discount_is_added_changed_and_removed(browser: PageClient) -> None:
    """Prices stay as they are."""
    browser.post(PRICES, OWN)
    assert browser.post(DISCOUNTS, {"model": "anthropic/*", "percent": "15"}).status == 303
    assert "15 % off" in browser.get(PAGE).text
    assert browser.post(DISCOUNTS, {"of": "anthropic/*", "model": "anthropic/*", "percent": "12.5"}).status == 303
    assert read(browser, "discounts") == [{"model": "anthropic/*", "percent": "12.5"}]
    assert "12.5 % off" in browser.get(f"{DISCOUNTS}/remove?of=anthropic/*").text
    assert browser.post(f"{DISCOUNTS}/remove", {"of": "anthropic/*"}).status == 303
    assert (read(browser, "discounts"), read(browser, "prices")) == ([], [OWN])


@pytest.mark.parametrize(
    ("url", "sent", "fields"),
    [
        (PRICES, {"model": "ollama"}, ["model", "input_usd"]),
        (PRICES, OWN | {"model": "taken/*"}, ["model"]),
        (PRICES, OWN | {"input_usd": "1,25"}, ["input_usd"]),
        (PRICES, OWN | {"input_usd": "0.20 EUR"}, ["input_usd"]),
        (PRICES, {"model": "ollama/*", "input_usd": "1"}, ["output_usd"]),
        (PRICES, OWN | {"output_audio_usd": "-1"}, ["output_audio_usd"]),
        (DISCOUNTS, {"model": "a/b", "percent": "101"}, ["percent"]),
        (DISCOUNTS, {"model": "", "percent": ""}, ["model", "percent"]),
    ],
)
def test_a_wrong_entry_is_explained(browser: PageClient, url: str, sent: dict[str, str], fields: list[str]) -> None:
    """At its fields, also if another entry comes before; nothing changes."""
    browser.post(PRICES, OWN | {"model": "taken/*"})
    answer = browser.post(url, sent)
    assert (answer.status, sorted(field_errors(answer))) == (422, sorted(fields))
    assert [one["model"] for one in read(browser, "prices")] == ["taken/*"]
    assert read(browser, "discounts") == []


def test_an_entry_is_not_renamed_to_another(browser: PageClient) -> None:
    """The message is at the pattern, whichever of the two comes first."""
    for model in ("a/*", "b/*"):
        browser.post(PRICES, OWN | {"model": model})
    for before, after in (("a/*", "b/*"), ("b/*", "a/*")):
        answer = browser.post(PRICES, OWN | {"of": before, "model": after})
        assert (answer.status, list(field_errors(answer))) == (422, ["model"])


def test_an_entry_that_is_gone_is_not_found(browser: PageClient) -> None:
    """Removed on another page in between, it isn't added again."""
    for url in (PRICES, DISCOUNTS):
        assert browser.get(f"{url}?of=gone/*").status == 404
        assert browser.get(f"{url}/remove?of=gone/*").status == 404
        assert browser.post(f"{url}/remove", {"of": "gone/*"}).status == 404
    assert browser.post(PRICES, OWN | {"of": "gone/*"}).status == 404
    assert read(browser, "prices") == []


def test_the_forms_need_a_session_its_token_and_a_recent_password(browser: PageClient) -> None:
    """Prices decide how fast budgets are used."""
    browser.assert_guarded(PRICES, OWN)
    browser.assert_guarded(DISCOUNTS, {"model": "a/*", "percent": "5"})
    clock_of(browser.instance).advance(16 * 60)
    assert browser.post(PRICES, OWN).status == 403
    assert browser.post(DISCOUNTS, {"model": "a/*", "percent": "5"}).status == 403
    assert (read(browser, "prices"), read(browser, "discounts")) == ([], [])
