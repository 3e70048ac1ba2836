"""Promise 4: verifying asks the store once, and not at all for malformed text."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop

from ari import keys
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import KeyChange, NewKey, token
from ari.keys.checks import AccessRequest
from ari.keys.model import Refused
from ari.keys.verify import verify
from ari.storage.database_url import parse
from ari.storage.failover.history import History
from ari.storage.failover.link import Link
from ari.storage.lookups.keys import PostgresKeyLookup, SqliteKeyLookup
from ari.storage.lookups.sqlite import PostgresLookup
from ari.storage.postgres_sessions import Sessions
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.lookups import count_keys
from tests.support.usage import KEY, make_row


def test_one_statement_a_verification_on_sqlite(data_dir: Path) -> None:
    """Counted in the driver: the read, or the question whether the copy still holds; both once after a commit."""
    statements: list[str] = []

    async def run() -> list[str]:
        with opened(data_dir, None) as instance:
            made = [_create(instance) for _ in range(2)]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, SqliteKeyLookup)
            lookup.keys.trace(statements.append)

            async def run_statement(text: str) -> str:
                await asyncio.sleep(0)  # the next turn of the loop
                verdict = await verify(lookup, text.encode(), AccessRequest(None, instance.now_ms()))
                said, statements[:] = [one.split()[0] for one in statements], []
                return f"{verdict.reason.code if isinstance(verdict, Refused) else 'ok'}: {' '.join(said)}"

            (first, secret), (_, other) = made
            found = [
                await run_statement(text) for text in (secret, secret, other, other, "ari_k_nonsense", token.mint())
            ]
            Deps(instance).do_sync(keys.revoke, first)
            found += [await run_statement(text) for text in (secret, secret, other, other)]
            await lookup.close()
            return found

    before = ["ok: SELECT", "ok: PRAGMA", "ok: SELECT", "ok: PRAGMA", "malformed: ", "unknown: SELECT"]
    after = ["revoked: PRAGMA SELECT", "revoked: PRAGMA", "ok: SELECT", "ok: PRAGMA"]
    assert asyncio.run(run()) == before + after


def test_requests_that_arrived_before_the_look_share_it_and_no_later_one(data_dir: Path) -> None:
    """A turn of the loop asks once; what another process commits counts for all who come after, and at once what this
    process commits, even within the turn."""
    statements: list[str] = []

    async def run() -> list[list[str]]:
        with opened(data_dir, None) as instance, opened(data_dir, None) as elsewhere:
            key_id, secret = _create(instance)
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, SqliteKeyLookup)
            lookup.keys.trace(statements.append)
            found: list[list[str]] = []

            async def ask() -> str:
                verdict = await verify(lookup, secret.encode(), AccessRequest(None, instance.now_ms()))
                return verdict.reason.code if isinstance(verdict, Refused) else "ok"

            async def ask_in_turns(*work: Callable[[], object]) -> None:
                """One request; then work and a request each, all within one turn."""
                statements.clear()
                told = [await ask()]
                for one in work:
                    one()
                    told.append(await ask())
                found.append([*told, f"{len(statements)} statements"])
                await asyncio.sleep(0)

            await ask_in_turns()
            await ask_in_turns(lambda: None, lambda: None)
            _set_disabled(elsewhere, key_id, True)
            await ask_in_turns(lambda: None)
            await ask_in_turns(lambda: _set_disabled(instance, key_id, False))
            await lookup.close()
            return found

    assert asyncio.run(run()) == [
        ["ok", "1 statements"],
        ["ok", "ok", "ok", "1 statements"],
        ["disabled", "disabled", "2 statements"],
        ["disabled", "ok", "3 statements"],
    ]


def test_a_copy_never_outlives_its_file(data_dir: Path) -> None:
    """Replaced with an older copy, or removed: the next verification notices, whatever version the new file is at."""

    async def run() -> list[str]:
        with opened(data_dir, None) as instance:
            key_id, secret = _create(instance)
            file = data_dir / "ari.db"
            lookup = await instance.database.open_lookup()
            digest = token.parse(secret.encode())
            assert digest is not None
            found = [str(await lookup.find(digest) is not None) for _ in range(2)]
            instance.database.main.dispose()
            await lookup.close()
            (data_dir / "before.db").write_bytes(file.read_bytes())
            Deps(instance).do_sync(keys.revoke, key_id)
            for _ in range(2):
                revoked = await lookup.find(digest)
                found.append(str(revoked is not None and revoked.revoked_at_ms is not None))
            instance.database.main.dispose()
            for name in ("ari.db-wal", "ari.db-shm"):
                (data_dir / name).unlink(missing_ok=True)
            (data_dir / "before.db").replace(file)
            await asyncio.sleep(0)
            with pytest.raises(Unavailable, match="went back"):
                await lookup.find(digest)
            file.unlink()
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await lookup.find(digest)
            await lookup.close()
            return found

    assert asyncio.run(run()) == ["True"] * 4


def test_copies_are_bounded_and_never_of_unknown_keys(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the memory with guesses, nor with keys."""
    monkeypatch.setattr("ari.storage.lookups.keys.MAX_CACHED", 3)

    async def run() -> int:
        with opened(data_dir, None) as instance:
            secrets = [_create(instance)[1] for _ in range(8)]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, SqliteKeyLookup)
            largest = 0
            for secret in [*secrets, *(token.mint() for _ in range(20))]:
                await verify(lookup, secret.encode(), AccessRequest(None, instance.now_ms()))
                largest = max(largest, len(lookup.cached_keys))
            await lookup.close()
            return largest

    assert asyncio.run(run()) == 3


