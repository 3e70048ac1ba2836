"""Every email is readable in both forms and contains nothing from elsewhere."""

import re
from html.parser import HTMLParser

import pytest

from ari.notifications.model import MailConfig
from tests.support.notices import LINKS, SAMPLES, compose_sample, letter

MAX_BYTES = 30_000


class Page(HTMLParser):
    """The text, the links and the shape of an HTML email."""

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
        """The visible text, with single spaces."""
        return " ".join(" ".join(self.words).split())


@pytest.mark.parametrize("kind", SAMPLES)
def test_both_forms_say_the_same(kind: str) -> None:
    """Subject, what happened, every fact and the advice are in the HTML and in the plain text."""
    words, mail = compose_sample(kind), letter(kind)
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
    """One address, below our own; no image, no script, no form, nothing that is fetched or reveals that it was read."""
    mail = letter(kind)
    page = Page(mail.html)
    [link] = page.links
    assert link.startswith("https://ari.example.net/")
    assert mail.html.count("://") == mail.text.count("://") == 1
    assert link in mail.text
    used = {tag for tag, _ in page.tags}
    assert not used & {"img", "script", "link", "iframe", "form", "input", "object", "video", "audio", "svg", "base"}
    assert not re.search(r"url\(|@import|cid:|data:|javascript:", mail.html)
    assert len(mail.html.encode()) + len(mail.text.encode()) <= MAX_BYTES


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_html_is_accessible(kind: str) -> None:
    """A language, a title, one heading, row headers; both colour schemes."""
    page = Page(letter(kind).html)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "en", "dir": "ltr"}) in page.tags
    assert (tags.count("h1"), tags.count("main"), tags.count("title")) == (1, 1, 1)
    rows = tags.count("tr")
    assert rows == tags.count("th") == tags.count("td") == len(compose_sample(kind).facts) > 0
    assert all(attributes == {"scope": "row"} for tag, attributes in page.tags if tag == "th")
    assert "prefers-color-scheme: dark" in letter(kind).html


@pytest.mark.parametrize("kind", SAMPLES)
def test_without_a_public_address_no_email_has_links(kind: str) -> None:
    """But says where to look (security.md 3); a secret link names its own address."""
    mail = letter(kind, config=MailConfig("smtp", "ari@example.net", None))
    wanted = 1 if kind in LINKS else 0
    assert mail.html.count("://") == mail.text.count("://") == wanted
    assert wanted or "open ARI in your browser" in mail.text
