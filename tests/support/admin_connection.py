"""A connection to PostgreSQL for single statements."""

from typing import Any

import psycopg


class AdminConnection:
    """It stays open between statements: a new one costs more than most of them. It is made when it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[Any] | None = None

    def run(self, statement: str) -> None:
        """Run a statement, on a new connection if the server was stopped or a test cut the one before."""
        if self._connection is not None and not self._connection.closed:
            try:
                self._connection.execute(statement.encode())
            except psycopg.OperationalError:
                if not self._connection.closed:
                    raise
            else:
                return
        self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        self._connection.execute(statement.encode())

    def close(self) -> None:
        """Let it go."""
        if self._connection is not None:
            self._connection.close()
