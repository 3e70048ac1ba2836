"""Counts the connections and errors of a database for monitoring."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.base import OptionEngine
from sqlalchemy.exc import InterfaceError, OperationalError

from ari.metrics.recording import Metrics

if TYPE_CHECKING:
    from ari.storage.failover.link import Link


def measure_database(engines: Iterable[Engine], link: "Link | None") -> Metrics:
    """Count from now on. A statement that breaks a rule of the schema, such as a repeated name, is no error here."""
    metrics = Metrics()
    if link is not None:
        link.on_connected = metrics.count_connection
    for engine in engines:
        if not isinstance(engine, OptionEngine):  # it reports to the engine that it was made of
            _measure(engine, metrics)
    return metrics


def _measure(engine: Engine, metrics: Metrics) -> None:

    @event.listens_for(engine, "connect")
    def _count_connection(*_: object) -> None:
        metrics.count_connection()

    @event.listens_for(engine, "handle_error")
    def _count_error(context: ExceptionContext) -> None:
        if context.is_disconnect or isinstance(context.sqlalchemy_exception, InterfaceError | OperationalError):
            metrics.count_database_error()
