"""Reads of the usage log, for reports, lists and the watch."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ari.base.errors import Unavailable
from ari.storage.database_errors import faults_as_unavailable, read_only
from ari.storage.usage.staging import REFUSALS


@contextmanager
def begin_read(engine: Engine) -> Iterator[Connection]:
    """A read-only snapshot. Raises ``Unavailable`` with one plain sentence: a driver's message may quote a row."""
    try:
        with faults_as_unavailable(), read_only(engine) as connection:
            yield connection
    except (SQLAlchemyError, *REFUSALS):
        raise Unavailable("The usage log cannot be read now.") from None
