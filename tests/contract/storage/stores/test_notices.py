"""Notices in both databases: made once of each event, in the state they deserve, listed and forgotten."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import NotFound, RateLimited, ReauthRequired
from ari.base.events import Origin
from ari.base.messages import EMAIL_IS_OFF
from ari.deps import Deps
from ari.notifications import delivery_history, switches, test_email
from ari.notifications.model import Accepted
from tests.support.instances import START_MS
from tests.support.post import OFFICE, SHUT, Post


def test_each_event_makes_each_notice_once(post: Post) -> None:
    """Anyone who reads it, however often; what nobody wants to know makes none."""
    renamed = post.happen("key_renamed")
    event = post.happen()
    assert Deps(post.instance).read_sync(lambda unit: unit.feed.has_unread())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: post.gather(), range(4)))
    assert not Deps(post.instance).read_sync(lambda unit: unit.feed.has_unread())
    [notice] = post.history()
    assert (notice.kind, notice.event_id, notice.state) == ("key_created", event.id, "waiting")
    assert (notice.recipient, notice.next_try_at_ms) == ("owner@example.com", START_MS)
    post.command(lambda unit: unit.feed.mark_read(renamed))  # as if it had not been read
    assert post.gather() == 1
    assert post.history() == [notice]


def test_many_made_at_once_keep_the_order_of_their_events(post: Post) -> None:
    """Listed newest first, emailed oldest first."""
    happened = []
    for _ in range(6):
        post.clock.step(1)
        happened.append(post.happen().id)
    post.gather()
    assert [one.event_id for one in post.history()] == happened[::-1]
    claimed = [post.claim() for _ in happened]
    assert [one.notice.event_id for one in claimed] == happened


def test_switched_off_not_set_up_and_nobody_there(post: Post) -> None:
    """The notice is written and shown, and never sent."""
    post.command(lambda unit: switches.switch(unit, "key_created", on=False))
    post.happen()
    post.gather()
    post.config = SHUT
    post.happen("key_revoked")
    post.gather()
    states = {one.kind: (one.state, one.error) for one in post.history()}
    assert states == {"key_created": ("off", None), "key_revoked": ("unsent", EMAIL_IS_OFF)}
    post.config = OFFICE
    assert post.claim() is None


def test_without_an_owner_nothing_is_sent(post: Post) -> None:
    """Keys can be made at the command line before there is an owner."""
    with post.instance.database.main.begin() as connection:
        connection.execute(text("DELETE FROM accounts"))
    post.happen()
    post.gather()
    [notice] = post.history()
    assert (notice.state, notice.error) == ("unsent", "There's no owner yet.")


def test_an_event_that_no_words_fit_stops_nothing(post: Post) -> None:
    """It fails visibly; the next one is emailed."""
    post.happen("key_expiring", days="seven")
    post.happen("dead_key_called", count="many")
    post.happen()
    post.gather()
    assert {one.kind: one.state for one in post.history()}["key_created"] == "waiting"
    assert {one.kind: one.state for one in post.history()}["dead_key_called"] == "failed"


def test_the_first_digest_closes_before_the_next_opens(post: Post) -> None:
    """Twenty emails of a kind a day; the rest in one email when the day is over, and nothing is in two."""
    for _ in range(25):
        post.happen()
    post.happen("key_revoked")
    post.gather()
    states = [one.state for one in post.history() if one.kind == "key_created"]
    assert (states.count("waiting"), states.count("digest")) == (20, 5)
    [digest] = [one for one in post.history() if one.kind == "digest"]
    assert digest.next_try_at_ms == START_MS - START_MS % DAY_MS + DAY_MS
    while (claimed := post.claim()) is not None:
        assert claimed.notice.kind != "digest"
        post.finish(claimed, Accepted("id"))
    post.clock.step((digest.next_try_at_ms - post.clock.now_ms()) / 1000)
    claimed = post.claim()
    assert claimed.email.subject == "5 more notifications in one day"
    assert claimed.email.text.count("The API key") == 5
    newest = Deps(post.instance).read_sync(lambda unit: unit.events.newest())
    assert newest is not None
    assert all(part in claimed.email.text for part in newest), "the mailbox keeps the head of the audit log"
    for _ in range(21):
        post.happen()
    post.gather()
    assert len([one for one in post.history() if one.kind == "digest"]) == 2
    post.finish(claimed, Accepted("id"))
    assert {one.digest_id for one in post.history() if one.state == "digest"} == {
        one.id for one in post.history() if one.kind == "digest"
    }


def test_strangers_cause_few_emails(post: Post) -> None:
    """Three of a kind a day, the rest in the one email of the day; other kinds are not concerned."""
    for name in ("refused_burst", "dead_key_called"):
        for number in range(10):
            post.happen(name, count=number, minutes=5, code="revoked")
    for _ in range(5):
        post.happen("key_revoked")
    post.gather()
    states = [(one.kind, one.state) for one in post.history()]
    for name in ("refused_burst", "dead_key_called"):
        assert (states.count((name, "waiting")), states.count((name, "digest"))) == (3, 7)
    assert states.count(("key_revoked", "waiting")) == 5
    assert states.count(("digest", "waiting")) == 1


def test_switches(post: Post) -> None:
    """Each kind has its default, changes by one event, and needs a session that was confirmed of late."""
    from ari.base.caller import Caller

    listed = Deps(post.instance).read_sync(lambda unit: switches.list_settings(unit.key_value))
    assert all(one.on for one in listed)
    assert "password_reset" not in {one.kind.name for one in listed}
    for _ in range(2):
        assert not post.command(lambda unit: switches.switch(unit, "key_widened", on=False)).on
    assert [
        one.kind.name
        for one in Deps(post.instance).read_sync(lambda unit: switches.list_settings(unit.key_value))
        if not one.on
    ] == ["key_widened"]
    assert (
        len(Deps(post.instance).read_sync(lambda unit: unit.events.page("key_widened", None, 9))) == 1
    )  # no other test switches it
    for name in ("password_reset", "nonsense"):
        with pytest.raises(NotFound):
            post.command(partial(switches.switch, name=name, on=False))
    stale = Caller("usr_1", Origin("web"), session_digest=b"x" * 32, confirmed_at_ms=START_MS - HOUR_MS)
    with pytest.raises(ReauthRequired), post.instance.database.writing(stale) as tx:
        switches.switch(tx, "key_created", on=True)


def test_tests_are_few(post: Post) -> None:
    """Ten an hour, to the owner and to nobody else."""
    for _ in range(test_email.TESTS_PER_HOUR):
        assert post.command(test_email.begin_test) == "owner@example.com"
        post.clock.advance(1)
    with pytest.raises(RateLimited) as refused:
        post.command(test_email.begin_test)
    post.clock.advance(refused.value.retry_after_seconds)
    post.command(test_email.begin_test)


def test_the_history_is_paged_and_ends(post: Post) -> None:
    """Newest first; what is done with is dropped when it is old, what waits is not."""
    for _ in range(3):
        post.happen()
        post.gather()
        post.clock.advance(1)
    newest = post.history()
    assert [one.at_ms for one in newest] == sorted((one.at_ms for one in newest), reverse=True)
    assert (
        Deps(post.instance).read_sync(lambda unit: delivery_history.read_history(unit, newest[0].id, 1)) == newest[1:2]
    )
    post.finish(post.claim(), Accepted("id"))
    assert post.command(lambda unit: unit.notices.forget_before(post.clock.now_ms())) == 1
    assert [one.state for one in post.history()] == ["waiting", "waiting"]
