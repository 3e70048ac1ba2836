"""Reads of keys on the hot path: cached, and never older than the call."""

import asyncio
import gc
import sqlite3
import weakref
from contextlib import closing
from hashlib import sha256

import pytest
from sqlalchemy import select

from ari.base.errors import Unavailable
from ari.instance import Instance
from ari.keys.model import ApiKey
from ari.storage.commit_counter import CommitCounter
from ari.storage.engine import KEYS_FILE, USAGE_FILE
from ari.storage.lookups.keys import SqliteKeyLookup
from ari.storage.tables import key_secrets
from ari.usage.model import NO_USE
from ari.usage.ports import Batch, KeyLookup
from tests.support.commands import create_key, revoke_key
from tests.support.usage import make_row


def _digest(instance: Instance, key: ApiKey) -> bytes:
    with instance.database.main.connect() as connection:
        return bytes(
            connection.execute(select(key_secrets.c.digest).where(key_secrets.c.key_id == key.id)).scalar_one()
        )


def test_a_revoked_key_is_dead_for_the_next_call(instance: Instance) -> None:
    """Also in the same turn of the event loop, and although the key was cached."""
    key = create_key(instance).key
    digest = _digest(instance, key)

    async def run() -> None:
        lookup = await instance.database.open_lookup()
        for _ in range(3):
            assert await lookup.find(digest) == key
        revoke_key(instance, key)
        found = await lookup.find(digest)
        assert found is not None
        assert found.revoked_at_ms is not None
        await lookup.close()

    asyncio.run(run())


def test_a_lookup_that_is_dropped_keeps_no_file_open(instance: Instance) -> None:
    """It is in no reference cycle, which would keep it until Python collects the next ones."""
    files = instance.settings.data_dir / KEYS_FILE, instance.settings.data_dir / USAGE_FILE
    lookup = SqliteKeyLookup(*files, CommitCounter())
    asyncio.run(lookup.has_imported())
    dropped = weakref.ref(lookup.keys)
    gc.disable()
    try:
        del lookup
        assert dropped() is None
    finally:
        gc.enable()


def test_a_change_of_another_process_counts_from_its_commit(instance: Instance) -> None:
    """Whatever program made it: ARI's counter did not count that commit."""
    key = create_key(instance).key
    digest = _digest(instance, key)

    async def find_later(lookup: KeyLookup) -> ApiKey | None:
        await asyncio.sleep(0)  # a call that comes later, in a turn of its own
        return await lookup.find(digest)

    async def run() -> None:
        lookup = await instance.database.open_lookup()
        assert await find_later(lookup) == key
        with closing(sqlite3.connect(instance.settings.data_dir / KEYS_FILE, isolation_level=None)) as other:
            other.execute("UPDATE api_keys SET disabled = 1")
            after = await find_later(lookup)
        assert after is not None
        assert after.disabled
        await lookup.close()

    asyncio.run(run())


def test_a_key_that_is_made_later_is_found(instance: Instance) -> None:
    """That a digest was unknown is not remembered."""

    async def run() -> None:
        lookup = await instance.database.open_lookup()
        assert await lookup.find(sha256(b"nothing").digest()) is None
        key = create_key(instance).key
        assert await lookup.find(_digest(instance, key)) == key
        await lookup.close()

    asyncio.run(run())


def test_totals_are_those_of_the_last_fold(instance: Instance) -> None:
    """A key that was never used has none."""
    key = create_key(instance).key

    async def run() -> None:
        lookup = await instance.database.open_lookup()
        await lookup.check()
        assert await lookup.totals(key.id) == NO_USE
        instance.database.usage.commit(Batch([make_row(key_id=key.id)]))
        instance.database.usage.fold_all()
        await asyncio.sleep(0)
        assert (await lookup.totals(key.id)).request_count == 1
        await lookup.close()

    asyncio.run(run())


def test_what_cannot_be_read_is_no_response(instance: Instance) -> None:
    """Without the file no key is known to be good or bad: 503, never 200 and never 401."""
    digest = _digest(instance, create_key(instance).key)

    async def run() -> None:
        lookup = await instance.database.open_lookup()
        assert await lookup.find(digest) is not None
        (instance.settings.data_dir / KEYS_FILE).unlink()
        await asyncio.sleep(0)
        for _ in range(2):
            with pytest.raises(Unavailable):
                await lookup.find(digest)
        await lookup.close()

    asyncio.run(run())
