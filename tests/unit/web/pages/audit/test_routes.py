"""Settings > Audit: what happened, who did it, and whether the log is as it was written."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ari import keys
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.base.transaction import record
from ari.deps import Deps
from ari.keys import KeyChange
from ari.web.pages.audit import routes
from ari.webhooks import management
from ari.webhooks.management import WebhookChange
from tests.support.audit_log import unlocked
from tests.support.commands import clock_of, create_key
from tests.support.hooks import Hooks
from tests.support.page_client import ACCOUNT_ID, PageClient, field_errors, plain_text

PAGE = "/settings/audit"
EVENT_LINK = re.compile(rf'href="({PAGE}/evt_\w+)"')


def _record(browser: PageClient, name: str, subject: str | None = None, **detail: object) -> None:
    caller = Caller(ACCOUNT_ID, Origin("web", "192.0.2.7", "Firefox", "req_web"))
    Deps(browser.instance).do_sync(record, name, subject, dict(detail), caller=caller)


def test_events_are_sentences_with_links_to_their_keys(browser: PageClient) -> None:
    """Who, what, when and from where; keys and providers lead to their pages."""
    key = create_key(browser.instance, "Backup <b>").key
    Deps(browser.instance).do_sync(keys.change, key.id, KeyChange(name="Nightly"))
    _record(browser, "provider_key_added", "openai")
    _record(browser, "signed_in", ACCOUNT_ID)
    page = browser.get(PAGE).text
    shown = plain_text(page)
    for words in ("Key renamed from Backup <b> to Nightly", "Provider key added", "OpenAI", "you", "192.0.2.7"):
        assert words in shown, words
    for url in (f"/settings/keys/{key.id}", "/settings/integrations#integration-openai", "/settings/security"):
        assert f'href="{url}"' in page, url
    assert "<b>" not in page


def test_consumers_are_named(browser: PageClient) -> None:
    """Not by their ID, which says nothing to a reader; a deleted one is known by its ID only."""
    consumer = Deps(browser.instance).do_sync(keys.create_consumer, keys.NewConsumer("Team <b>"))
    detail: dict[str, object] = {"budget": "monthly", "threshold": 80, "used_percent": 81}
    _record(browser, "budget_threshold_reached", consumer.id, **detail)
    _record(browser, "budget_threshold_reached", "con_00000000000000000000000000", **detail)
    page = browser.get(PAGE).text
    assert "Team <b> " in plain_text(page)
    assert f'href="/settings/consumers/{consumer.id}"' in page
    assert "con_00000000000000000000000000" in page
    assert "Budget monthly used to 81 %" in plain_text(browser.get(EVENT_LINK.findall(page)[0]).text)


def test_filters_narrow_and_pages_join(browser: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filters stay in the links to older events; every event once."""
    monkeypatch.setattr("ari.web.pages.audit.view.EVENTS_A_PAGE", 2)
    for _ in range(5):
        _record(browser, "mail_tested", "mail")
    _record(browser, "signed_in", ACCOUNT_ID)
    seen: list[str] = []
    url = f"{PAGE}?name=mail_tested&door=web&address=192.0.2.7"
    while url:
        page = browser.get(url).text
        seen += EVENT_LINK.findall(page)
        older = re.search(r'href="([^"]*before=[^"]*)"', page)
        url = older[1].replace("&amp;", "&") if older else ""
        assert not url or "name=mail_tested" in url
    assert len(seen) == len(set(seen)) == 5
    assert "No matching events" in plain_text(browser.get(f"{PAGE}?q=nothing-like-it").text)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("name=nope", "name"),
        ("door=window", "door"),
        ("address=10.0.0.0/8", "address"),
        (f"q={'x' * 201}", "q"),
        ("actor=a%1bb", "actor"),
        ("from=2027-02-30", "from"),
        ("to=yesterday", "to"),
        ("from=2027-02-02&to=2027-02-01", "to"),
    ],
)
def test_a_wrong_filter_is_a_message(browser: PageClient, query: str, field: str) -> None:
    """A typing error in the address is no error page, and no export over everything."""
    _record(browser, "mail_tested")
    response = browser.get(f"{PAGE}?{query}")
    assert response.status == 200
    assert field in field_errors(response)
    fields = dict(part.split("=") for part in query.replace("%1b", "\x1b").split("&"))
    assert browser.post(f"{PAGE}/export", {"format": "csv", **fields}).status == 422
    assert "events_exported" not in browser.events()


def test_days_are_those_of_the_viewer(browser: PageClient) -> None:
    """From the first midnight to the last one."""
    _record(browser, "mail_tested")
    today = json.loads(browser.get("/api/events?limit=1").text)["items"][0]["time"][:10]
    assert "Test email sent" in plain_text(browser.get(f"{PAGE}?from={today}&to={today}").text.split("<tbody>")[1])
    assert "No matching events" in plain_text(browser.get(f"{PAGE}?to=2001-01-01").text)


def test_the_details_of_an_event(browser: PageClient) -> None:
    """Every field, its hash for a later check, and the way to all events like it."""
    _record(browser, "usage_exported", "key_1", format="csv", by_text=True, codes=["a", "b"], none=None)
    [url, *_] = EVENT_LINK.findall(browser.get(PAGE).text)
    page = browser.get(url)
    shown = plain_text(page.text)
    event = json.loads(browser.get("/api/events?limit=1").text)["items"][0]
    for text in (event["id"], "Usage was exported.", "Firefox", "req_web", "192.0.2.7", "By text yes", "a, b", "key_1"):
        assert text in shown, text
    assert re.search(r"\b[0-9a-f]{64}\b", shown)
    assert f'href="{PAGE}?request_id=req_web"' in page.text
    for wrong in ("evt_00000000000000000000000000", "evt_x", "a%00b"):
        assert browser.get(f"{PAGE}/{wrong}").status in (400, 404)


