"""Writers take their locks in one order: none waits for another in a ring, and a revoke misses no key."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ari import keys
from ari.accounts import setup, sign_in
from ari.accounts.password import Verdict
from ari.base.caller import Caller
from ari.base.errors import CallerRevoked, Conflict, NotFound, RateLimited, Unavailable
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.model import ApiKey
from ari.notifications import outbox
from ari.storage import dialect
from tests.support.commands import as_caller, change_key, create_key, delete_key, revoke_key
from tests.support.instances import opened

ROUNDS = 4
MAKERS = 5
TURNS = 12


def test_a_revoke_with_what_a_key_made_misses_none(data_dir: Path, database_url: str | None) -> None:
    """While keys that a key made create keys, one revoke kills them all; no command fails for want of a lock."""
    with opened(data_dir, database_url) as instance, ThreadPoolExecutor(MAKERS) as threads:
        for _ in range(ROUNDS):
            top = create_key(instance, "top", scopes=("keys:write",)).key
            makers = [create_key(instance, "maker", as_caller(top), scopes=("keys:write",)).key for _ in range(MAKERS)]
            begun, stop = threading.Barrier(MAKERS + 1), threading.Event()
            creating = [threads.submit(_create_until_dead, instance, maker, begun, stop) for maker in makers]
            begun.wait(30)
            try:
                revoke_key(instance, top, with_made=True)
            finally:
                stop.set()
            born = [key for one in creating for key in one.result()]
            assert len(born) >= MAKERS
            alive = [key for key in born if Deps(instance).read_sync(keys.get, key.id).status(0) == "active"]
            assert alive == []


def _create_until_dead(
    instance: Instance, maker: ApiKey, begun: threading.Barrier, stop: threading.Event
) -> list[ApiKey]:
    """Each key made is the maker of the next, so that the family grows in depth too."""
    born = [create_key(instance, "born", as_caller(maker), scopes=("keys:write",)).key]
    begun.wait(30)
    try:
        while not stop.is_set():
            born.append(create_key(instance, "born", as_caller(born[-1]), scopes=("keys:write",)).key)
    except CallerRevoked:
        pass
    return born


class Writers:
    """Every kind of writer at once, on the same few rows."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.keys = [create_key(instance, "shared", scopes=("keys:write",)).key for _ in range(3)]
        Deps(instance).do_sync(setup.bootstrap_owner, "owner@example.com", "no hash")

    def changes(self, turn: int) -> None:
        """Changes two keys in one transaction, in either order."""
        pair = self.keys[:2] if turn % 2 else self.keys[1::-1]
        with self.instance.database.writing() as tx:
            for key in pair:
                self._rename(tx, key, turn)

    def _rename(self, unit: Any, key: ApiKey, turn: int) -> None:
        keys.change(unit, key.id, keys.KeyChange(name=f"n{turn}", disabled=turn % 2 == 0))

    def creates(self, _turn: int) -> None:
        """Creates with a key that others change, and kills what it created."""
        made = create_key(self.instance, "made", as_caller(self.keys[2]), scopes=("keys:write",)).key
        revoke_key(self.instance, made, with_made=True)
        delete_key(self.instance, made)

    def signs_in(self, turn: int) -> None:
        """Signs in with a wrong password."""
        visitor = Deps(self.instance, Caller("visitor", Origin("web", f"192.0.2.{turn}"), scopes=()))
        attempt = visitor.do_sync(sign_in.begin, "owner@example.com")
        visitor.do_sync(sign_in.finish, attempt, Verdict(False))

    def sends_emails(self, _turn: int) -> None:
        """Makes notices of events."""
        instance = self.instance
        Deps(instance).do_sync(lambda unit: outbox.gather(unit, instance.mail.config))

    def stamps(self, turn: int) -> None:
        """Stamps what is expired, and extends and shortens a key."""
        ends = self.instance.now_ms() + 60_000 * (turn + 1)
        change_key(self.instance, self.keys[turn % 2], expires_at_ms=ends)
        Deps(self.instance).do_sync(keys.stamp_expired)


def test_no_two_writers_wait_for_each_other(data_dir: Path, database_url: str | None) -> None:
    """All kinds of writers at once on the same rows: each is done, and the chain of events is whole."""
    with opened(data_dir, database_url) as instance:
        writers = Writers(instance)
        kinds = (
            writers.changes,
            writers.changes,
            writers.creates,
            writers.signs_in,
            writers.sends_emails,
            writers.stamps,
        )
        with ThreadPoolExecutor(len(kinds)) as threads:
            ended = Counter(word for words in threads.map(_take_turns, kinds) for word in words)
        assert set(ended) <= {"done", "RateLimited", "Conflict", "NotFound"}, ended
        assert ended["done"] >= TURNS * 4


def _take_turns(work: Callable[[int], None]) -> list[str]:
    ended = []
    for turn in range(TURNS):
        try:
            work(turn)
        except (RateLimited, Conflict, NotFound, CallerRevoked) as error:
            ended.append(type(error).__name__)
        else:
            ended.append("done")
    return ended


def test_a_transaction_that_writes_begins_with_the_lock_of_the_chain(data_dir: Path, postgres_url: str) -> None:
    """Before its first statement, so that no command can take a row first; anyone who only reads waits for nobody."""
    held = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with opened(data_dir, postgres_url) as instance, instance.database.writing():
        with instance.database.log.connect() as other:
            assert other.execute(held).scalar_one() == 1
        assert Deps(instance).read_sync(lambda unit: unit.keys.count(instance.now_ms(), "all")) == 0


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_database_with_another_isolation_level_changes_nothing(
    data_dir: Path, postgres_url: str, isolation: str
) -> None:
    """Who waited for the lock reads what was committed before it got it, whatever the database's default is."""
    with opened(data_dir, postgres_url) as instance:
        with instance.database.main.begin() as connection:
            name = connection.execute(text("SELECT current_database()")).scalar_one()
            connection.execute(text(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation TO '{isolation}'"))
        instance.database.main.dispose()
        top = create_key(instance, "top", scopes=("keys:write",)).key
        with ThreadPoolExecutor(1) as threads, instance.database.writing() as unit:
            assert keys.get(unit, top.id).status(0) == "active"
            creating = threads.submit(create_key, instance, "born", as_caller(top), scopes=("keys:write",))
            _wait_for_waiter(instance)
            keys.revoke(unit, top.id, with_made=True)
        with pytest.raises(CallerRevoked):
            creating.result(30)


def _wait_for_waiter(instance: Instance) -> None:
    waits = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(500):
        with instance.database.log.connect() as connection:
            if connection.execute(waits).scalar_one():
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody waits for the lock")


def test_a_writer_that_is_frozen_is_ended(data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the lock of all; the database ends its transaction, the next writer goes on, and it learns of that."""
    with opened(data_dir, postgres_url) as instance:
        monkeypatch.setattr(dialect, "IDLE_SECONDS", 0.3)
        with pytest.raises(Unavailable):
            _freeze(instance, monkeypatch)
        assert Deps(instance).read_sync(lambda unit: unit.keys.count(instance.now_ms(), "all")) == 1


def _freeze(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    with instance.database.writing() as unit:
        monkeypatch.undo()
        create_key(instance, "goes on")  # waits for the lock, which the first holds and does not use
        keys.create(unit, keys.NewKey("frozen"))
