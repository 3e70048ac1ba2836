"""Threads without an event loop read keys in turns, each of which sees what was committed before it."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from ari import keys
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.guard.calling_thread import run_at_once
from ari.instance import Instance
from ari.keys import token
from ari.storage.engine import KEYS_FILE
from ari.storage.lookups.thread_lookup import SqliteThreadLookup
from ari.usage.ports import KeyLookup


@pytest.fixture
def lookup(instance: Instance) -> Iterator[SqliteThreadLookup]:
    found = instance.database.open_thread_lookup()
    assert found is not None
    yield found
    found.close()


def is_active(lookup: SqliteThreadLookup, secret: str) -> bool:
    """Whether the key isn't revoked, by one turn."""
    digest = token.parse(secret.encode())
    assert digest is not None
    key = lookup.run(lambda turn: run_at_once(turn.find(digest)))
    return key is not None and key.revoked_at_ms is None


def test_a_key_revoked_by_another_process_is_dead_in_the_next_turn(
    instance: Instance, lookup: SqliteThreadLookup
) -> None:
    """On whatever thread; each turn asks the file, also where the last one was a moment ago."""
    other = Instance.open(instance.settings)
    made = [Deps(instance).do_sync(keys.create, keys.NewKey(f"key {number}")) for number in range(20)]
    with ThreadPoolExecutor(4) as threads:
        for one in made:
            texts = [one.secret] * 8
            assert all(threads.map(is_active, [lookup] * 8, texts))
            Deps(other).do_sync(keys.revoke, one.key.id)
            assert not any(threads.map(is_active, [lookup] * 8, texts))
    other.close()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_an_interrupted_turn_leaves_nothing_behind(
    instance: Instance, lookup: SqliteThreadLookup, error: type[BaseException]
) -> None:
    """Its lookup may be half changed, so it is never used again; the next thread needn't wait."""
    made = Deps(instance).do_sync(keys.create, keys.NewKey("one"))
    seen: list[KeyLookup] = []

    def interrupt(turn: KeyLookup) -> None:
        seen.append(turn)
        raise error

    with pytest.raises(error):
        lookup.run(interrupt)
    assert is_active(lookup, made.secret)
    lookup.run(seen.append)
    assert seen[0] is not seen[1]


def test_an_interrupted_turn_leaves_no_file_open(instance: Instance, lookup: SqliteThreadLookup) -> None:
    """A forked child would go on with it. The turn ended between two statements, and its traceback is alive."""
    made = Deps(instance).do_sync(keys.create, keys.NewKey("one"))
    digest = token.parse(made.secret.encode())
    assert digest is not None
    keys_file = instance.settings.data_dir / KEYS_FILE
    instance.database.main.dispose()  # SQLite closes a file's descriptors once no connection of the process has locks
    during: list[int] = []

    def interrupt(turn: KeyLookup) -> None:
        run_at_once(turn.find(digest))
        during.append(count_descriptors(keys_file))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        lookup.run(interrupt)
    assert interrupted.value.__traceback__ is not None
    assert during == [1]
    assert count_descriptors(keys_file) == 0


def count_descriptors(file: Path) -> int:
    """How often this process has the file open."""
    found = 0
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):
            found += os.path.samestat(os.fstat(int(descriptor.name)), file.stat())
    return found


def test_a_turn_that_fails_keeps_its_lookup(instance: Instance, lookup: SqliteThreadLookup) -> None:
    """Keys that can't be read now are a 503, not a reason to read all others again."""
    seen: list[KeyLookup] = []

    def fail(turn: KeyLookup) -> None:
        seen.append(turn)
        raise Unavailable("The key store can't be read now.")

    for _ in range(2):
        with pytest.raises(Unavailable):
            lookup.run(fail)
    assert seen[0] is seen[1]


def test_a_closed_lookup_opens_again(instance: Instance, lookup: SqliteThreadLookup) -> None:
    """A request may come after the end of the app's own part."""
    made = Deps(instance).do_sync(keys.create, keys.NewKey("one"))
    assert is_active(lookup, made.secret)
    lookup.close()
    assert is_active(lookup, made.secret)


def test_a_turn_that_never_ends_holds_no_other_thread_for_long(
    instance: Instance,
) -> None:
    """It gets a 503 within the time limit of a verification, whatever the number of threads before it."""
    hurried = Instance.open(instance.settings.model_copy(update={"verify_timeout_seconds": 0.05}))
    lookup = hurried.database.open_thread_lookup()
    assert lookup is not None
    made = Deps(instance).do_sync(keys.create, keys.NewKey("one"))
    began, end = threading.Event(), threading.Event()

    def hang(_turn: KeyLookup) -> None:
        began.set()
        end.wait(10)

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(lookup.run, hang)
        assert began.wait(10)
        with pytest.raises(Unavailable, match="in time"):
            is_active(lookup, made.secret)
        end.set()
        hanging.result(10)
    assert is_active(lookup, made.secret)
    lookup.close()
    hurried.close()
