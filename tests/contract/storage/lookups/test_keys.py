"""Promises 1 and 4 on PostgreSQL: a copied key counts only while no transaction of any program has changed one."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.storage.lookups.keys import PostgresKeyLookup
from ari.usage.model import NO_USE
from ari.usage.ports import Batch
from tests.support.instances import opened
from tests.support.lookups import count_keys
from tests.support.usage import make_row


class Watched:
    """A lookup with a count of what its statements were asked to bring."""

    def __init__(self, lookup: PostgresKeyLookup) -> None:
        self.lookup = lookup
        self.asked = count_keys(lookup.keys, "rows")

    async def state(self, secret: str) -> str:
        """The key's state, and how many rows each statement was to bring."""
        digest = token.parse(secret.encode())
        assert digest is not None
        key = await self.lookup.find(digest)
        state = "unknown" if key is None else "revoked" if key.revoked_at_ms else "off" if key.disabled else "on"
        asked, self.asked[:] = list(self.asked), []
        return f"{state} {asked}"


def _with(
    data_dir: Path, url: str, work: Callable[[Instance, Watched, list[str], psycopg.Connection[Any]], Any]
) -> list[str]:
    async def run() -> list[str]:
        with opened(data_dir, url) as instance, psycopg.connect(url, autocommit=True) as hand:
            secrets = [_create_secret(instance) for _ in range(3)]
            lookup = await instance.database.open_lookup()
            assert isinstance(lookup, PostgresKeyLookup)
            found: list[str] = await work(instance, Watched(lookup), secrets, hand)
            await lookup.close()
            return found

    return asyncio.run(run())


def _create_secret(instance: Instance) -> str:
    return Deps(instance).do_sync(keys.create, NewKey("n")).secret


_DISABLE = "UPDATE api_keys SET disabled = true WHERE id = (SELECT key_id FROM key_secrets WHERE digest = %s)"


def test_what_is_copied_is_asked_about_and_not_read(data_dir: Path, postgres_url: str) -> None:
    """One statement a verification, which brings rows of others only; two once after a change."""

    async def work(instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        first, second, _ = secrets
        found = [await watched.state(one) for one in (first, first, second, first, token.mint())]
        _create_secret(instance)
        found.append(await watched.state(first))
        return found

    assert _with(data_dir, postgres_url, work) == ["on [1]", "on [0]", "on [1]", "on [0]", "unknown [1]", "on [0]"]


@pytest.mark.parametrize(
    ("change", "then"),
    [
        ("UPDATE api_keys SET revoked_at_ms = 1, revoked_by = 'x'", "revoked [0, 1]"),
        ("UPDATE api_keys SET disabled = true", "off [0, 1]"),
        ("SET session_replication_role = replica; UPDATE api_keys SET disabled = true", "off [0, 1]"),
        ("DELETE FROM api_keys", "unknown [0, 1]"),
        ("TRUNCATE api_keys", "unknown [0, 1]"),
        ("DELETE FROM key_mark; UPDATE api_keys SET disabled = true", "off [0, 1]"),
        ("BEGIN; SAVEPOINT s; UPDATE api_keys SET disabled = true; RELEASE s; COMMIT", "off [0, 1]"),
    ],
)
def test_a_change_by_whomever_is_seen_by_the_next_call(
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
        *("on [0, 1]", "off [1]"),
        *("off [0, 1]", "off [1]"),
    ]


def test_nothing_is_copied_without_a_mark(data_dir: Path, postgres_url: str) -> None:
    """A table that somebody emptied costs time, not truth."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        hand.execute("DELETE FROM key_mark")
        return [await watched.state(secrets[0]) for _ in range(3)]

    assert _with(data_dir, postgres_url, work) == ["on [1]"] * 3


def test_copies_do_not_outlive_their_server(data_dir: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another server behind the same address may give the same number to another change."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], _hand: object) -> list[str]:
        found = [await watched.state(secrets[0]) for _ in range(2)]
        rows = watched.lookup.keys.rows

        async def from_another_server(statement: str, *asked: list[Any]) -> list[tuple[Any, ...]]:
            return [(mark, started_at + 1.0, *rest) for mark, started_at, *rest in await rows(statement, *asked)]

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
    """Also as the plan for any keys that PostgreSQL keeps for a prepared statement."""

    async def work(_instance: Instance, watched: Watched, secrets: list[str], hand: Any) -> list[str]:
        rows, statements = watched.lookup.keys.rows, []

        async def record(statement: str, *asked: list[Any]) -> list[tuple[Any, ...]]:
            statements.append(statement)
            return await rows(statement, *asked)

        monkeypatch.setattr(watched.lookup.keys, "rows", record)
        await watched.state(secrets[0])
        [statement] = statements
        hand.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        numbered = statement.replace("%s", "$1", 1).replace("%s", "$2")
        hand.execute(f"PREPARE asked (text[], bytea[]) AS {numbered}")
        return [line for (line,) in hand.execute("EXPLAIN EXECUTE asked ('{}', '{}')")]

    plan = _with(data_dir, postgres_url, work)
    for index in ("pk_key_secrets", "pk_api_keys"):
        assert any(index in line for line in plan), plan


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
