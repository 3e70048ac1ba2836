"""SQL statements compiled once in a process: SQLAlchemy compiles each of them again for each engine.

A request to an app that was just made spends a third of its processor time on that.
"""

from collections.abc import Hashable
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

_MAX_STATEMENTS = 5_000


class _Statements(LRUCache[Any, Any]):
    """SQLAlchemy's cache of one engine, for all engines with the same kind of database."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_any_engine(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_any_engine(key), value)


def _of_any_engine(key: Any) -> Hashable:
    """The key without the one engine's dialect, which it begins with."""
    dialect, *rest = key
    return (type(dialect), *rest)


@cache
def share() -> None:
    """From now on, all engines of this process and its children share what they compile."""
    statements = _Statements(_MAX_STATEMENTS)

    @event.listens_for(Engine, "engine_connect")
    def _use(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)
