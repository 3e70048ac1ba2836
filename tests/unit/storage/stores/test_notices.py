"""Notices and their emails: what is due, who sends it, and what is forgotten."""

from dataclasses import replace

import pytest

from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from ari.notifications.model import STATES, Notice, NoticeState
from tests.support.instances import START_MS

LEASE_MS = 60_000
NOTICE = Notice("ntc_1", "key_revoked", "evt_1", START_MS, START_MS, "waiting", "s", next_try_at_ms=START_MS)


def _add(instance: Instance, *notices: Notice) -> None:
    with instance.database.writing() as unit:
        assert all(unit.notices.add(notice) for notice in notices)


def test_a_notice_is_added_once(instance: Instance) -> None:
    """Of two processes that read the same event one makes its notice."""
    _add(instance, NOTICE)
    with instance.database.writing() as unit:
        assert not unit.notices.add(replace(NOTICE, subject="again"))
        assert unit.notices.get(NOTICE.id) == NOTICE


@pytest.mark.parametrize(
    ("at_ms", "is_due"),
    [(START_MS - 1, True), (START_MS, False), (START_MS + LEASE_MS - 1, False), (START_MS + LEASE_MS, True)],
)
def test_a_lease_holds_for_its_time(instance: Instance, at_ms: int, is_due: bool) -> None:
    """No second sender takes a notice that is being sent, until its lease ends or a clock was set back."""
    _add(instance, NOTICE)
    with instance.database.writing() as unit:
        taken = unit.outbox.claim(START_MS, LEASE_MS, "one")
        assert taken == replace(NOTICE, state="sending")
        assert unit.outbox.has_due(at_ms, LEASE_MS) is is_due
        assert (unit.outbox.claim(at_ms, LEASE_MS, "two") is not None) is is_due


def test_only_its_holder_ends_a_sending(instance: Instance) -> None:
    """A sender that was too slow must not overwrite what the next one did."""
    _add(instance, NOTICE)
    with instance.database.writing() as unit:
        taken = unit.outbox.claim(START_MS, LEASE_MS, "one")
        assert taken is not None
        unit.outbox.freeze(taken, "the email")
        assert not unit.outbox.finish(replace(taken, state="sent"), "two")
        assert unit.outbox.frozen(taken.id) == "the email"
        assert unit.outbox.finish(replace(taken, state="sent"), "one")
        assert unit.outbox.frozen(taken.id) is None
        assert not unit.outbox.finish(replace(taken, state="failed"), "one")


def test_what_is_not_sent_yet_is_never_forgotten(instance: Instance) -> None:
    """All others go with their age."""
    states: list[NoticeState] = ["waiting", "sending", "sent", "failed", "off", "unsent", "digest"]
    assert states == list(STATES)
    _add(instance, *(replace(NOTICE, id=f"ntc_{state}", event_id=state, state=state) for state in states))
    with instance.database.writing() as unit:
        assert unit.notices.forget_before(START_MS) == 0
        assert unit.notices.forget_before(START_MS + 1) == len(states) - 2
        assert sorted(one.state for one in unit.notices.page(None, 99)) == ["sending", "waiting"]


def test_emails_of_a_kind_are_counted(instance: Instance) -> None:
    """For the daily limit: those that were or will be sent, from that time on."""
    _add(
        instance,
        NOTICE,
        replace(NOTICE, id="ntc_2", event_id="evt_2", state="off"),
        replace(NOTICE, id="ntc_3", event_id="evt_3", made_at_ms=START_MS - 1, state="sent"),
    )
    with instance.database.reading() as unit:
        assert unit.notices.count_emailed_since("key_revoked", START_MS) == 1
        assert unit.notices.count_emailed_since("key_revoked", START_MS - 1) == 2
        assert unit.notices.count_emailed_since("key_created", 0) == 0


def test_events_are_read_in_their_order(instance: Instance) -> None:
    """Each is unread until it is marked, also where it bears an earlier time than the one before."""
    events = [
        Event(new_id("evt", at_ms), at_ms, "signed_in", "usr_1", None, Origin("web"))
        for at_ms in (START_MS, START_MS - 9, START_MS + 1)
    ]
    for event in events:
        with instance.database.writing() as unit:
            unit.events.append(event)
    with instance.database.writing() as unit:
        assert unit.feed.unread(2) == events[:2]
        unit.feed.mark_read(events[1])
        assert unit.feed.has_unread()
        assert unit.feed.unread(9) == events[2:]
        unit.feed.mark_read(events[2])
        assert not unit.feed.has_unread()
