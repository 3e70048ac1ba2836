"""How a connection begins: a pooler is found, and what would outlive a transaction is left out."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ari.storage.database_url import parse
from ari.storage.postgres_sessions import Pooler, Sessions, is_pooled, is_straight

SERVER_PID = 7


class _Asynchronous:
    """A connection of psycopg's kind; ``given`` is the process id that the client was given."""

    def __init__(self, given: int) -> None:
        self.info = SimpleNamespace(backend_pid=given)
        self.prepare_threshold: int | None = 5
        self.statements: list[str] = []

    async def execute(self, query: str | bytes) -> "_Asynchronous":
        self.statements.append(query.decode() if isinstance(query, bytes) else query)
        return self

    async def fetchone(self) -> tuple[int]:
        return (SERVER_PID,)


@pytest.mark.parametrize(
    ("pooler", "given", "pooled"),
    [
        ("auto", SERVER_PID, False),
        ("auto", 99, True),
        ("session", 99, False),
        ("transaction", SERVER_PID, True),
    ],
)
def test_nothing_is_prepared_through_a_pooler(pooler: Pooler, given: int, pooled: bool) -> None:
    """The next transaction may get another server, which knows no such statement. The operator's word counts more."""
    connection: Any = _Asynchronous(given)
    asyncio.run(Sessions(parse("postgresql://ari@db.example/ari"), pooler).abegin(connection))
    assert is_pooled(connection) is pooled
    words = ["SELECT"] * (pooler == "auto") + ["SET"] * (not pooled)
    assert [statement.split()[0] for statement in connection.statements] == words


@pytest.mark.parametrize(("row", "straight"), [((SERVER_PID,), True), ((99,), False), (None, False)])
def test_a_server_that_does_not_say_is_taken_for_a_pooler(row: tuple[int] | None, straight: bool) -> None:
    """That is slower, and never wrong."""
    result = SimpleNamespace(fetchone=lambda: row)
    connection = SimpleNamespace(execute=lambda _: result, info=SimpleNamespace(backend_pid=SERVER_PID))
    assert is_straight(cast("Any", connection)) is straight
