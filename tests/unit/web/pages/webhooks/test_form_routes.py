"""Settings > Webhooks: the forms, and the secret that is shown once."""

import html
import re
from typing import Any

import pytest

from ari.deps import Deps
from ari.web.pages.webhooks.urls import NEW_WEBHOOK, WEBHOOKS, show
from ari.webhooks import management
from tests.support.hooks import URL, Hooks
from tests.support.page_client import PageClient, plain_text

SECRET = re.compile(r"whsec_[0-9A-Za-z+/=]{44}")


@pytest.fixture
def hooks(browser: PageClient) -> Hooks:
    """The browser's instance, whose webhooks are sent to stand-ins."""
    return Hooks(browser.instance)


def _fill(browser: PageClient, url: str = NEW_WEBHOOK, **more: str) -> dict[str, str]:
    """The fields of a valid form."""
    found = re.search(r'name="form" value="([^"]+)"', browser.get(url).text)
    assert found
    given = {"form": found[1], "name": "Tickets", "webhook_url": URL, "events": "key.* consumer.created"}
    return given | {"format": "standard"} | more


def _read_secret(response: Any) -> str:
    [secret] = SECRET.findall(html.unescape(response.text))
    assert "no-store" in response.headers["cache-control"]
    return str(secret)


def test_a_webhook_is_added_and_its_secret_shown_once(browser: PageClient, hooks: Hooks) -> None:
    """In the response to the form alone; the same form again adds nothing."""
    fields = _fill(browser)
    added = browser.post(NEW_WEBHOOK, fields)
    assert added.status == 201
    secret = _read_secret(added)
    [webhook] = Deps(hooks.instance).read_sync(management.list_webhooks)
    assert (webhook.name, webhook.events) == ("Tickets", ("consumer.created", "key.*"))
    again = browser.post(NEW_WEBHOOK, fields)
    assert again.status == 409
    assert "Already done" in plain_text(again.text)
    for url in (WEBHOOKS, show(webhook.id), f"{show(webhook.id)}/edit"):
        assert secret not in html.unescape(browser.get(url).text)


def test_problems_are_at_their_fields_and_the_url_is_not_repeated(browser: PageClient, hooks: Hooks) -> None:
    """A URL may hold a secret, so it has to be entered again."""
    given = _fill(browser, name="", webhook_url="http://example.com/secret-path", events="nothing.at_all")
    response = browser.post(NEW_WEBHOOK, given)
    assert response.status == 422
    for field in ("name", "webhook_url", "events"):
        assert f'id="{field}-error"' in response.text
    assert "secret-path" not in response.text
    assert Deps(hooks.instance).read_sync(management.list_webhooks) == []
    assert browser.post(NEW_WEBHOOK, given | {"form": "form_x", "name": "n"}).status == 422


def test_a_chat_format_shows_no_secret(browser: PageClient, hooks: Hooks) -> None:
    """There is nothing to copy, and nothing to rotate."""
    added = browser.post(NEW_WEBHOOK, _fill(browser, format="slack"))
    assert "Webhook added" in plain_text(added.text)
    assert SECRET.findall(added.text) == []
    [webhook] = Deps(hooks.instance).read_sync(management.list_webhooks)
    assert "Rotate secret" not in browser.get(show(webhook.id)).text
    assert browser.post(f"{show(webhook.id)}/rotate", _fill(browser, f"{show(webhook.id)}/rotate")).status == 409


def test_an_edit_keeps_the_url_unless_one_is_entered(browser: PageClient, hooks: Hooks) -> None:
    """The form can't show the present one."""
    made = hooks.add()
    edit = f"{show(made.webhook.id)}/edit"
    assert browser.post(edit, {"name": "New", "webhook_url": "", "events": "*"}).status == 303
    after = hooks.get(made.webhook)
    assert (after.name, after.events, after.revision) == ("New", ("*",), 0)
    browser.post(edit, {"name": "New", "webhook_url": "https://other.example.net/x", "events": "*"})
    assert hooks.get(made.webhook).place == "https://other.example.net/…"
    assert browser.post(edit, {"name": "", "webhook_url": "ftp://x", "events": ""}).status == 422


def test_a_rotation_shows_the_new_secret_once(browser: PageClient, hooks: Hooks) -> None:
    """The old one signs for a day, or not at all."""
    made = hooks.add()
    rotate = f"{show(made.webhook.id)}/rotate"
    fields = _fill(browser, rotate)
    rotated = browser.post(rotate, fields)
    assert _read_secret(rotated) != made.secret
    assert browser.post(rotate, fields).status == 409
    assert "Signs too until" in plain_text(browser.get(show(made.webhook.id)).text)
    browser.post(rotate, _fill(browser, rotate) | {"retire_old_now": "yes"})
    assert hooks.get(made.webhook).old_secret_until_ms is None


def test_the_password_comes_before_the_forms(browser: PageClient, hooks: Hooks) -> None:
    """So that the question never carries a URL (rules 29 and 31)."""
    made = hooks.add()
    fields = _fill(browser)
    hooks.clock.advance(16 * 60)
    for url in (NEW_WEBHOOK, f"{show(made.webhook.id)}/edit", f"{show(made.webhook.id)}/rotate"):
        assert browser.get(url).status == 403
    asked = browser.post(NEW_WEBHOOK, fields)
    assert asked.status == 403
    assert "secret-path" not in asked.text


def test_the_list_of_types_opens_like_other_lists(browser: PageClient) -> None:
    """With the arrow that says so."""
    assert re.search(
        r'<summary><svg[^>]*><use href="[^"]*#chevron-down"/></svg>All types', browser.get(NEW_WEBHOOK).text
    )
