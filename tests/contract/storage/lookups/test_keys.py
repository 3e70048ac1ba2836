"""Promises 1 and 4 on PostgreSQL: a cached key counts only while no transaction of any program has changed its rows."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ari import keys
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.storage.lookups.keys import PostgresKeyLookup
from ari.storage.postgres_sessions import LOOKUP_PLANS
from ari.usage.model import NO_USE
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.lookups import count_keys
from tests.support.usage import make_row


class Watched:
    """A lookup with a count of the keys that its statements returned."""

    def __init__(self, lookup: PostgresKeyLookup) -> None:
        self.lookup = lookup
        self.asked = count_keys(lookup.keys, "rows")

    async def state(self, secret: str) -> str:
        """The key's state, and how many keys each statement returned."""
        digest = token.parse(secret.encode())
        assert digest is not None
        key = await self.lookup.find(digest)
        state = "unknown" if key is None else "revoked" if key.revoked_at_ms else "off" if key.disabled else "on"
        asked, self.asked[:] = list(self.asked), []
        return f"{state} {asked}"


def _with(
    data_dir: Path,
    url: str,
    work: Callable[[Instance, Watched, list[str], psycopg.Connection[Any]], Any],
    **settings: Any,
) -> list[str]:
    async def run() -> list[str]:
        with opened(data_dir, url, **settings) as instance, psycopg.connect(url, autocommit=True) as hand:
            secrets = [_create_secret(instance) for _ in range(3)]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, PostgresKeyLookup)
            found: list[str] = await work(instance, Watched(lookup), secrets, hand)
            await lookup.close()
            return found

    return asyncio.run(run())


def _create_secret(instance: Instance) -> str:
    return Deps(instance).do_sync(keys.create, NewKey("n")).secret


_CONSUMER = "INSERT INTO consumers (id, name, folded_name, created_at_ms, created_by)"
_DISABLE = "UPDATE api_keys SET disabled = true WHERE id = (SELECT key_id FROM key_secrets WHERE digest = %s)"


