"""Notices in both databases: made once, sent by one at a time, never lost, and at last given up."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select, text

from ari.accounts.model import Account
from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, FrozenClock
from ari.base.errors import Conflict, Limited, NotFound, Unconfirmed
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.instance import Instance
from ari.notifications import manage, outbox
from ari.notifications.model import Again, Notice, Office, Refused, Sent
from ari.notifications.outbox import Claimed
from ari.storage.tables import notices
from tests.support.instances import START_MS, opened

OFFICE = Office("resend", "ARI <ari@example.net>", "https://ari.example.net")
SHUT = Office(None, "ARI <ari@example.net>", None)


class Post:
    """An instance with an owner, and what the job does, step by step."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        assert isinstance(instance.clock, FrozenClock)
        self.clock = instance.clock
        self.office = OFFICE
        with instance.database.writing() as unit:
            unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", START_MS))

    def happen(self, event_name: str = "key_created", /, subject: str | None = None, **detail: Any) -> Event:
        """Something that is told of."""
        now_ms = self.clock.now_ms()
        event = Event(new_id("evt", now_ms), now_ms, event_name, "system", subject, Origin("system"), detail)
        self.command(lambda unit: unit.events.append(event))
        return event

    def command(self, work: Callable[[Any], Any]) -> Any:
        return self.instance.command(SYSTEM, lambda unit, _: work(unit))

    def gather(self) -> int:
        return int(self.command(lambda unit: outbox.gather(unit, self.office, self.clock.now_ms())))

    def claim(self, holder: str = "job_1") -> Any:
        keys = self.instance.master_keys
        return self.command(lambda unit: outbox.claim(unit, keys, self.office, self.clock.now_ms(), holder))

    def finish(self, claimed: Claimed, outcome: Any, holder: str = "job_1") -> Notice:
        now_ms = self.clock.now_ms()
        done = self.command(lambda unit: outbox.finish(unit, claimed.notice, "resend", outcome, now_ms, holder))
        assert isinstance(done, Notice)
        return done

    def history(self) -> list[Notice]:
        return list(self.instance.read(lambda unit: manage.history(unit, None, 500)))

    def letters_kept(self) -> int:
        with self.instance.database.main.connect() as connection:
            return int(connection.execute(select(func.count(notices.c.letter))).scalar_one())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance on each database for all tests here."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres").create()
    folder = tmp_path_factory.mktemp("notices") / "data"
    folder.mkdir(mode=0o700)
    with opened(folder, url) as instance:
        yield instance
    if url is not None:
        request.getfixturevalue("postgres").drop(url)


@pytest.fixture
def post(shared: Instance) -> Post:
    """Nothing waits, everything is on, all events are read, and it is ``START_MS``."""
    shared.clock = FrozenClock(START_MS)
    with shared.database.main.begin() as connection:
        for table in ("notices", "notes", "sealed_secrets", "accounts"):
            connection.execute(text(f"DELETE FROM {table}"))
    with shared.database.writing() as unit:
        for event in unit.events.page(None, None, 1):
            unit.feed.mark_read(event)
    return Post(shared)


def test_each_event_makes_each_notice_once(post: Post) -> None:
    """Whoever reads it, however often; what nobody wants to know makes none."""
    renamed = post.happen("key_renamed")
    event = post.happen()
    assert post.instance.read(lambda unit: unit.feed.has_unread())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: post.gather(), range(4)))
    assert not post.instance.read(lambda unit: unit.feed.has_unread())
    [notice] = post.history()
    assert (notice.kind, notice.event_id, notice.state) == ("key_created", event.id, "waiting")
    assert (notice.recipient, notice.next_try_at_ms) == ("owner@example.com", START_MS)
    post.command(lambda unit: unit.feed.mark_read(renamed))  # as if it had not been read
    assert post.gather() == 1
    assert post.history() == [notice]


def test_sent_from_the_first_try_to_the_last(post: Post) -> None:
    """Claimed by one, with its mail kept; then done with, and nothing of the mail stays."""
    post.happen(name="Import")
    post.gather()
    claimed = post.claim()
    assert isinstance(claimed, Claimed)
    assert claimed.letter.subject == "The API key “Import” was created"
    assert post.claim("job_2") is None
    assert [(one.state, one.attempts) for one in post.history()] == [("sending", 1)]
    assert post.letters_kept() == 1
    post.clock.advance(2)
    done = post.finish(claimed, Sent("id-7"))
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


