"""How a door does something: a command or a read, in a transaction, for one caller."""
# Imports inside functions here: the caller of a command in the terminal is neither a key nor an account.
# ruff: noqa: PLC0415

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ari.base.caller import SYSTEM, Caller
from ari.base.deadline import in_time, run_in_thread
from ari.instance import Instance
from ari.storage.transaction import Transaction

if TYPE_CHECKING:
    from ari.usage.ports import UsageReader

P = ParamSpec("P")
T = TypeVar("T")


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


@dataclass(frozen=True, slots=True)
class Deps:
    """An instance and the caller for whom its commands run; the caller is ARI itself by default.

    A command is a function whose first parameter is a transaction, such as ``ari.keys.revoke``. Its other arguments
    follow it: ``await deps.do(keys.revoke, key_id, reason="leaked")``.
    """

    instance: Instance
    caller: Caller = SYSTEM

    async def do(self, command: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a command in a thread. Raises what ``do_sync`` raises.

        After ``ANSWER_SECONDS`` it raises ``Unavailable``: whether the change was made is then unknown.
        """
        work = asyncio.to_thread(self.do_sync, command, *args, **kwargs)
        return await in_time(work, "the change may still be made")

    def do_sync(self, command: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a command in one write transaction, as the caller is in that transaction (security.md 12).

        Raises ``CallerRevoked``, ``Unavailable`` and what the command raises; then nothing is written.
        """
        with self.instance.database.writing(self.caller) as tx:
            tx.caller = reread(tx)
            return command(tx, *args, **kwargs)

    async def rehearse(
        self, command: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``rehearse_sync`` in a thread. Raises ``Unavailable`` after ``ANSWER_SECONDS``."""
        return await in_time(asyncio.to_thread(self.rehearse_sync, command, *args, **kwargs), "nothing was changed")

    def rehearse_sync(
        self, command: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a command as ``do_sync`` does and return its result, but write nothing: a dry run by the same rules."""
        results: list[T] = []

        def run(tx: Transaction) -> None:
            results.append(command(tx, *args, **kwargs))
            raise _Rehearsed

        try:
            self.do_sync(run)
        except _Rehearsed:
            return results[0]
        raise AssertionError("a rehearsal always ends with its result")

    async def read(self, query: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query in a thread, in a read-only snapshot. Raises ``Unavailable`` after ``ANSWER_SECONDS``."""
        return await run_in_thread(self.read_sync, query, *args, **kwargs)

    def read_sync(self, query: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a query in a read-only snapshot; the caller is not read again."""
        with self.instance.database.reading(self.caller) as tx:
            return query(tx, *args, **kwargs)

    async def read_for_caller(
        self, query: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As ``read``, for the caller as it is in that snapshot, if a request takes long. Raises ``CallerRevoked``."""

        def read() -> T:
            with self.instance.database.reading(self.caller) as tx:
                tx.caller = reread(tx)
                return query(tx, *args, **kwargs)

        return await run_in_thread(read)

    async def report(
        self, report: Callable[Concatenate["UsageReader", P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a report on the usage log, such as ``summary.of_all``, in a thread."""
        return await run_in_thread(report, self.instance.reports, *args, **kwargs)


def reread(tx: Transaction) -> Caller:
    """The caller of this transaction as it is now. Raises ``CallerRevoked`` if its key or session has ended."""
    if tx.caller.key_id is not None:
        from ari.keys.verify import reread_key

        return reread_key(tx)
    if tx.caller.session_digest is not None:
        from ari.accounts.sessions import reread_session

        return reread_session(tx.accounts, tx.caller, tx.now_ms)
    return tx.caller
