"""Promise 4: verifying asks the store once, and not at all for malformed text."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from ari.base.caller import SYSTEM
from ari.keys import manage, token
from ari.keys.checks import Ask
from ari.keys.manage import NewKey
from ari.keys.model import Refused
from ari.keys.verify import verify
from ari.storage.finder import PostgresFinder, SqliteFinder
from tests.support.instances import opened


def test_one_statement_a_verification_on_sqlite(data_dir: Path) -> None:
    """Counted in the driver; a revoke through another connection is seen by the next one."""
    statements: list[str] = []

    async def run() -> list[str]:
        with opened(data_dir, None) as instance:
            new = NewKey("n")
            created = instance.command(SYSTEM, lambda unit, by: manage.create(unit, by, instance.now_ms(), new))
            finder = await instance.database.open_finder()
            assert isinstance(finder, SqliteFinder)
            ask = Ask(None, instance.now_ms())
            answers = [await verify(finder, created.secret.encode(), ask)]
            connection: sqlite3.Connection = finder._open()
            connection.set_trace_callback(statements.append)
            answers.append(await verify(finder, created.secret.encode(), ask))
            assert len(statements) == 1
            answers.append(await verify(finder, b"ari_k_nonsense", ask))
            assert len(statements) == 1
            instance.command(SYSTEM, lambda unit, by: manage.revoke(unit, by, instance.now_ms(), created.key.id))
            answers.append(await verify(finder, created.secret.encode(), ask))
            await finder.close()
            return [answer.reason.code if isinstance(answer, Refused) else "ok" for answer in answers]

    assert asyncio.run(run()) == ["ok", "ok", "malformed", "revoked"]


def test_concurrent_lookups_share_one_round_trip_on_postgresql(data_dir: Path, postgres_url: str) -> None:
    """64 verifications at once are one statement, each with its own answer."""

    async def run() -> tuple[int, list[bool]]:
        with opened(data_dir, postgres_url) as instance:
            secrets = [
                instance.command(
                    SYSTEM, lambda unit, by: manage.create(unit, by, instance.now_ms(), NewKey("n"))
                ).secret
                for _ in range(3)
            ] + [token.mint()]
            finder = await instance.database.open_finder()
            assert isinstance(finder, PostgresFinder)
            asked: list[int] = []
            ask_database = finder._ask

            async def counted(digests: list[bytes]) -> Any:
                asked.append(len(digests))
                return await ask_database(digests)

            finder._ask = counted  # type: ignore[method-assign]
            ask = Ask(None, instance.now_ms())
            verdicts = await asyncio.gather(*(verify(finder, secrets[n % 4].encode(), ask) for n in range(64)))
            await finder.close()
            assert asked == [64]
            return len(asked), [bool(verdict) for verdict in verdicts]

    count, verdicts = asyncio.run(run())
    assert count == 1
    assert verdicts == [number % 4 != 3 for number in range(64)]
