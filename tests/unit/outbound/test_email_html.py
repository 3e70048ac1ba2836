"""The HTML of an email: every value is escaped, and the link is the only one."""

import re

from ari.notifications.model import EmailContent
from ari.outbound.email_html import render_html

EVIL = "<img src=x onerror=alert(1)>&\"'"


def _content(text: str) -> EmailContent:
    return EmailContent(text, text, ((text, text),), text, "/settings", text)


def test_every_value_is_escaped() -> None:
    """Security rule 40: names and reasons come from callers."""
    html = render_html(_content(EVIL), f"https://ari.example.net/?{EVIL}", EVIL)
    assert "<img" not in html
    assert html.count("&lt;img") >= 6
    assert not re.search(r'href="[^"]*[<>]', html)


def test_without_a_link_there_is_none() -> None:
    """An instance without a public address sends no links."""
    html = render_html(_content("x"), None, "footer")
    assert "href" not in html
    assert "footer" in html
