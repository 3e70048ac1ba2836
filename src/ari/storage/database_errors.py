"""Turns database failures into ``Unavailable`` with a plain sentence. Also the read-only transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ari.base.errors import Unavailable
from ari.storage.postgres_reasons import is_busy, is_canceled, is_final, log_reason, reason_of

_BROKEN = ("malformed", "not a database", "corrupt")
_FULL = ("disk is full", "readonly", "read-only", "unable to open", "disk i/o")


@contextmanager
def read_only(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction, which waits for no writer."""
    options = {"ari_read_only": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


@contextmanager
def faults_as_unavailable() -> Iterator[None]:
    """Raise ``Unavailable`` with a plain sentence if a database is locked, full, gone or broken."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise unavailable(error) from None
    except DBAPIError as error:
        text = str(error.orig).lower()
        if error.connection_invalidated or is_final(error) or any(word in text for word in (*_BROKEN, *_FULL)):
            raise unavailable(error) from None
        raise
    except OSError as error:
        raise Unavailable(f"Can't write to the data directory: {error.strerror}.") from None


def unavailable(error: Exception) -> Unavailable:
    """``error`` as a plain sentence for callers. The reason goes to the log and to operators."""
    reason = reason_of(error)
    if not is_busy(error):
        log_reason(reason)
    return Unavailable(plain_sentence(error), reason=reason)


def plain_sentence(error: Exception) -> str:
    """A sentence for the error, without the database's message, which may quote values."""
    text = str(getattr(error, "orig", error)).lower()
    if "no such table" in text:
        return "The database lacks a table that ARI needs. Nothing was changed. To see which, run: ari doctor"
    if any(word in text for word in _BROKEN):
        return "The database file is damaged. Restore it from a backup."
    if "full" in text:
        return "The disk is full. Nothing was changed."
    if any(word in text for word in _FULL):
        return "Can't write to the database. Check the disk and permissions of the data directory."
    if is_final(error):
        return "The database rejected a statement that ARI needs. Nothing was changed."
    if is_busy(error):
        return "Another change of the database takes too long. Nothing was changed."
    if is_canceled(error):
        return "The database canceled a statement, as it does when one takes too long. Nothing was changed."
    return "Can't connect to the database. Nothing was changed."
