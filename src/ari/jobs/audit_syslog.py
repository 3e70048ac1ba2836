"""Sends the audit log to a collector of syslog messages (``ARI_AUDIT_SYSLOG``), from one process of all nodes."""

from collections.abc import Callable, Sequence

from ari.backups import audit_history
from ari.base import audit_mark
from ari.base.audit import Mark
from ari.base.audit_lines import ChainedEvent
from ari.base.clock import SECOND_MS
from ari.base.errors import AriError
from ari.base.ids import new_id
from ari.deps import Deps
from ari.outbound.syslog import SyslogConnection, SyslogFailed, describe_original

_RENEW_MS = 30 * SECOND_MS
"""A lease is extended when less is left of it."""


class AuditSyslog:
    """The collector. ``connect`` opens a connection to it."""

    name = "syslog"

    def __init__(self, deps: Deps, collector: str, connect: Callable[[], SyslogConnection]) -> None:
        self._deps = deps
        self._collector = collector
        self._place = audit_history.name_collector(collector)
        self._connect = connect
        self._holder = new_id("job", deps.instance.now_ms())
        self._connection: SyslogConnection | None = None
        self._mark: audit_mark.SyslogMark | None = None
        self._sent_id: str | None = None
        """The last event that was sent. It counts as delivered later."""

    @property
    def last_id(self) -> str | None:
        return self._sent_id

    def begin(self) -> bool:
        if self._connection is None:
            self._require_own()
        if not self._keep_lease():
            return False
        if self._connection is not None:
            self._confirm(self._connection)
        if self._mark is None:
            return False
        if self._connection is None:
            if not self._deps.read_sync(audit_history.is_claimed, self._place):
                self._deps.do_sync(audit_history.claim, self._place)
            self._connection = self._connect()
            self._sent_id = self._mark.last_id
        return True

    def deliver(self, events: Sequence[ChainedEvent], head: Mark | None) -> bool:
        assert self._connection is not None, "it was begun"
        try:
            self._connection.send(events, head, self._deps.instance.now_ms(), self._keep_sending)
        except AriError:
            self._disconnect()
            raise
        if events:
            self._sent_id = events[-1].event.id
        return True

    def start_over(self) -> None:
        """Nothing: what a collector has can't be read."""

    def close(self) -> None:
        """End the connection. What isn't confirmed yet comes again."""
        if self._connection is not None:
            try:
                self._confirm(self._connection)
            finally:
                self._disconnect()
        if self._mark is not None:
            self._deps.do_sync(audit_mark.release, self._collector, self._holder)
            self._mark = None

    def _require_own(self) -> None:
        """Raise ``SyslogFailed`` if the collector is that of the instance that this one was restored from."""
        last_id = self._deps.read_sync(audit_mark.read_mark, self._collector).last_id
        if not self._deps.read_sync(audit_history.may_write, self._place, last_id):
            raise SyslogFailed(describe_original(self._collector))

    def _keep_sending(self) -> None:
        """Extend the lease in the middle of a page. Raises ``SyslogFailed`` if another process has it."""
        if self._is_lease_long():
            return
        if self._connection is not None:
            self._confirm(self._connection)
        if not self._keep_lease() or self._connection is None:
            raise SyslogFailed("Another process began to send the audit log, since this one paused for too long.")

    def _is_lease_long(self) -> bool:
        now_ms, mark = self._deps.instance.now_ms(), self._mark
        return mark is not None and now_ms + _RENEW_MS < mark.until_ms <= now_ms + audit_mark.LEASE_MS

    def _keep_lease(self) -> bool:
        if self._is_lease_long():
            return True
        before, self._mark = self._mark, None
        if self._deps.read_sync(audit_mark.is_free, self._collector, self._holder):
            self._mark = self._deps.do_sync(audit_mark.claim, self._collector, self._holder)
        if self._mark is None or (before is not None and self._mark.last_id != before.last_id):
            self._disconnect()  # another process sent, and knows better where to continue
        return self._mark is not None

    def _confirm(self, connection: SyslogConnection) -> None:
        """Remember what the collector got. Raises ``SyslogFailed`` if it hung up; what it may lack comes again."""
        try:
            delivered_id = connection.find_delivered()
        except SyslogFailed:
            self._disconnect()
            raise
        known = None if self._mark is None else self._mark.last_id
        if delivered_id is not None and delivered_id != known:
            self._mark = self._deps.do_sync(audit_mark.advance, self._collector, self._holder, delivered_id)
            if self._mark is None:
                self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
