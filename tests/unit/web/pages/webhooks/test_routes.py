"""Settings > Webhooks: the list, deliveries, replays, tests, and turning a webhook off and on."""

from typing import Any

import pytest

from ari.web.pages.webhooks import view
from ari.web.pages.webhooks.urls import show
from ari.webhooks import management
from ari.webhooks.management import WebhookChange
from tests.support.hooks import Hooks
from tests.support.page_client import PageClient, plain_text

PAGE = "/settings/webhooks"


@pytest.fixture
def hooks(browser: PageClient) -> Hooks:
    """The browser's instance, whose webhooks are sent to stand-ins."""
    return Hooks(browser.instance)


def _text(browser: PageClient, url: str) -> str:
    return plain_text(browser.get(url).text)


def test_the_list_has_the_state_of_each(browser: PageClient, hooks: Hooks) -> None:
    """With the host of its URL and no more of it."""
    assert "No webhooks yet." in _text(browser, PAGE)
    hooks.add()
    shown = browser.get(PAGE).text
    assert "Nothing delivered yet." in plain_text(shown)
    assert "https://hooks.example.net/…" in plain_text(shown)
    assert "secret-path" not in shown
    hooks.happen()
    hooks.receivers.statuses["hooks.example.net"] = 500
    hooks.round()
    assert "Failing since" in _text(browser, PAGE)


def test_deliveries_are_listed_and_replayed(browser: PageClient, hooks: Hooks) -> None:
    """With why they failed; one by one or all failed ones."""
    made = hooks.add()
    url = show(made.webhook.id)
    assert "No deliveries yet." in _text(browser, url)
    hooks.receivers.statuses["hooks.example.net"] = 410
    hooks.happen()
    hooks.round()
    shown = _text(browser, url)
    assert "The receiver returned status 410." in shown
    assert "This webhook is off." in shown
    [failed] = hooks.deliveries(made.webhook)
    assert browser.post(f"{url}/replay", {"delivery": failed.id}).status == 409
    browser.post(f"{url}/switch", {"on": "on"})
    assert failed.type in _text(browser, f"{url}?state=failed")
    hooks.receivers.statuses.clear()
    assert browser.post(f"{url}/replay", {}).status == 303
    assert len(hooks.round()) == 1
    assert "Status 204" in _text(browser, url)
    assert browser.post(f"{url}/replay", {"delivery": failed.id}).status == 303
    assert len(hooks.round()) == 1


def test_a_test_shows_its_result(browser: PageClient, hooks: Hooks) -> None:
    """Also of a webhook that is off; too many are refused in words."""
    made = hooks.add()
    url = show(made.webhook.id)
    browser.post(f"{url}/switch", {"on": "off"})
    assert "Someone turned it off." in _text(browser, url)
    assert browser.post(f"{url}/test", {}).status == 303
    assert "webhook.tested test" in _text(browser, url)
    for _ in range(19):
        browser.post(f"{url}/test", {})
    refused = browser.post(f"{url}/test", {})
    assert refused.status == 429
    assert "20 tests within an hour" in plain_text(refused.text)


def test_pages_of_deliveries(browser: PageClient, hooks: Hooks) -> None:
    """25 on each."""
    made = hooks.add()
    for _ in range(30):
        hooks.happen()
    hooks.gather()
    first = browser.get(show(made.webhook.id)).text
    assert first.count('<tr id="msg_') == 25
    older = hooks.deliveries(made.webhook)[24].id
    assert browser.get(f"{show(made.webhook.id)}?before={older}").text.count('<tr id="msg_') == 5


def test_a_waiting_delivery_says_when_it_is_sent(browser: PageClient, hooks: Hooks) -> None:
    """At its next attempt, now, or once the webhook is on: while it is off, there is no attempt."""
    made = hooks.add()
    hooks.happen()
    hooks.gather()
    url = show(made.webhook.id)
    assert "Due now." in _text(browser, url)
    hooks.receivers.statuses["hooks.example.net"] = 500
    hooks.round()
    assert "Next attempt in" in _text(browser, url)
    hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=False))
    shown = _text(browser, url)
    assert "Sent once the webhook is on." in shown
    assert "Next attempt" not in shown


def test_many_failed_deliveries_are_not_counted_to_the_end(
    browser: PageClient, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting 100,000 would take longer than the rest of the page."""
    made = hooks.add()
    hooks.receivers.statuses["hooks.example.net"] = 410
    monkeypatch.setattr(view, "MAX_COUNTED", 2)
    for shown in ("Show 1 failed", "Show 2 failed", "Show 2+ failed"):
        hooks.do(management.change_webhook, made.webhook.id, WebhookChange(on=True))
        hooks.happen()
        hooks.round()
        assert shown in _text(browser, show(made.webhook.id))


def test_deleting_asks_first(browser: PageClient, hooks: Hooks) -> None:
    """A webhook that is gone has no page."""
    made = hooks.add()
    url = show(made.webhook.id)
    assert "Delete this webhook?" in _text(browser, f"{url}/delete")
    assert browser.post(f"{url}/delete", {}).headers["location"] == PAGE
    assert browser.get(url).status == 404


@pytest.mark.parametrize("verb", ["switch", "delete"])
def test_changes_ask_for_the_password_again(browser: PageClient, hooks: Hooks, verb: str) -> None:
    """After 15 minutes (rule 29); a test and a replay change nothing."""
    made: Any = hooks.add()
    hooks.clock.advance(16 * 60)
    assert "Confirm" in _text_of(browser.post(f"{show(made.webhook.id)}/{verb}", {"on": "off"}))
    assert browser.post(f"{show(made.webhook.id)}/test", {}).status == 303


def _text_of(response: Any) -> str:
    assert response.status == 403
    return plain_text(response.text)
