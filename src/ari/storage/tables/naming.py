"""Names of constraints and indexes, and automatic row ids, on both databases."""

from sqlalchemy import BigInteger, Integer

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Sequence = BigInteger().with_variant(Integer, "sqlite")
"""SQLite assigns row ids only for a column declared INTEGER."""
