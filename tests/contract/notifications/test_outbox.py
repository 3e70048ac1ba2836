"""The outbox in both databases: one sender at a time, never lost, never twice, at last given up; secrets encrypted."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.base.errors import Conflict
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.deps import Deps
from ari.notifications import outbox
from ari.notifications.model import Accepted, MailConfig, Notice, Rejected, Retry
from ari.notifications.outbox import ClaimedNotice
from tests.support.instances import START_MS
from tests.support.post import OFFICE, SHUT, Post


def test_sent_from_the_first_try_to_the_last(post: Post) -> None:
    """Claimed by one, with its email kept; then done with, and nothing of the email stays."""
    post.happen(name="Import")
    post.gather()
    claimed = post.claim()
    assert isinstance(claimed, ClaimedNotice)
    assert claimed.email.subject == "The API key “Import” was created"
    assert post.claim("job_2") is None
    assert [(one.state, one.attempts) for one in post.history()] == [("sending", 1)]
    assert post.letters_kept() == 1
    post.clock.advance(2)
    done = post.finish(claimed, Accepted("id-7"))
    assert post.history() == [done]
    assert (done.state, done.sender, done.sender_id, done.error) == ("sent", "resend", "id-7", None)
    assert done.sent_at_ms == START_MS + 2_000
    assert post.letters_kept() == 0
    assert post.claim() is None


def test_one_sender_at_a_time(post: Post) -> None:
    """Twelve notices, six senders at once: each notice is claimed once."""
    for _ in range(12):
        post.happen()
    post.gather()
    with ThreadPoolExecutor(6) as pool:
        claimed = [one.notice.id for one in pool.map(lambda n: post.claim(f"job_{n}"), range(16)) if one is not None]
    while (one := post.claim("job_x")) is not None:  # rows that another sender held at that moment were passed over
        claimed.append(one.notice.id)
    assert len(claimed) == 12
    assert len(set(claimed)) == 12


def test_a_dead_senders_notice_is_taken_over_with_the_very_same_email(post: Post) -> None:
    """After the lease; whatever changed in the meantime, and whatever the dead one says when it wakes."""
    post.happen()
    post.gather()
    first = post.claim("job_1")
    post.config = MailConfig("resend", "Other <other@example.net>", "https://elsewhere.example.net", "Asia/Tokyo")
    post.clock.advance(outbox.LEASE_MS / 1000 - 1)
    assert post.claim("job_2") is None
    post.clock.advance(1)
    second = post.claim("job_2")
    assert second.email == first.email
    assert (second.notice.id, second.notice.attempts) == (first.notice.id, 2)
    post.finish(first, Rejected("too late"), "job_1")
    assert post.history()[0].state == "sending"
    assert post.finish(second, Accepted("id"), "job_2") == post.history()[0]


def test_a_clock_set_back_takes_no_notice_hostage(post: Post) -> None:
    """A lease that ends in a time the clock has left is nobody's."""
    post.happen()
    post.gather()
    post.claim("job_1")
    post.clock.step(-DAY_MS / 1000)
    assert post.claim("job_2") is not None


def test_tries_are_spread_and_end_after_23_hours(post: Post) -> None:
    """Longer pauses each time, at least as long as the service asks; then it is given up, and the page says so."""
    post.happen()
    post.gather()
    pauses: list[int] = []
    first = post.clock.now_ms()
    while (claimed := post.claim()) is not None:
        assert isinstance(claimed, ClaimedNotice)
        done = post.finish(claimed, Retry("Resend returned 500.", 40.0 if not pauses else 0.0))
        if done.state == "failed":
            break
        assert done.next_try_at_ms is not None
        pauses.append(done.next_try_at_ms - post.clock.now_ms())
        post.clock.advance((done.next_try_at_ms - post.clock.now_ms() - 1) / 1000)
        assert post.claim() is None
        post.clock.advance(0.001)
    assert pauses[0] >= 40_000
    assert all(23_000 <= pause <= 72 * MINUTE_MS for pause in pauses)
    assert pauses[-1] > 47 * MINUTE_MS
    assert post.clock.now_ms() - first <= outbox.GIVE_UP_MS
    [notice] = post.history()
    assert notice.error == f"Gave up after {notice.attempts} attempts: Resend returned 500."
    assert (notice.next_try_at_ms, post.letters_kept()) == (None, 0)


