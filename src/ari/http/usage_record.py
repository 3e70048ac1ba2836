"""The rows of one request in the usage log. No response is sent before its row is committed."""

import msgspec

from ari.base.clock import Clock
from ari.base.errors import Unavailable
from ari.http.request_head import RequestHead
from ari.keys.model import ApiKey
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch
from ari.usage.recorder import UsageRecorder


class UsageRecord(msgspec.Struct, eq=False):
    """``row`` exists once a known key was found in the request. ``extra_batch`` is committed together with it.

    ``started`` is the clock's monotonic time at which the request came.
    """

    recorder: UsageRecorder
    clock: Clock
    started: float
    row: UsageRow | None = None
    extra_batch: Batch | None = None
    is_committed: bool = False

    def begin(self, head: RequestHead, template: str, client_address: str | None, key: ApiKey, code: str) -> None:
        """Make the row; ``code`` is ``ok`` or the reason of the refusal."""
        self.row = UsageRow(
            head.id,
            head.at_ms,
            head.request_id,
            key.id,
            key.hint,
            code,
            head.method,
            template,
            head.raw_path.decode("latin-1"),
            client_address,
            head.user_agent,
        )

    async def commit_before_handler(self) -> None:
        """Commit the row of a request before its handler acts. Raises ``Unavailable``; then there is no second try."""
        row = self.row
        if row is None:
            return
        try:
            await self.recorder.write(row)
        except Unavailable:
            self.row = None
            raise
        self.is_committed = True

    async def commit(self, status: int, length: int | None) -> None:
        """Commit what is not committed yet, with the response's status and length. Raises ``Unavailable``."""
        row, extra = self.row, self.extra_batch
        if row is not None:
            if self.is_committed:
                self.complete(status, length)
                return
            row.status, row.bytes, row.duration_ms = status, length, self._duration_ms()
        if extra is not None:
            rows = extra.rows if row is None else (row, *extra.rows)
            await self.recorder.write_together(rows, extra.attempts)
        elif row is not None:
            await self.recorder.write(row)
        self.is_committed = True

    def complete(self, status: int, length: int | None) -> None:
        """Fill in the status of a committed row, by a later commit."""
        if self.row is not None and self.is_committed and self.row.status is None:
            self.row.status = status
            self.recorder.complete(Completion(self.row.id, status, self._duration_ms(), length))

    def _duration_ms(self) -> float:
        return round((self.clock.monotonic() - self.started) * 1000, 3)
