"""Statements of a fold that read the results of others: in steps on SQLite, in one on PostgreSQL."""

# ruff: noqa: S608 - every name in these statements is our own

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text


def fill(relations: Mapping[str, str]) -> list[str]:
    """Statements that fill these in temporary tables, for SQLite, which runs one change per statement."""
    return [
        statement
        for name, query in relations.items()
        for statement in (
            f"CREATE TEMP TABLE IF NOT EXISTS {name} AS SELECT * FROM ({query}) WHERE false",
            f"DELETE FROM {name}",
            f"INSERT INTO {name} {query}",
        )
    ]


def with_relations(relations: Mapping[str, str], *steps: str) -> str:
    """These steps in one statement, for PostgreSQL: temporary tables would fill its catalog with dead rows."""
    parts = [f"{name} AS MATERIALIZED ({query})" for name, query in relations.items()]
    parts += [f"step_{number} AS ({step})" for number, step in enumerate(steps)]
    return f"WITH {', '.join(parts)} SELECT 1"


def execute(connection: Connection, statements: Iterable[str], span: Mapping[str, int]) -> None:
    """Run each of these statements."""
    for statement in statements:
        connection.execute(text(statement), span)