def test_a_notice_found_again_after_a_day_is_not_sent_twice(post: Post) -> None:
    """All workers died in the middle of a try; Resend has forgotten the key by now, so it must not be tried again."""
    post.happen()
    post.gather()
    post.claim()
    post.clock.advance(23 * 3600)
    given_up = post.claim()
    assert isinstance(given_up, Notice)
    assert (given_up.state, given_up.error) == ("failed", "It couldn't be sent in time.")
    assert post.claim() is None


def test_a_permanent_refusal_ends_it(post: Post) -> None:
    """With the words of the service."""
    post.happen()
    post.gather()
    assert post.finish(post.claim(), Rejected("Resend returned 422: no")).state == "failed"
    assert post.history()[0].error == "Resend returned 422: no"


def test_email_that_is_turned_off_leaves_nothing_waiting(post: Post) -> None:
    """A start without the key: waiting notices become unsent."""
    post.happen()
    post.gather()
    post.config = SHUT
    assert post.claim().state == "unsent"


def test_a_secret_link_is_never_in_the_database_in_plain(post: Post) -> None:
    """Encrypted from the command on, through every try, and gone when the email is."""
    url = "https://ari.example.net/reset#token=" + "s3cret" * 7

    def ask(unit: Any) -> Notice:
        event = Event(new_id("evt", START_MS), START_MS, "password_reset_requested", "visitor", "usr_1", Origin("web"))
        unit.events.append(event)
        return outbox.post_secret(unit, OFFICE, event, {"url": url})

    def read_tables() -> str:
        with post.instance.database.main.connect() as connection:
            rows = [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("notices", "sealed_secrets")]
        return repr(rows)

    def count_encrypted() -> int:
        return len(Deps(post.instance).read_sync(lambda unit: unit.sealed.all()))

    notice = post.command(ask)
    post.gather()
    assert [one.id for one in post.history()] == [notice.id]
    for _ in range(2):
        claimed = post.claim()
        assert url in claimed.email.text
        assert claimed.email.html.count("http") == 1
        assert ("s3cret" in read_tables(), count_encrypted()) == (False, 1)
        done = post.finish(claimed, Retry("later"))
        post.clock.advance((done.next_try_at_ms or 0) / 1000 - post.clock.now_ms() / 1000 + 1)
    post.finish(post.claim(), Accepted("id"))
    assert ("s3cret" in read_tables(), count_encrypted()) == (False, 0)


def test_a_secret_link_is_not_sent_when_it_no_longer_works(post: Post) -> None:
    """Half an hour; and not at all where no email with a link can go."""

    def ask(unit: Any, office: MailConfig = OFFICE) -> Notice:
        now_ms = post.clock.now_ms()
        event = Event(
            new_id("evt", now_ms), now_ms, "email_change_requested", "usr_1", None, Origin("web"), {"email": "n@x.org"}
        )
        unit.events.append(event)
        return outbox.post_secret(unit, office, event, {"url": "https://ari.example.net/x"})

    assert post.command(ask).recipient == "n@x.org"
    post.clock.advance(30 * 60)
    assert post.claim().state == "failed"
    assert Deps(post.instance).read_sync(lambda unit: unit.sealed.all()) == []
    for office in (SHUT, MailConfig("resend", "a@example.net", None)):
        with pytest.raises(Conflict):
            post.command(partial(ask, office=office))


def test_a_lost_master_key_ends_the_email(post: Post) -> None:
    """It stops nothing else."""
    keys = post.instance.master_keys

    def ask(unit: Any) -> Notice:
        event = Event(new_id("evt", START_MS), START_MS, "password_reset_requested", "visitor", None, Origin("web"))
        unit.events.append(event)
        return outbox.post_secret(unit, OFFICE, event, {"url": "https://ari.example.net/x"})

    post.command(ask)
    keys.own_file.unlink()
    assert (post.claim().state, post.history()[0].error) == ("failed", "The email couldn't be composed (CannotOpen).")


def test_what_waits_is_counted(post: Post) -> None:
    """Monitoring shows how many emails wait, and since when the first is due; one that was sent doesn't count."""
    count = Deps(post.instance).read_sync
    assert count(outbox.count_open) == (0, None)
    post.happen()
    post.gather()
    assert count(outbox.count_open) == (1, START_MS)
    claimed = post.claim()
    assert isinstance(claimed, ClaimedNotice)
    assert count(outbox.count_open)[0] == 1
    post.finish(claimed, Accepted("id-1"))
    assert count(outbox.count_open) == (0, None)
