"""Settings > Usage: requests with all keys, and attempts without a valid one."""

import json

import pytest

from ari import keys
from ari.base.clock import to_rfc3339
from ari.deps import Deps
from ari.keys import NewConsumer
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from ari.web.pages.settings_usage.routes import MAX_CHARTS
from tests.support.backlog import stage_backlog
from tests.support.commands import clock_of, create_key
from tests.support.page_client import PageClient, field_errors, plain_text

PAGE = "/settings/usage"


def test_without_requests_the_page_shows_how_to_send_one(browser: PageClient) -> None:
    """No empty charts; the example calls this instance."""
    shown = plain_text(browser.get(PAGE).text)
    assert "No requests in this period" in shown
    assert "http://127.0.0.1:3000/api/me" in shown


@pytest.mark.parametrize("query", ["?range=8d", "?from=2027-02-30", "?from=2027-02-01&to=2027-01-01"])
def test_a_wrong_period_shows_the_usual_one(browser: PageClient, query: str) -> None:
    """A typing error in the address is a message, not an error page."""
    response = browser.get(f"{PAGE}{query}")
    assert response.status == 200
    assert field_errors(response)["range"].endswith("Showing the last 7 days.")


def test_an_export_is_a_file_and_an_event(browser: PageClient) -> None:
    """Who took addresses and user agents out of the log is on record."""
    response = browser.post(f"{PAGE}/export", {"range": "7d", "format": "csv"})
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/csv")
    assert "attachment" in response.headers["content-disposition"]
    assert "usage_exported" in browser.events()


def test_an_export_needs_a_known_format_and_a_valid_period(browser: PageClient) -> None:
    """Nothing is exported by mistake over another span of time."""
    for fields in ({"format": "xml"}, {"format": "csv", "range": "8d"}, {}):
        assert browser.post(f"{PAGE}/export", fields).status == 422
    assert "usage_exported" not in browser.events()


def test_an_export_needs_the_session_its_token_and_a_recent_password(browser: PageClient) -> None:
    """The whole log leaves only with the owner (security.md 29)."""
    browser.assert_guarded(f"{PAGE}/export", {"format": "csv"})
    clock_of(browser.instance).advance(16 * 60)
    assert browser.post(f"{PAGE}/export", {"format": "csv"}).status == 403
    assert "usage_exported" not in browser.events()


def test_the_log_of_all_keys_shows_status_and_verdict(browser: PageClient) -> None:
    """A 403 names its key, its status and why; filters narrow to one key; a wrong key is a message."""
    one = create_key(browser.instance, "First App", scopes=("api:read",))
    two = create_key(browser.instance, "Second App", scopes=("api:read",))
    browser.another().get("/api/me", x_api_key=one.secret)
    browser.another().get("/api/keys", x_api_key=two.secret)
    shown = plain_text(browser.get(f"{PAGE}?q=/api/keys").text)
    assert "403" in shown
    assert "Key: insufficient scope" in shown
    log = browser.get(f"{PAGE}?key={one.key.id}&status=2xx").text
    assert 'data-tail="/settings/usage/tail"' in log
    assert "Key: ok" in plain_text(log)
    assert "/api/keys</bdi>" not in log
    named = browser.get(f"{PAGE}?key=first%20app")
    assert field_errors(named) == {}
    assert "/api/me</bdi>" in named.text
    assert "/api/keys</bdi>" not in named.text


@pytest.mark.parametrize(
    "query", ["key=nonsense", "key=Shop", "status=9xx", "address=x", "code=x", "method=FETCH", "source=x"]
)
def test_a_wrong_filter_shows_no_requests(browser: PageClient, query: str) -> None:
    """Neither now nor live: they would mislead. A name of two keys is wrong too."""
    made = [create_key(browser.instance, "Shop", scopes=("api:read",)) for _ in range(2)]
    browser.another().get("/api/me", x_api_key=made[0].secret)
    page = browser.get(f"{PAGE}?{query}")
    assert list(field_errors(page)) == [query.partition("=")[0]]
    assert "This filter doesn't work" in plain_text(page.text)
    assert "/api/me</bdi>" not in page.text
    assert "data-tail=" not in page.text
    lease = json.loads(browser.post(f"{PAGE}/tail").body)["lease"]
    tail = browser.get(f"{PAGE}/tail?lease={lease}&since={browser.instance.now_ms()}&{query}")
    assert (tail.status, "/api/me" in tail.text) == (200, False)
    assert (
        browser.post(f"{PAGE}/export", {query.partition("=")[0]: query.partition("=")[2], "format": "csv"}).status
        == 422
    )


def test_the_log_of_all_keys_is_live(browser: PageClient) -> None:
    """The tail has rows of every key, with its name, while its lease lasts."""
    created = create_key(browser.instance, "First App", scopes=("api:read",))
    browser.another().get("/api/me", x_api_key=created.secret)
    lease = json.loads(browser.post(f"{PAGE}/tail").body)["lease"]
    rows = browser.get(f"{PAGE}/tail?lease={lease}&since={browser.instance.now_ms()}").text
    assert "First App" in rows
    assert browser.get(f"{PAGE}/tail?lease=1").status == 409
    browser.assert_guarded(f"{PAGE}/tail")


