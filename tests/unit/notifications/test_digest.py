"""The digest stays small, however many notices it replaces."""

from ari.notifications import digest
from ari.notifications.compose import compose
from ari.notifications.model import Notice
from ari.outbound.email_html import render_html
from tests.support.notices import AT_MS, OFFICE

MAX_BYTES = 30_000


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
    assert len(mail.html.encode()) + len(mail.text.encode()) < MAX_BYTES
    assert mail.html.count("://") == 1
