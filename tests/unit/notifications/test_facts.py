"""The facts that several kinds share."""

from ari.base.events import Event, Origin
from ari.notifications import facts
from ari.notifications.context import NoticeContext
from tests.support.notices import AT_MS, HINT, KEY_ID, Feed, compose_sample, event


def test_a_key_that_nobody_remembers_is_named_by_its_id() -> None:
    """The event outlives the key's row."""
    lost = Event("evt_1", AT_MS, "key_revoked", "system", "key_gone", Origin("system"))
    assert compose_sample("key_revoked", lost).subject == "The API key “key_gone” was revoked"


def test_times_of_details_are_read_in_both_spellings() -> None:
    """Older events hold milliseconds."""
    context = NoticeContext(Feed(), "UTC")
    for value in (AT_MS, "2026-11-25T18:23:20.000Z"):
        assert facts.parse_time(value) == AT_MS
        assert facts.format_time(value, context) == "Nov 25, 2026, 6:23 PM UTC"
    assert facts.parse_time(None) is None
    assert facts.format_time(None, context) == "never"


def test_a_key_is_shown_with_its_hint() -> None:
    """Enough to find it, useless to a thief."""
    context = NoticeContext(Feed(), "UTC")
    assert facts.key_fact(event("key_revoked"), context) == ("API key", f"“Automation Script” · {HINT}")
    assert facts.key_path(event("key_revoked")) == f"/settings/keys/{KEY_ID}"
    assert facts.key_path(event("keys_unused", None)) == "/settings?tab=api"


def test_requests_are_shown_as_far_as_they_are_known() -> None:
    """An absent detail is no line."""
    context = NoticeContext(Feed(), "UTC")
    full = event("dead_key_called", count=2, since=AT_MS, addresses=["192.0.2.1"])
    assert [name for name, _ in facts.request_facts(full, context)] == ["Requests", "Since", "From"]
    assert facts.request_facts(event("dead_key_called"), context) == ()