def test_the_numbers_are_those_of_a_consumer_or_tag(browser: PageClient) -> None:
    """The chart, the totals and the log agree; groups link to their own numbers; a wrong filter shows no other keys."""
    consumer = Deps(browser.instance).do_sync(keys.create_consumer, NewConsumer("Acme", "acme")).id
    ours = create_key(browser.instance, "Ours", consumer="acme", tags=("t",), scopes=("api:read",))
    other = create_key(browser.instance, "Other", scopes=("api:read",))
    for secret in (ours.secret, ours.secret, other.secret):
        browser.another().get("/api/me", x_api_key=secret)
    for query in ("consumer=acme", f"consumer={consumer}&group=tag", "tag=t"):
        page = browser.get(f"{PAGE}?{query}").text
        assert "Allowed 2 Refused 0 Keys used 1" in plain_text(page)
        assert "Other" not in plain_text(page)
        assert "Attempts without a valid key, by source" not in page
    grouped = browser.get(f"{PAGE}?group=consumer&range=7d").text
    assert f"{PAGE}?range=7d&amp;group=consumer&amp;consumer={consumer}" in grouped
    assert "Keys count for the consumer they have now." in plain_text(grouped)
    for query, words in (("consumer=nobody", "No such consumer."), ("tag=%3Cb%3E", "isn't a tag")):
        page = browser.get(f"{PAGE}?{query}").text
        assert words in plain_text(page)
        assert "Allowed 0 Refused 0" in plain_text(page)
        assert "<b>" not in page
    rows = json.loads(browser.post(f"{PAGE}/export", {"tag": "t", "format": "json"}).text)
    assert {row["key_id"] for row in rows} == {ours.key.id}
    assert browser.post(f"{PAGE}/export", {"consumer": "nobody", "format": "json"}).status == 422


def test_the_first_consumers_or_tags_have_charts(browser: PageClient) -> None:
    """On one scale, with names escaped. A key with several tags counts in each; a filter leaves out other keys."""
    Deps(browser.instance).do_sync(keys.create_consumer, NewConsumer("Acme <b>Inc.</b>", "acme"))
    ours = create_key(browser.instance, "Ours", consumer="acme", tags=("a", "b"), scopes=("api:read",))
    other = create_key(browser.instance, "Other", tags=("b", "c", "d", "e", "f"), scopes=("api:read",))
    for secret in (ours.secret, ours.secret, ours.secret, other.secret):
        browser.another().get("/api/me", x_api_key=secret)
    page = browser.get(f"{PAGE}?group=consumer&range=7d").text
    assert 'aria-label="Requests of Acme &lt;b&gt;Inc.&lt;/b&gt; per ' in page
    assert "Acme <b>" not in page
    assert page.count("data-chart-plot") == 2
    page = browser.get(f"{PAGE}?group=tag&range=7d").text
    assert page.count("data-chart-plot") == 1 + MAX_CHARTS
    charts = plain_text(page).partition("Requests by tag")[2].partition("Top tags")[0]
    assert ["b 4 allowed" in charts, "a 3 allowed" in charts, "f 1 allowed" in charts] == [True, True, False]
    assert page.count("<span>4</span><span>2</span><span>0</span>") == 1 + MAX_CHARTS
    page = browser.get(f"{PAGE}?group=tag&tag=c&range=7d").text
    charts = plain_text(page).partition("Requests by tag")[2].partition("Top tags")[0]
    assert ("b 1 allowed" in charts, "a 3 allowed" in charts) == (True, False)
    assert "Requests by" not in plain_text(browser.get(f"{PAGE}?range=7d").text)


def test_attempts_name_the_service_that_asked(browser: PageClient) -> None:
    """A service that verified unknown keys is its key, with a link; an ID is never shown as an IP address."""
    service = create_key(browser.instance, "Orders API", scopes=("keys:verify",))
    asked = Attempt(browser.instance.now_ms(), "unknown", service.key.id)
    browser.instance.database.usage.commit(Batch([], attempts=[asked]))
    text = browser.get(PAGE).text
    assert "Orders API (verify)" in plain_text(text)
    assert f'href="/settings/keys/{service.key.id}"' in text.partition('id="attempts-title"')[2]


def test_pages_say_until_when_their_figures_are_complete(browser: PageClient) -> None:
    """With a large backlog, each page that shows usage has a notice; without one, none has."""
    key_id = create_key(browser.instance, "Busy").key.id
    began_ms = stage_backlog(browser.instance, key_id)
    places = (PAGE, "/settings/usage/ai", "/settings?tab=api", f"/settings/keys/{key_id}")
    for place in places:
        response = browser.get(place)
        assert response.status == 200
        notice = response.text.partition('id="complete-until"')[2].partition("</div>")[0]
        assert "Figures are complete until" in notice, place
        assert to_rfc3339(began_ms) in notice, place
    browser.instance.database.usage.fold_all()
    for place in places:
        assert "complete-until" not in browser.get(place).text, place