def test_an_export_is_a_file_and_an_event(browser: PageClient) -> None:
    """With the filters of the page."""
    _record(browser, "mail_tested")
    _record(browser, "signed_in", ACCOUNT_ID)
    response = browser.post(f"{PAGE}/export", {"format": "jsonl", "name": "mail_tested"})
    assert [json.loads(line)["name"] for line in response.text.splitlines()] == ["mail_tested"]
    assert browser.post(f"{PAGE}/export", {"format": "csv"}).headers["content-type"].startswith("text/csv")
    assert browser.events()[:2] == ["events_exported"] * 2
    for fields in ({"format": "xml"}, {}):
        assert browser.post(f"{PAGE}/export", fields).status == 422


def test_an_export_needs_the_session_its_token_and_a_recent_password(browser: PageClient) -> None:
    """The whole log leaves only with the owner (security.md 29)."""
    browser.assert_guarded(f"{PAGE}/export", {"format": "csv"})
    browser.assert_guarded(f"{PAGE}/verify", {})
    clock_of(browser.instance).advance(16 * 60)
    assert browser.post(f"{PAGE}/export", {"format": "csv"}).status == 403
    assert "events_exported" not in browser.events()


def test_only_the_owner_sees_the_page(browser: PageClient) -> None:
    """No session: sign in first. An API key opens no page."""
    assert browser.another().get(PAGE).status == 303
    key = create_key(browser.instance, "k", scopes=("*",))
    assert browser.another().get(PAGE, x_api_key=key.secret).status in (303, 401, 403)


def test_an_untouched_log_is_verified(browser: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """All events while there are few; only the newest of many, which the page says."""
    for _ in range(3):
        _record(browser, "mail_tested")
    shown = plain_text(browser.post(f"{PAGE}/verify", {}).text)
    assert "The audit log is intact" in shown
    assert "not checked" not in shown
    monkeypatch.setattr(routes, "MAX_EVENTS_VERIFIED", 2)
    shown = plain_text(browser.post(f"{PAGE}/verify", {}).text)
    assert "2 events checked" in shown
    assert "1 older event not checked" in shown


@pytest.mark.parametrize(
    ("forgery", "words"),
    [
        ("UPDATE events SET actor = 'nobody' WHERE seq = 2", "doesn't follow from the one before it"),
        ("DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)", "doesn't match its signature"),
    ],
)
def test_a_changed_log_is_reported(browser: PageClient, forgery: str, words: str) -> None:
    """With the place, and what to do."""
    for _ in range(3):
        _record(browser, "mail_tested")
    with unlocked(browser.instance) as connection:
        connection.exec_driver_sql(forgery)
    shown = plain_text(browser.post(f"{PAGE}/verify", {}).text)
    assert "The audit log was changed" in shown
    assert words in shown


@pytest.mark.parametrize(
    "edit", ["name = 'key_eaten'", "detail = '[1]'", "detail = 'x'", "actor = '<b>'", "door = '?'"]
)
def test_an_edited_event_is_still_shown(browser: PageClient, edit: str) -> None:
    """Editing the log must not hide it; an older version also meets names that it doesn't know."""
    _record(browser, "key_revoked", "key_1", reason="Leaked")
    with unlocked(browser.instance) as connection:
        connection.exec_driver_sql(f"UPDATE events SET {edit}")
    [url] = EVENT_LINK.findall(browser.get(PAGE).text)
    assert browser.get(url).status == 200
    assert len(json.loads(browser.get("/api/events").text)["items"]) == 1
    assert "doesn't follow" in plain_text(browser.post(f"{PAGE}/verify", {}).text)


def test_one_verification_at_a_time(browser: PageClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Impatient clicks must not occupy a core each; afterwards it can be started again."""
    statuses: list[int] = []
    check, to_thread = browser.instance.check_audit_log, asyncio.to_thread

    async def start(work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await to_thread(check_twice, loop, *args) if work is check else await to_thread(work, *args, **kwargs)

    def check_twice(loop: asyncio.AbstractEventLoop, newest: int) -> object:
        statuses.append(browser.send_during_requests(loop).post(f"{PAGE}/verify", {}).status)
        return check(newest)

    monkeypatch.setattr(asyncio, "to_thread", start)
    statuses.append(browser.post(f"{PAGE}/verify", {}).status)
    monkeypatch.undo()
    statuses.append(browser.post(f"{PAGE}/verify", {}).status)
    assert statuses == [429, 200, 200]


def test_webhooks_are_named(browser: PageClient) -> None:
    """Escaped, with a link to the page of each; one that was removed has none."""
    made = Hooks(browser.instance).add()
    Deps(browser.instance).do_sync(management.change_webhook, made.webhook.id, WebhookChange(name="<b>Tickets"))
    page = browser.get(PAGE).text
    for name in ("Receiver", "&lt;b&gt;Tickets"):
        assert f'<a href="/settings/webhooks/{made.webhook.id}"><bdi class="break">{name}</bdi></a>' in page
    Deps(browser.instance).do_sync(management.remove_webhook, made.webhook.id)
    assert '<bdi class="break">&lt;b&gt;Tickets</bdi></span>' in browser.get(f"{PAGE}?name=webhook_removed").text