def test_a_cached_key_is_compared_and_not_read(data_dir: Path, postgres_url: str) -> None:
    """Each verification is one statement, which returns a key only the first time."""

    async def work(instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        first, second, _ = secrets
        found = [await watched.state(one) for one in (first, first, second, first, token.mint())]
        _create_secret(instance)
        found.append(await watched.state(first))
        return found

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [0]", "on [1]", "on [0]", "unknown [0]", "on [0]"]


@pytest.mark.parametrize(
    ("change", "then"),
    [
        ("UPDATE api_keys SET revoked_at_ms = 1, revoked_by = 'x'", "revoked [1]"),
        ("UPDATE api_keys SET disabled = true", "off [1]"),
        ("SET session_replication_role = replica; UPDATE api_keys SET disabled = true", "off [1]"),
        ("ALTER TABLE api_keys DISABLE TRIGGER ALL; UPDATE api_keys SET disabled = true", "off [1]"),
        ("UPDATE api_keys SET disabled = true; CLUSTER api_keys USING pk_api_keys", "off [1]"),
        ("DELETE FROM api_keys", "unknown [1]"),
        ("DELETE FROM key_secrets", "unknown [1]"),
        ("TRUNCATE api_keys", "unknown [1]"),
        ("TRUNCATE api_keys, key_secrets", "unknown [1]"),
        ("BEGIN; SAVEPOINT s; UPDATE api_keys SET disabled = true; RELEASE s; COMMIT", "off [1]"),
        ("BEGIN; SAVEPOINT s; UPDATE api_keys SET disabled = true; ROLLBACK TO s; COMMIT", "on [0]"),
        ("UPDATE key_secrets SET retires_at_ms = 1", "on [1]"),
        ("UPDATE api_keys SET consumer_id = 'c'", "on [1]"),
        (f"{_CONSUMER} VALUES ('d', 'n', 'n', 1, 'x')", "on [0]"),
    ],
)
def test_a_change_by_any_program_is_seen_by_the_next_call(
    data_dir: Path, postgres_url: str, change: str, then: str
) -> None:
    """Not only our own commands: a database's owner may revoke in SQL."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        found = [await watched.state(secrets[0]) for _ in range(2)]
        hand.execute(change)
        return [*found, await watched.state(secrets[0])]

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [0]", then]


def test_a_change_counts_from_its_commit_whatever_its_number(data_dir: Path, postgres_url: str) -> None:
    """Two that overlap and commit against the order in which they began; neither waits for the other before."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        one, two = (token.parse(secret.encode()) for secret in secrets[:2])
        found = [await watched.state(secret) for secret in secrets[:2]]
        with psycopg.connect(postgres_url) as early, psycopg.connect(postgres_url) as late:
            early.execute(_DISABLE, (one,))
            late.execute(_DISABLE, (two,))
            found += [await watched.state(secret) for secret in secrets[:2]]
            late.commit()
            found += [await watched.state(secret) for secret in secrets[:2]]
            early.commit()
            found += [await watched.state(secret) for secret in secrets[:2]]
        return found

    assert _with(data_dir, postgres_url, work) == [
        *("on [1]", "on [1]"),
        *("on [0]", "on [0]"),
        *("on [0]", "off [1]"),
        *("off [1]", "off [0]"),
    ]


def test_changes_of_other_keys_cost_no_key_a_read(data_dir: Path, postgres_url: str) -> None:
    """A thousand revokes of others leave a cached key cached."""

    async def work(instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        found = [await watched.state(secret) for secret in secrets[:2]]
        for n in range(20):
            hand.execute(_DISABLE, (token.parse(secrets[1].encode()),))
            Deps(instance).do_sync(keys.create, NewKey(f"n{n}"))
            found.append(await watched.state(secrets[0]))
        return [*found, await watched.state(secrets[1])]

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [1]", *["on [0]"] * 20, "off [1]"]


def test_a_change_of_the_consumer_is_seen_by_the_next_call(data_dir: Path, postgres_url: str) -> None:
    """Its policy decides about each of its keys; that of another consumer about none of them."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        for name in ("mine", "other"):
            hand.execute(f"{_CONSUMER} VALUES (%s, 'n', 'n', 1, 'x')", (name,))
        hand.execute("UPDATE api_keys SET consumer_id = 'mine'")
        digest = token.parse(secrets[0].encode())
        assert digest is not None
        found = []
        for name in ("first", "mine", "other"):
            hand.execute("UPDATE consumers SET name = %s WHERE id = %s", (name, name))
            state = await watched.state(secrets[0])
            key = await watched.lookup.find(digest)
            watched.asked.clear()
            assert key is not None
            assert key.consumer is not None
            found.append(f"{key.consumer.name} {state}")
        hand.execute("DELETE FROM consumers")
        return [*found, await watched.state(secrets[0])]

    assert _with(data_dir, postgres_url, work) == ["n on [1]", "mine on [1]", "mine on [0]", "on [1]"]


def test_rows_that_are_copied_in_again_are_read_again(data_dir: Path, postgres_url: str) -> None:
    """As by a restore of one table, in one transaction: COPY out, TRUNCATE, COPY in, and perhaps a change."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        found = [await watched.state(secrets[0])]
        for change in ("SET disabled = false", "SET disabled = true"):
            with hand.transaction():
                with hand.cursor().copy("COPY api_keys TO STDOUT") as out:
                    rows = b"".join(out)
                hand.execute("TRUNCATE api_keys")
                with hand.cursor().copy("COPY api_keys FROM STDIN") as into:
                    into.write(rows)
                hand.execute(f"UPDATE api_keys {change}")
            found += [await watched.state(secrets[0]) for _ in range(2)]
        return found

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [1]", "on [0]", "off [1]", "off [0]"]


def test_the_cache_ends_with_its_connection(data_dir: Path, postgres_url: str) -> None:
    """A server that crashed may have lost transactions, and may use their numbers again."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        found = [await watched.state(secrets[0]) for _ in range(2)]
        hand.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ari verify'")
        return [*found, *[await watched.state(secrets[0]) for _ in range(2)]]

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [0]", "on [1]", "on [0]"]


def test_versions_that_cannot_be_read_refuse(data_dir: Path, postgres_url: str) -> None:
    """Without its rows to compare, a cached key is never accepted; afterwards it is."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        found = [await watched.state(secrets[0])]
        for table in ("key_secrets", "api_keys", "consumers", "usage_folds"):
            hand.execute(f"ALTER TABLE {table} RENAME TO lost")
            with pytest.raises(Unavailable):
                await watched.state(secrets[0])
            hand.execute(f"ALTER TABLE lost RENAME TO {table}")
            watched.asked.clear()
        return [*found, (await watched.state(secrets[0])).split()[0]]

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on"]


def test_copies_do_not_outlive_their_server(data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server behind the same connection, as through a pooler, may give the same number to another change."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        found = [await watched.state(secrets[0]) for _ in range(2)]
        rows = watched.lookup.keys.rows

        async def from_another_server(statement: str, *asked: Any) -> list[tuple[Any, ...]]:
            return [(started_at + 1.0, *rest) for started_at, *rest in await rows(statement, *asked)]

        monkeypatch.setattr(watched.lookup.keys, "rows", from_another_server)
        return [*found, await watched.state(secrets[0])]

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [0]", "on [0, 1]"]


def test_copies_are_bounded_and_never_of_unknown_keys(
    data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody fills the memory with guesses, nor with keys."""
    monkeypatch.setattr("ari.storage.lookups.keys.MAX_CACHED", 2)

    async def work(_instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        sizes = []
        for secret in [*secrets, *(token.mint() for _ in range(5)), *secrets]:
            await watched.state(secret)
            sizes.append(len(watched.lookup.keys))
        return [str(max(sizes))]

    assert _with(data_dir, postgres_url, work) == ["2"]


def test_totals_are_read_again_once_they_moved(data_dir: Path, postgres_url: str) -> None:
    """And not before: they cost no round trip of their own."""

    async def run() -> list[int]:
        with opened(data_dir, postgres_url) as instance:
            secret = _create_secret(instance)
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, PostgresKeyLookup)
            trips = count_keys(lookup.key_totals, "ask")
            digest = token.parse(secret.encode())
            assert digest is not None

            async def count() -> int:
                key = await lookup.find(digest)
                assert key is not None
                totals = await lookup.totals(key.id)
                return 0 if totals is NO_USE else totals.request_count

            key = await lookup.find(digest)
            assert key is not None
            found = [await count()]
            for _ in range(2):
                instance.database.usage.commit(Batch(rows=[make_row(key_id=key.id)]))
                instance.database.usage.fold_all()
                found += [await count(), await count()]
            await lookup.close()
            return [*found, len(trips)]

    assert asyncio.run(run()) == [0, 1, 1, 2, 2, 3]


def test_the_statement_finds_keys_by_their_index(
    data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the plan that PostgreSQL keeps for a prepared statement, on tables that are empty when it is made."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        rows, statements = watched.lookup.keys.rows, []

        async def record(statement: str, *asked: Any) -> list[tuple[Any, ...]]:
            statements.append(statement)
            return await rows(statement, *asked)

        monkeypatch.setattr(watched.lookup.keys, "rows", record)
        await watched.state(secrets[0])
        [statement] = statements
        hand.execute("; ".join(f"SET {name} = {value}" for name, value in LOOKUP_PLANS.items()))
        for place in ("$1", "$2", "$3"):
            statement = statement.replace("%s", place, 1)
        hand.execute(f"PREPARE asked (text[], bytea[], text[]) AS {statement}")
        return [line for (line,) in hand.execute("EXPLAIN EXECUTE asked ('{}', '{}', '{}')")]

    plan = _with(data_dir, postgres_url, work)
    for index in ("pk_key_secrets", "pk_api_keys", "pk_consumers", "pk_events", "pk_usage_folds"):
        assert any(f"using {index}" in line for line in plan), plan
    assert not any("Seq Scan" in line or "hashed SubPlan" in line for line in plan), plan


@pytest.mark.parametrize("cached", [False, True])
def test_declared_scopes_are_read_in_the_statement_of_the_key(data_dir: Path, postgres_url: str, cached: bool) -> None:
    """One statement for both, and none of it is older than the call: another node may have changed it."""

    async def work(
        instance: Instance, watched: Watched, secrets: list[str], hand: psycopg.Connection[Any]
    ) -> list[str]:
        digest = token.parse(secrets[0].encode())
        assert digest is not None
        if cached:
            await watched.lookup.find(digest)
            watched.asked.clear()
        found = []
        for change in (
            None,
            "INSERT INTO custom_scopes VALUES ('orders:read', 'd', 1, 'x'), ('cats_a:pet', 'd', 1, 'x')",
            "DELETE FROM custom_scopes WHERE name = 'orders:read'",
        ):
            if change:
                hand.execute(change)
            wanted = ["orders:read", "orders:*", "cats_a:*", "cats:*", "catsaa:*"]
            key, undeclared = await asyncio.gather(watched.lookup.find(digest), watched.lookup.find_undeclared(wanted))
            assert key is not None
            found.append(" ".join(sorted(undeclared)))
        assert len(watched.asked) == 3
        return found

    every = "cats:* cats_a:* catsaa:* orders:* orders:read"
    assert _with(data_dir, postgres_url, work) == [every, "cats:* catsaa:*", "cats:* catsaa:* orders:* orders:read"]


def test_nothing_cached_counts_behind_a_pooler(data_dir: Path, postgres_url: str) -> None:
    """There a server that crashed and forgot a commit goes unnoticed, and may use a transaction's number again."""

    async def work(_instance: object, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        return [await watched.state(secrets[0]) for _ in range(2)]

    assert _with(data_dir, postgres_url, work, database_pooler="transaction") == ["on [1]", "on [1]"]
