"""What every command finds in its transaction: who calls, the time, and the audit log to record the change in."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ari.base.caller import Caller
from ari.base.events import Event, EventStore
from ari.base.ids import new_id

P = ParamSpec("P")
T = TypeVar("T")


class CommandTransaction(Protocol):
    """One transaction: it commits as a whole when the command returns, and not at all when it raises."""

    @property
    def caller(self) -> Caller:
        """Who calls, as it is in this transaction (security.md 12)."""

    @property
    def now_ms(self) -> int:
        """When the transaction began."""

    @property
    def events(self) -> EventStore: ...


class Runner(Protocol):
    """Runs commands and queries, each in a transaction of its own: for work that also waits for the network."""

    @property
    def caller(self) -> Caller: ...

    async def do(self, command: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a command."""

    async def read(self, query: Callable[Concatenate[Any, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query."""


def new_event(
    tx: CommandTransaction,
    name: str,
    subject: str | None,
    detail: dict[str, Any] | None = None,
    *,
    caller: Caller | None = None,
) -> Event:
    """An event by the caller, which is not recorded yet; ``caller`` replaces the transaction's."""
    by = caller or tx.caller
    event_id = new_id("evt", tx.now_ms)
    return Event(event_id, tx.now_ms, name, by.actor, subject, by.origin, detail or {})


def record(
    tx: CommandTransaction,
    name: str,
    subject: str | None,
    detail: dict[str, Any] | None = None,
    *,
    caller: Caller | None = None,
) -> Event:
    """Record an event by the caller; ``caller`` replaces the transaction's."""
    event = new_event(tx, name, subject, detail, caller=caller)
    tx.events.append(event)
    return event


def record_bounded(tx: CommandTransaction, name: str, subject: str | None = None) -> None:
    """Record an event that strangers can cause without end: beyond a bound it is only counted."""
    tx.events.append_bounded(new_event(tx, name, subject))


class KeyValueStore(Protocol):
    """Small facts of the instance by name (the setup token's digest, whether it ever had an owner)."""

    def get(self, name: str) -> str | None: ...

    def put(self, name: str, value: str | None) -> None:
        """Set a value; ``None`` removes it."""