def test_a_few_keys_more_than_are_copied_cost_a_few_reads(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven keys used in turn, room for ten: evicting the oldest would make every one of them miss, every time."""
    monkeypatch.setattr("ari.storage.lookups.keys.MAX_CACHED", 10)
    statements: list[str] = []
    sweeps = 20

    async def run() -> int:
        with opened(data_dir, None) as instance:
            secrets = [_create(instance)[1] for _ in range(11)]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, SqliteKeyLookup)
            lookup.keys.trace(statements.append)
            for text in secrets * sweeps:
                await verify(lookup, text.encode(), AccessRequest(None, instance.now_ms()))
            await lookup.close()
            return sum(one.startswith("SELECT") for one in statements)

    assert 11 < asyncio.run(run()) < 11 * sweeps / 2


def test_totals_of_a_key_never_used_are_read_once_until_it_is(data_dir: Path) -> None:
    """That there are none is confirmed like any others: as many statements for a new key as for an old one."""
    statements: list[str] = []

    async def run() -> list[tuple[str, int]]:
        with opened(data_dir, None) as instance:
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, SqliteKeyLookup)
            lookup.key_totals.trace(statements.append)

            async def run_statement() -> tuple[str, int]:
                await asyncio.sleep(0)  # the next turn of the loop
                totals = await lookup.totals(KEY)
                said, statements[:] = [one.split()[0] for one in statements], []
                return " ".join(said), totals.request_count

            found = [await run_statement() for _ in range(2)]
            instance.database.usage.commit(Batch([make_row()]))
            instance.database.usage.fold()
            found += [await run_statement() for _ in range(2)]
            await lookup.close()
            return found

    assert asyncio.run(run()) == [("SELECT", 0), ("PRAGMA", 0), ("PRAGMA SELECT", 1), ("PRAGMA", 1)]


def _create(instance: Instance) -> tuple[str, str]:
    made = Deps(instance).do_sync(keys.create, NewKey("n"))
    return made.key.id, made.secret


def _set_disabled(instance: Instance, key_id: str, disabled: bool) -> None:
    change = KeyChange(disabled=disabled)
    Deps(instance).do_sync(keys.change, key_id, change)


def test_concurrent_lookups_share_one_round_trip_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """64 verifications at once are one statement, each with its own response."""

    async def run() -> tuple[int, list[bool]]:
        with opened(data_dir, postgres_url) as instance:
            secrets = [Deps(instance).do_sync(keys.create, NewKey("n")).secret for _ in range(3)] + [token.mint()]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, PostgresKeyLookup)
            asked = count_keys(lookup.keys, "ask")
            ask = AccessRequest(None, instance.now_ms())
            verdicts = await asyncio.gather(*(verify(lookup, secrets[n % 4].encode(), ask) for n in range(64)))
            await lookup.close()
            assert asked == [64]
            return len(asked), [bool(verdict) for verdict in verdicts]

    count, verdicts = asyncio.run(run())
    assert count == 1
    assert verdicts == [number % 4 != 3 for number in range(64)]


def _link(url: str, data_dir: Path) -> Link:
    return Link(Sessions(parse(url)), History(data_dir, "postgresql"))


def test_a_dropped_connection_is_replaced_without_a_refusal(data_dir: Path, postgres_url: str) -> None:
    """As after a restart of the server: the read is asked again, once, on a fresh connection."""

    async def run() -> list[Any]:
        points = PostgresLookup(
            _link(postgres_url, data_dir), "SELECT k || '!', k FROM unnest(%s::text[]) AS k", "gone", 5.0
        )
        found = [await points.row("a")]
        with psycopg.connect(postgres_url, autocommit=True) as other:
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ari verify'"
            )
        found += await asyncio.gather(points.row("b"), points.row("c"))
        await points.close()
        return found

    assert uvloop.run(run()) == [("a!",), ("b!",), ("c!",)]


def test_a_server_that_hangs_is_waited_for_once(data_dir: Path, postgres_url: str) -> None:
    """Lookups while it hangs, early or late, are refused when the first one times out."""
    asked: list[list[str]] = []

    async def run() -> None:
        under_way = asyncio.Event()

        class Hanging(PostgresLookup):
            async def ask(self, keys: list[Any]) -> dict[Any, Any]:
                asked.append(keys)
                under_way.set()
                return await super().ask(keys)

        points = Hanging(
            _link(postgres_url, data_dir), "SELECT pg_sleep(30)::text, k FROM unnest(%s::text[]) AS k", "gone", 0.5
        )
        first = asyncio.ensure_future(points.row("a"))
        await under_way.wait()
        late = asyncio.ensure_future(points.row("b"))
        for answer in (first, late):
            with pytest.raises(Unavailable):
                await answer
        await points.close()

    uvloop.run(run())
    assert asked == [["a"]]


def test_a_server_that_never_greets_is_given_up(data_dir: Path) -> None:
    """Connecting counts as waiting."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/x"

        async def run() -> None:
            points = PostgresLookup(_link(url, data_dir), "SELECT k, k FROM unnest(%s::text[]) AS k", "gone", 0.3)
            with pytest.raises(Unavailable):
                await points.row("a")
            await points.close()

        uvloop.run(run())
