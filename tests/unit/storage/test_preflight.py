"""The questions to a PostgreSQL server before anything is created there; the server here says what a real one might."""

from types import SimpleNamespace
from typing import Any, Self

import pytest

from ari.base.errors import ConfigurationError
from ari.storage.database_url import parse
from ari.storage.postgres_sessions import Sessions
from ari.storage.preflight import ServerInfo, examine

FACTS: dict[str, Any] = {
    "version": "PostgreSQL 16.2 on x86_64",
    "encoding": "UTF8",
    "standby": False,
    "read_only": False,
    "search_path": '"$user", public',
    "schema": "public",
    "database": "ari",
    "pid": 7,
}
POOLER_PID, SERVER_PID = 99, 7


class _Server:
    """A connection that responds with these facts; through a pooler, the client was given another process id."""

    def __init__(self, pid: int, **facts: Any) -> None:
        self.info = SimpleNamespace(backend_pid=pid)
        self.autocommit = False
        self._facts = tuple({**FACTS, **facts}.values())
        self._row: tuple[Any, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def execute(self, query: str, _values: object = ()) -> "_Server":
        self._row = self._facts if "version()" in query else (SERVER_PID,)
        return self

    def fetchone(self) -> tuple[Any, ...]:
        return self._row

    def commit(self) -> None: ...


def _examine(monkeypatch: pytest.MonkeyPatch, pid: int = SERVER_PID, **facts: Any) -> ServerInfo:
    monkeypatch.setattr(Sessions, "open", lambda _: _Server(pid, **facts))
    return examine(Sessions(parse("postgresql://ari@db.example/ari")))


@pytest.mark.parametrize(("pid", "pooled"), [(SERVER_PID, False), (POOLER_PID, True)])
def test_a_good_server_is_described(monkeypatch: pytest.MonkeyPatch, pid: int, pooled: bool) -> None:
    """A pooler is found by the process id that it makes up."""
    assert _examine(monkeypatch, pid) == ServerInfo("PostgreSQL 16.2", "public", pooled)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"version": "PostgreSQL 12.9 on x86_64"}, "needs PostgreSQL 13 or newer. This server is PostgreSQL 12.9"),
        ({"version": "CockroachDB CCL v23.1"}, "This server is CockroachDB CCL"),
        ({"encoding": "LATIN1"}, "The database ari has encoding LATIN1"),
        ({"standby": True}, "standby"),
        ({"read_only": True}, "read-only"),
        ({"schema": None}, "No schema of search_path"),
        ({"search_path": "ari, public"}, "The first schema of search_path"),
        ({"search_path": '"a""b"', "schema": "public"}, "The first schema of search_path"),
    ],
)
def test_what_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], why: str) -> None:
    """In one sentence, before a table is made in the wrong place."""
    with pytest.raises(ConfigurationError) as refused:
        _examine(monkeypatch, **facts)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("search_path", "schema"), [("", "public"), ('"$user"', "ari"), ("ari", "ari"), ('"a""b", public', 'a"b')]
)
def test_a_search_path_that_holds(monkeypatch: pytest.MonkeyPatch, search_path: str, schema: str) -> None:
    """Quoted names are names as any other."""
    assert _examine(monkeypatch, search_path=search_path, schema=schema).schema == schema
