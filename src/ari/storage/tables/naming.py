"""Names of constraints and indexes, and automatic row ids, on both databases."""

from sqlalchemy import BigInteger, Index, Integer, TextClause

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Sequence = BigInteger().with_variant(Integer, "sqlite")
"""SQLite assigns row ids only for a column declared INTEGER."""


def partial_index(name: str, *columns: str, where: TextClause) -> Index:
    """An index of the rows that meet a condition, on both databases.

    SQLAlchemy knows it as SQLite's alone: naming PostgreSQL's loads its dialect, a fifth of the time of a command. The
    migrations, which create all indexes, name both.
    """
    return Index(name, *columns, sqlite_where=where)
