"""What only the database knows about the state of this instance, for monitoring: read in a bounded time."""

import asyncio
from dataclasses import dataclass

import structlog

from ari.backups.state import BackupState, read_state
from ari.base.audit_lag import find_waiting
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import outbox
from ari.usage.model import Backlog
from ari.usage.watch import scan
from ari.webhooks import delivery

PATIENCE_SECONDS = 2.0
"""Less than the 10 seconds that Prometheus waits for a response."""
_SECONDS_BETWEEN = 1.0

_log = structlog.get_logger("ari.api")


@dataclass(frozen=True, slots=True)
class StoredFacts:
    """``scanned_ms`` is when the usage watch last scanned; ``None`` if it is off or has not begun.

    ``audit_waiting`` is, for each copy of the audit log, since when an event waits for it.
    ``backup`` is the state of scheduled backups; ``None`` if they are off.
    """

    backlog: Backlog
    open_emails: int
    email_due_ms: int | None
    scanned_ms: int | None
    audit_waiting: dict[str, int | None]
    open_deliveries: int = 0
    delivery_queued_ms: int | None = None
    backup: BackupState | None = None


class StoredFactsReader:
    """Asks the database at most once a second, and once at a time, however many ask here."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._asking: asyncio.Task[StoredFacts | None] | None = None
        self._asked_at = 0.0

    async def read(self) -> StoredFacts | None:
        """The facts, or ``None`` if the database doesn't respond within two seconds or can't be used."""
        now = self._instance.clock.monotonic()
        if self._asking is None or (self._asking.done() and now >= self._asked_at + _SECONDS_BETWEEN):
            self._asking, self._asked_at = asyncio.create_task(self._ask()), now
        asking = self._asking
        if not asking.done():
            await asyncio.wait((asking,), timeout=PATIENCE_SECONDS)
        return asking.result() if asking.done() else None

    async def _ask(self) -> StoredFacts | None:
        instance = self._instance
        deps = Deps(instance)
        try:
            backlog = await instance.readiness.check("metrics")
            count, due_ms = await deps.read(outbox.count_open)
            deliveries, queued_ms = await deps.read(delivery.count_open)
            scanned_ms = await deps.read(scan.find_scanned_ms) if instance.settings.watch else None
            waiting = await deps.read(find_waiting, instance.settings)
            backup = None if instance.settings.backup_to is None else await deps.read(read_state)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other figures must be served
            _log.warning("the database's figures are missing in the metrics", reason=type(error).__name__)
            return None
        return StoredFacts(backlog, count, due_ms, scanned_ms, waiting, deliveries, queued_ms, backup)
