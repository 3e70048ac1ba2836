"""The rows of one request in the usage log. No response is sent before its row is committed."""

from time import perf_counter

import msgspec
from msgspec.structs import replace

from ari.base.clock import Clock
from ari.base.errors import LimitExceeded, Unavailable
from ari.base.served_request import note_wait
from ari.http.request_head import RequestHead
from ari.keys.limits.budget_fields import budget_in_words, shortage_in_words
from ari.keys.limits.charge import Charge, Decision
from ari.keys.limits.counter import Exceeded
from ari.keys.limits.fields import describe_rate
from ari.keys.model import ApiKey
from ari.keys.reasons import ACCEPTED, REASONS
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch, UsageWriter


class UsageRecord(msgspec.Struct, eq=False):
    """``row`` exists once a known key was found in the request. ``extra_batch`` is committed together with it.

    ``started`` is the clock's monotonic time at which the request came. ``is_begun``: a commit of the row began. If an
    exception interrupted it, such as a time limit's or that of a canceled task, nobody knows whether the row is stored.
    """

    recorder: UsageWriter
    clock: Clock
    started: float
    row: UsageRow | None = None
    extra_batch: Batch | None = None
    is_begun: bool = False
    is_committed: bool = False

    def begin(self, head: RequestHead, template: str, client_address: str | None, key: ApiKey, code: str) -> None:
        """Make the row; ``code`` is ``ok`` or the reason of the refusal."""
        self.row = UsageRow(
            head.id,
            head.at_ms,
            head.request_id,
            key.id,
            key.used_hint,
            code,
            head.method,
            template,
            head.raw_path.decode("latin-1"),
            client_address,
            head.user_agent,
            secret_number=key.logged_secret,
        )
        owners = key.rule_owners
        if owners and code == ACCEPTED:
            self.row.charge = Charge(owners)

    async def commit_before_handler(self) -> None:
        """Commit the row of a request before its handler acts.

        Raises ``Unavailable``; then there is no second try. Raises ``LimitExceeded`` if a limit of the key refuses it.
        """
        row = self.row
        if row is None:
            return
        began, self.is_begun = perf_counter(), True
        try:
            await self.recorder.write(row)
        except Unavailable:
            self.row = None
            raise
        finally:
            note_wait("usage_log", began)
        self.is_committed = True
        self._raise_if_refused()

    async def commit_with(self, status: int) -> None:
        """Commit the row with the status that the response will have, unless a limit refuses the request.

        Raises as ``commit_before_handler`` does.
        """
        if self.row is not None:
            self.row.status, self.row.duration_ms = status, self._duration_ms()
        await self.commit_before_handler()

    async def commit_extra(self) -> None:
        """Commit ``extra_batch``, with the row if it is not committed, so that the response can say what was decided.

        Raises ``Unavailable``; then there is no second try.
        """
        row, extra = self.row, self.extra_batch
        assert extra is not None
        self.extra_batch = None
        rows = extra.rows if row is None or self.is_committed else (row, *extra.rows)
        began, self.is_begun = perf_counter(), True
        try:
            await self.recorder.write_together(rows, extra.attempts)
        except Unavailable:
            self.row = None
            raise
        finally:
            note_wait("usage_log", began)
        self.is_committed = True

    async def commit(self, status: int, length: int | None) -> None:
        """Commit what is not committed yet, with the response's status and length. Raises likewise.

        The status of a later call is that of the response that was sent in place of an earlier one.
        """
        row, extra = self.row, self.extra_batch
        if row is not None and self.is_begun:
            await self._correct(row, status, length)
            if extra is None:
                return
            row = None
        if row is not None:
            row.status, row.bytes, row.duration_ms = status, length, self._duration_ms()
            self.is_begun = True
        if extra is not None:
            rows = extra.rows if row is None else (row, *extra.rows)
            await self.recorder.write_together(rows, extra.attempts)
        elif row is not None:
            await self.recorder.write(row)
        self.is_committed = True
        self._raise_if_refused()

    async def _correct(self, row: UsageRow, status: int, length: int | None) -> None:
        """Give a row that is or may be stored this status. Raises ``Unavailable``."""
        if self.is_committed and row.status == status:
            return
        self.row = row = replace(row, status=status, bytes=length, duration_ms=self._duration_ms())
        if not self.is_committed:
            # Once only: if the row is stored, this changes nothing. It may have been charged.
            await self.recorder.write(replace(row, charge=None))
            self.is_committed = True
        self.recorder.complete(Completion(row.id, status, self._duration_ms(), length))

    def waive_charge(self) -> None:
        """Consume nothing from the key's limits."""
        if self.row is not None:
            self.row.charge = None

    @property
    def is_charged(self) -> bool:
        """Whether the request consumes from limits."""
        return self.row is not None and self.row.charge is not None

    @property
    def decision(self) -> Decision | None:
        """The decision of the commit about the calling key's limits; ``None`` before it."""
        charge = None if self.row is None else self.row.charge
        return None if charge is None else charge.decision

    def _raise_if_refused(self) -> None:
        if self.row is None or self.row.charge is None:
            return
        decision = self.row.charge.decision
        exceeded = None if decision is None else decision.exceeded
        if decision is not None and exceeded is not None:
            self.row.status = REASONS[exceeded.reason].status  # stored, so that no completion follows
            wait_seconds = decision.retry_after_seconds
            raise LimitExceeded(exceeded.reason, exceeded.name, wait_seconds, *_describe(exceeded))

    def complete(self, status: int, length: int | None) -> None:
        """Fill in the status of a row, by a later commit, if it has none or its commit was interrupted."""
        if self.row is not None and self.is_begun and (self.row.status is None or not self.is_committed):
            self.row = replace(self.row, status=status)
            self.recorder.complete(Completion(self.row.id, status, self._duration_ms(), length))

    def _duration_ms(self) -> float:
        return round((self.clock.monotonic() - self.started) * 1000, 3)


def _describe(exceeded: Exceeded) -> tuple[str | None, str | None]:
    """The rate of the limit or the amount of the budget, and the shortage of the budget, each in words."""
    budget, shortage, limit = exceeded.budget, exceeded.shortage, exceeded.limit
    if budget is not None:
        return budget_in_words(budget), None if shortage is None else shortage_in_words(shortage, budget.unit)
    return None if limit is None else describe_rate(limit), None
