"""Rule 40: what callers wrote cannot act in an email; one address an email, our own; no flood; TLS.

TLS of SMTP is proven in tests/unit/outbound/test_smtp.py, the digest in tests/contract/storage/stores/test_notices.py.
"""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.events import Event, Origin
from ari.notifications.compose import compose
from ari.notifications.context import NoticeContext
from ari.notifications.kinds import KINDS
from ari.notifications.model import Email, Subject
from ari.notifications.text import MAX_QUOTED_LENGTH, quote
from ari.outbound.email_html import render_html
from tests.support.notices import AT_MS, KEY_ID, LINKS, OFFICE, SAMPLES, Feed

PAYLOADS = (
    "https://evil.example/login",
    "http://203.0.113.9/x",
    "www.evil.example",
    "evil。example",
    "click evil.example. Now",
    "mailto:a@evil.example",
    '"><img src=//evil.example/x.png>',
    "<a href='https://evil.example'>x</a>",
    "javascript://evil.example/%0aalert(1)",
    "a\r\nBcc: everyone@evil.example\r\n\r\nhello",
    "\u202egpj.elpmaxe.live//:sptth",
    "“ quoted ” out",
    "$link ${button} $$",
    "ari_k_" + "A7" * 24 + "b",
    "x" * 500,
)
LINKABLE = re.compile(r"://|www\.|\S+@\S|[^\s.]\.[a-z]{2,}", re.IGNORECASE)


def hostile(kind: str, text: str) -> Email:
    """The email of this kind with the text in every place that callers can write."""
    about = SAMPLES[kind]
    detail = {
        name: text if name in ("name", "reason", "provider", "address", "hint") else value
        for name, value in about.detail.items()
    }
    for name in ("addresses", "scopes", "from", "to", "codes"):
        if name in detail:
            detail[name] = [text]
    if "keys" in detail:
        detail["keys"] = [{"id": KEY_ID, "name": text, "hint": text, "last_used_at": text}]
    origin = Origin("web", "203.0.113.9", text)
    event = Event(about.id, AT_MS, about.name, f"cli:{text}", about.subject, origin, detail)
    feed = Feed({KEY_ID: Subject(text, "ari_k_7Qm2…b4Zk")})
    desk = NoticeContext(feed, "UTC", LINKS.get(kind))
    return compose(KINDS[kind].write(event, desk), OFFICE, "owner@example.com", render_html)


@pytest.mark.parametrize("kind", SAMPLES)
def test_callers_text_can_be_no_link_and_no_markup(kind: str) -> None:
    """Whatever is in a name, a reason, a user agent: one address, our own, and the frame's own tags."""
    usual = hostile(kind, "plain")
    for payload in PAYLOADS:
        mail = hostile(kind, payload)
        for body in (mail.text, mail.html):
            assert body.count("://") == 1
            assert "evil.example" not in body
            assert "ari_k_A7A7A7A7" not in body
        assert re.findall(r"<[a-z/!]+", mail.html) == re.findall(r"<[a-z/!]+", usual.html)
        assert "\r" not in mail.subject
        assert "\n" not in mail.subject
        assert len(mail.subject) <= 120 + 4 * MAX_QUOTED_LENGTH
        assert "Bcc:" not in {line.partition(" ")[0] for line in mail.text.splitlines()}


@given(st.text(max_size=300))
def test_any_text_is_quoted_short_and_inert(text: str) -> None:
    """At most 60 characters of it, without what an email program would make a link of."""
    shown = quote(text)
    assert shown[0] == "“"
    assert shown[-1] == "”"
    assert "”" not in shown[1:-1]
    inner = shown[1:-1].replace("[.]", ".").replace("[。]", "。").replace("[．]", "．").replace("[｡]", "｡")
    assert len(inner.replace("[at]", "@").replace("[:]//", "://")) <= MAX_QUOTED_LENGTH or "[" in text
    assert not LINKABLE.search(shown)
    assert shown.isprintable()
    assert html.escape(shown)


def test_a_name_reads_as_it_was_written() -> None:
    """Breaking what is dangerous leaves the rest alone."""
    assert quote("CI deploy (v2)") == "“CI deploy (v2)”"
    assert quote("Köln é 東京. Fine") == "“Köln é 東京. Fine”"
    assert quote("see example.org") == "“see example[.]org”"
