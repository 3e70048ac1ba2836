"""Every kind of notice has its mail: whole, readable in both forms, small, and without anything foreign."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ari.base.events import EVENT_NAMES, Event, Origin
from ari.notifications import digest, kinds
from ari.notifications.compose import compose
from ari.notifications.context import NoticeContext
from ari.notifications.kinds import KINDS
from ari.notifications.model import STATES, MailConfig, Notice
from ari.notifications.text import format_time
from ari.outbound.email_html import render_html
from tests.support.notices import AT_MS, HINT, KEY_ID, LINKS, OFFICE, SAMPLES, Feed, event, letter, said

MOST_BYTES = 30_000


class Page(HTMLParser):
    """The text, the links and the shape of an HTML mail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        self.tags.append((tag, dict(attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background", "action")]

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self._inside):
            self.words.append(data)

    @property
    def text(self) -> str:
        """What a reader sees, with single spaces."""
        return " ".join(" ".join(self.words).split())


def test_every_kind_has_a_file_a_sample_and_events_that_exist() -> None:
    """A new kind is rendered here as well; what it listens to is in the closed list of events."""
    files = {path.stem for path in Path(kinds.__file__).parent.glob("[a-z]*.py")}
    assert files == set(KINDS) == set(SAMPLES)
    for name, kind in KINDS.items():
        assert set(kind.events) <= set(EVENT_NAMES), name
        assert SAMPLES[name].name in kind.events, name
        assert kind.applies(SAMPLES[name]), name
        assert kind.title
        assert re.fullmatch(r"[A-Z0-9].*\.", kind.description), name


@pytest.mark.parametrize("kind", SAMPLES)
def test_both_forms_say_the_same(kind: str) -> None:
    """Subject, what happened, every fact and the advice are in the HTML and in the plain text."""
    words, mail = said(kind), letter(kind)
    page, plain = Page(mail.html).text, " ".join(mail.text.split())
    for part in (words.summary, words.advice, *(text for fact in words.facts for text in fact)):
        flat = " ".join(part.split())
        assert flat in page, part
        assert flat in plain, part
    assert mail.subject == words.subject
    assert words.subject in page
    assert len(words.subject) <= 120


@pytest.mark.parametrize("kind", SAMPLES)
def test_one_link_and_nothing_foreign(kind: str) -> None:
    """One address, below our own; no image, no script, no form, nothing that is fetched or tells that it was read."""
    mail = letter(kind)
    page = Page(mail.html)
    [link] = page.links
    assert link.startswith("https://ari.example.net/")
    assert mail.html.count("://") == mail.text.count("://") == 1
    assert link in mail.text
    used = {tag for tag, _ in page.tags}
    assert not used & {"img", "script", "link", "iframe", "form", "input", "object", "video", "audio", "svg", "base"}
    assert not re.search(r"url\(|@import|cid:|data:|javascript:", mail.html)
    assert len(mail.html.encode()) + len(mail.text.encode()) <= MOST_BYTES


def test_every_link_leads_to_a_page_of_ours() -> None:
    """One that the sign-in goes on to; links that are secrets have pages of their own."""
    from ari.web.urls import return_url

    places = {said(kind).path for kind in SAMPLES if kind not in LINKS} | {digest.write({}, []).path}
    assert {place: return_url(place) for place in places} == {place: place for place in places}


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_html_is_accessible(kind: str) -> None:
    """A language, a title, one heading, row headers; both colour schemes."""
    page = Page(letter(kind).html)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en", "dir": "ltr"}) in page.tags
    assert (tags.count("h1"), tags.count("main"), tags.count("title")) == (1, 1, 1)
    rows = tags.count("tr")
    assert rows == tags.count("th") == tags.count("td") == len(said(kind).facts) > 0
    assert all(attributes == {"scope": "row"} for tag, attributes in page.tags if tag == "th")
    assert "prefers-color-scheme: dark" in letter(kind).html


@pytest.mark.parametrize("kind", SAMPLES)
def test_without_a_public_address_no_mail_links(kind: str) -> None:
    """But says where to look (security.md 3); a secret link names its own address."""
    mail = letter(kind, config=MailConfig("smtp", "ari@example.net", None))
    wanted = 1 if kind in LINKS else 0
    assert mail.html.count("://") == mail.text.count("://") == wanted
    assert wanted or "open ARI in your browser" in mail.text


def test_when_is_told_in_the_owners_zone_and_in_utc() -> None:
    """With the date of UTC where that is another day, and the zone's own name where it has no short one."""
    assert format_time(AT_MS, "UTC") == "Nov 25, 2026, 6:23 PM UTC"
    assert format_time(AT_MS, "Europe/Berlin") == "Nov 25, 2026, 7:23 PM CET (6:23 PM UTC)"
    assert format_time(AT_MS, "Asia/Tokyo") == "Nov 26, 2026, 3:23 AM JST (Nov 25, 2026, 6:23 PM UTC)"
    assert format_time(AT_MS, "America/Sao_Paulo") == "Nov 25, 2026, 3:23 PM America/Sao_Paulo (6:23 PM UTC)"
    for kind, happened in SAMPLES.items():
        if "When" in dict(said(kind).facts):
            assert dict(said(kind).facts)["When"] == format_time(happened.at_ms, OFFICE.zone)


def test_who_did_it_is_in_words() -> None:
    """The owner, the command line's user, a key by its name, or ARI."""
    feed = Feed()
    desk = NoticeContext(feed, "UTC")
    actors = {
        actor: desk.name_actor(event("key_revoked", actor=actor)) for actor in ("usr_1", "cli:al", KEY_ID, "key_x", "x")
    }
    assert list(actors.values()) == [
        "The owner, signed in",
        "“al” on the command line",
        "The API key “Automation Script”",
        "An API key",
        "ARI",
    ]


def test_a_scope_change_is_told_only_if_it_widens() -> None:
    """So is a sign-in only from a new device."""
    narrowed = event("key_scopes_changed", **{"from": ["*"], "to": ["api:read"]})
    assert not KINDS["key_widened"].applies(narrowed)
    assert not KINDS["new_device"].applies(event("signed_in", known_device=False))


def test_a_key_that_nobody_remembers_is_named_by_its_id() -> None:
    """The event outlives the key's row."""
    lost = Event("evt_1", AT_MS, "key_revoked", "system", "key_gone", Origin("system"))
    assert said("key_revoked", lost).subject == "The API key “key_gone” was revoked"


def test_the_digest_stays_small() -> None:
    """Counts for each kind, the first twenty by name, and how many more."""
    first = [
        Notice(f"ntc_{n}", "key_revoked", f"evt_{n}", AT_MS, AT_MS, "digest", f"The API key “{'x' * 60}” was revoked")
        for n in range(digest.MAX_LISTED)
    ]
    head = "evt_01KB5Q2W8Z6N4T0V9YRJXH3M7C", "0123456789abcdef" * 4
    words = digest.write({"key_revoked": 9_000, "refused_burst": 1_234}, first, head)
    mail = compose(words, OFFICE, "owner@example.com", render_html)
    assert all(part in mail.text and part in mail.html for part in head), "whole, so that ari audit check takes them"
    assert "10,234 more notifications" in mail.subject
    assert "10,214 more" in mail.text
    assert len(mail.html.encode()) + len(mail.text.encode()) < MOST_BYTES
    assert mail.html.count("://") == 1


def test_the_hint_is_all_that_is_told_of_a_key() -> None:
    """No mail could hold more: no event does."""
    for kind in SAMPLES:
        mail = letter(kind)
        assert "ari_k_" not in (mail.text + mail.html).replace(HINT, "")


def test_every_state_has_its_words() -> None:
    """For the page and the docs."""
    assert set(STATES) == {"waiting", "sending", "sent", "failed", "off", "unsent", "digest"}
