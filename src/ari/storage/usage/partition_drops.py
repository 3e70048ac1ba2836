"""Drops one day of PostgreSQL's log in milliseconds, after its rows were counted without a lock that others wait for.

One transaction counts, adds the counts to the totals, and drops, so ``totals = rows + removed`` holds at any time.
"""

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from ari.keys.reasons import ACCEPTED
from ari.storage.postgres_sessions import set_limits
from ari.storage.usage.partitions import Partition
from ari.storage.usage.texts import find_number

_TRIES = 5
_FOLD_TIMEOUT, _DROP_TIMEOUT = "2s", "100ms"
"""How long to wait for a fold, and for the lock that readers queue behind."""
_COUNT = """SELECT "key", coalesce(sum(count) FILTER (WHERE code = :accepted), 0),
    coalesce(sum(count) FILTER (WHERE code <> :accepted), 0), count(*) FROM {} GROUP BY 1"""
_ADD_REMOVED = text("""UPDATE usage_totals AS totals SET
    removed_request_count = removed_request_count + given.accepted,
    removed_refused_count = removed_refused_count + given.refused
    FROM unnest(CAST(:keys AS integer[]), CAST(:accepted AS bigint[]), CAST(:refused AS bigint[]))
        AS given(key, accepted, refused) JOIN usage_names AS names ON names.number = given.key
    WHERE totals.key_id = names.text""")


def drop(engine: Engine, partition: Partition) -> int | None:
    """Drop a partition; returns how many rows it had. ``None``, and nothing changed, where other transactions use the
    log all the time, as a backup does. Raises what the driver raises."""
    name = engine.dialect.identifier_preparer.quote(partition.name)
    with engine.begin() as connection:
        set_limits(connection, {"lock_timeout": _FOLD_TIMEOUT, "statement_timeout": "0"})
        if not _is_locked(connection, f"LOCK TABLE {name} IN SHARE MODE"):
            return None
        accepted = find_number(connection, ACCEPTED)
        counts = connection.execute(text(_COUNT.format(name)), {"accepted": accepted}).all()
        columns = [[int(value) for value in column] for column in zip(*counts, strict=True)] or [[], [], [], []]
        removed = dict(zip(("keys", "accepted", "refused"), columns, strict=False))
        if not any(_try_drop(connection, name, removed) for _ in range(_TRIES)):
            return None
    return sum(columns[-1])


def _try_drop(connection: Connection, name: str, removed: dict[str, list[int]]) -> bool:
    try:
        with connection.begin_nested():  # gives its locks back where it fails
            connection.execute(text("LOCK TABLE usage_folds IN EXCLUSIVE MODE"))
            if removed["keys"]:
                connection.execute(_ADD_REMOVED, removed)
            set_limits(connection, {"lock_timeout": _DROP_TIMEOUT})
            connection.execute(text(f"DROP TABLE {name}"))
    except OperationalError as error:
        if not _is_taken(error):
            raise
        return False
    return True


def _is_locked(connection: Connection, statement: str) -> bool:
    try:
        connection.execute(text(statement))
    except OperationalError as error:
        if not _is_taken(error):
            raise
        return False
    return True


def _is_taken(error: OperationalError) -> bool:
    """Whether a lock was not to be had in time."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def is_in_use(error: DBAPIError) -> bool:
    """Whether a partition can't be dropped because something depends on it, such as a view of the operator's."""
    return getattr(error.orig, "sqlstate", None) == "2BP01"