def test_a_dead_senders_notice_is_taken_over_with_the_very_same_mail(post: Post) -> None:
    """After the lease; whatever changed meanwhile, and whatever the dead one says when it wakes."""
    post.happen()
    post.gather()
    first = post.claim("job_1")
    post.office = Office("resend", "Other <other@example.net>", "https://elsewhere.example.net", "Asia/Tokyo")
    post.clock.advance(outbox.LEASE_MS / 1000 - 1)
    assert post.claim("job_2") is None
    post.clock.advance(1)
    second = post.claim("job_2")
    assert second.letter == first.letter
    assert (second.notice.id, second.notice.attempts) == (first.notice.id, 2)
    post.finish(first, Refused("too late"), "job_1")
    assert post.history()[0].state == "sending"
    assert post.finish(second, Sent("id"), "job_2") == post.history()[0]


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
    first, pauses = post.clock.now_ms(), []
    while (claimed := post.claim()) is not None:
        assert isinstance(claimed, Claimed)
        done = post.finish(claimed, Again("Resend answered 500.", 40.0 if not pauses else 0.0))
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
    assert notice.error == f"Given up after {notice.attempts} tries: Resend answered 500."
    assert (notice.next_try_at_ms, post.letters_kept()) == (None, 0)


def test_a_notice_found_again_after_a_day_is_not_sent_twice(post: Post) -> None:
    """All workers died in the middle of a try; Resend has forgotten the key by now, so it must not be tried again."""
    post.happen()
    post.gather()
    post.claim()
    post.clock.advance(23 * 3600)
    given_up = post.claim()
    assert isinstance(given_up, Notice)
    assert (given_up.state, given_up.error) == ("failed", "It could not be sent in time.")
    assert post.claim() is None


def test_a_refusal_for_good_ends_it(post: Post) -> None:
    """With the words of the service."""
    post.happen()
    post.gather()
    assert post.finish(post.claim(), Refused("Resend answered 422: no")).state == "failed"
    assert post.history()[0].error == "Resend answered 422: no"


def test_switched_off_not_set_up_and_nobody_there(post: Post) -> None:
    """The notice is written and shown, and never sent."""
    post.command(lambda unit: manage.switch(unit, SYSTEM, START_MS, "key_created", on=False))
    post.happen()
    post.gather()
    post.office = SHUT
    post.happen("key_revoked")
    post.gather()
    states = {one.kind: (one.state, one.error) for one in post.history()}
    assert states == {"key_created": ("off", None), "key_revoked": ("unsent", "Mail is not set up.")}
    post.office = OFFICE
    assert post.claim() is None


def test_mail_that_is_turned_off_leaves_nothing_waiting(post: Post) -> None:
    """A start without the key: what waited is told to be unsent."""
    post.happen()
    post.gather()
    post.office = SHUT
    assert post.claim().state == "unsent"


def test_without_an_owner_nobody_is_told(post: Post) -> None:
    """Keys can be made at the command line before there is an owner."""
    with post.instance.database.main.begin() as connection:
        connection.execute(text("DELETE FROM accounts"))
    post.happen()
    post.gather()
    [notice] = post.history()
    assert (notice.state, notice.error) == ("unsent", "There is no owner yet.")


def test_an_event_that_no_words_fit_stops_nothing(post: Post) -> None:
    """It fails visibly; the next one is mailed."""
    post.happen("key_expiring", days="seven")
    post.happen("dead_key_called", count="many")
    post.happen()
    post.gather()
    assert {one.kind: one.state for one in post.history()}["key_created"] == "waiting"
    assert {one.kind: one.state for one in post.history()}["dead_key_called"] == "failed"


def test_the_first_digest_closes_before_the_next_opens(post: Post) -> None:
    """Twenty mails of a kind a day; the rest in one mail when the day is over, and nothing is in two."""
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
        post.finish(claimed, Sent("id"))
    post.clock.step((digest.next_try_at_ms - post.clock.now_ms()) / 1000)
    claimed = post.claim()
    assert claimed.letter.subject == "5 more notifications of one day"
    assert claimed.letter.text.count("The API key") == 5
    for _ in range(21):
        post.happen()
    post.gather()
    assert len([one for one in post.history() if one.kind == "digest"]) == 2
    post.finish(claimed, Sent("id"))
    assert {one.digest_id for one in post.history() if one.state == "digest"} == {
        one.id for one in post.history() if one.kind == "digest"
    }


def test_a_secret_link_is_never_in_the_database_in_plain(post: Post) -> None:
    """Sealed from the command on, through every try, and gone when the mail is."""
    url, keys = "https://ari.example.net/reset#token=" + "s3cret" * 7, post.instance.master_keys

    def ask(unit: Any) -> Notice:
        event = Event(new_id("evt", START_MS), START_MS, "password_reset_requested", "visitor", "usr_1", Origin("web"))
        unit.events.append(event)
        return outbox.post_secret(unit, keys, OFFICE, event, {"url": url}, START_MS)

    def everything() -> str:
        with post.instance.database.main.connect() as connection:
            rows = [connection.execute(text(f"SELECT * FROM {name}")).all() for name in ("notices", "sealed_secrets")]
        return repr(rows)

    def sealed() -> int:
        return len(post.instance.read(lambda unit: unit.sealed.all()))

    notice = post.command(ask)
    post.gather()
    assert [one.id for one in post.history()] == [notice.id]
    for _ in range(2):
        claimed = post.claim()
        assert url in claimed.letter.text
        assert claimed.letter.html.count("http") == 1
        assert ("s3cret" in everything(), sealed()) == (False, 1)
        done = post.finish(claimed, Again("later"))
        post.clock.advance((done.next_try_at_ms or 0) / 1000 - post.clock.now_ms() / 1000 + 1)
    post.finish(post.claim(), Sent("id"))
    assert ("s3cret" in everything(), sealed()) == (False, 0)


def test_a_secret_link_is_not_sent_when_it_no_longer_works(post: Post) -> None:
    """Half an hour; and not at all where no mail with a link can go."""
    keys = post.instance.master_keys

    def ask(unit: Any, office: Office = OFFICE) -> Notice:
        now_ms = post.clock.now_ms()
        event = Event(
            new_id("evt", now_ms), now_ms, "email_change_requested", "usr_1", None, Origin("web"), {"email": "n@x.org"}
        )
        unit.events.append(event)
        return outbox.post_secret(unit, keys, office, event, {"url": "https://ari.example.net/x"}, now_ms)

    assert post.command(ask).recipient == "n@x.org"
    post.clock.advance(30 * 60)
    assert post.claim().state == "failed"
    assert post.instance.read(lambda unit: unit.sealed.all()) == []
    for office in (SHUT, Office("resend", "a@example.net", None)):
        with pytest.raises(Conflict):
            post.command(lambda unit, office=office: ask(unit, office))


def test_a_lost_master_key_gives_the_mail_up(post: Post) -> None:
    """It stops nothing else."""
    keys = post.instance.master_keys

    def ask(unit: Any) -> Notice:
        event = Event(new_id("evt", START_MS), START_MS, "password_reset_requested", "visitor", None, Origin("web"))
        unit.events.append(event)
        return outbox.post_secret(unit, keys, OFFICE, event, {"url": "https://ari.example.net/x"}, START_MS)

    post.command(ask)
    keys.own_file.unlink()
    assert (post.claim().state, post.history()[0].error) == ("failed", "The mail could not be written (CannotOpen).")


def test_switches(post: Post) -> None:
    """Each kind has its default, changes by one event, and needs a session that was confirmed of late."""
    from ari.base.caller import Caller

    listed = post.instance.read(lambda unit: manage.switches(unit.notes))
    assert all(one.on for one in listed)
    assert "password_reset" not in {one.kind.name for one in listed}
    for _ in range(2):
        assert not post.command(lambda unit: manage.switch(unit, SYSTEM, START_MS, "key_widened", on=False)).on
    assert [one.kind.name for one in post.instance.read(lambda unit: manage.switches(unit.notes)) if not one.on] == [
        "key_widened"
    ]
    assert (
        len(post.instance.read(lambda unit: unit.events.page("key_widened", None, 9))) == 1
    )  # no other test switches it
    for name in ("password_reset", "nonsense"):
        with pytest.raises(NotFound):
            post.command(lambda unit, name=name: manage.switch(unit, SYSTEM, START_MS, name, on=False))
    stale = Caller("usr_1", Origin("web"), session_digest=b"x" * 32, confirmed_at_ms=START_MS - HOUR_MS)
    with pytest.raises(Unconfirmed):
        post.command(lambda unit: manage.switch(unit, stale, START_MS, "key_created", on=True))


def test_tests_are_few(post: Post) -> None:
    """Ten an hour, to the owner and to nobody else."""
    for _ in range(manage.TESTS_PER_HOUR):
        assert post.command(lambda unit: manage.begin_test(unit, SYSTEM, post.clock.now_ms())) == "owner@example.com"
        post.clock.advance(1)
    with pytest.raises(Limited) as refused:
        post.command(lambda unit: manage.begin_test(unit, SYSTEM, post.clock.now_ms()))
    post.clock.advance(refused.value.retry_after_seconds)
    post.command(lambda unit: manage.begin_test(unit, SYSTEM, post.clock.now_ms()))


def test_the_history_is_paged_and_ends(post: Post) -> None:
    """Newest first; what is done with is dropped when it is old, what waits is not."""
    for _ in range(3):
        post.happen()
        post.gather()
        post.clock.advance(1)
    newest = post.history()
    assert [one.at_ms for one in newest] == sorted((one.at_ms for one in newest), reverse=True)
    assert post.instance.read(lambda unit: manage.history(unit, newest[0].id, 1)) == newest[1:2]
    post.finish(post.claim(), Sent("id"))
    assert post.command(lambda unit: unit.notices.forget_before(post.clock.now_ms())) == 1
    assert [one.state for one in post.history()] == ["waiting", "waiting"]


def test_pauses_differ_by_chance() -> None:
    """Many instances that lost the same service do not come back at once."""
    chance = random.Random(7)
    pauses = {outbox.pause_ms(4, chance.random) for _ in range(50)}
    assert len(pauses) > 40
    assert all(0.8 * 240_000 <= pause <= 1.2 * 240_000 for pause in pauses)
    assert outbox.pause_ms(60, lambda: 0.5) == HOUR_MS
