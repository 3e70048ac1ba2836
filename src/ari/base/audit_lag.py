"""Since when the audit log waits to be copied, for metrics and ``ari doctor``."""

from typing import Protocol

from ari.base.audit_feed import FeedTransaction
from ari.base.audit_mark import FileMark, MarkTransaction, read_mark
from ari.base.settings import Settings


class LagTransaction(FeedTransaction, MarkTransaction, Protocol):
    """A transaction over the audit log and the marks of its copies."""


def find_waiting(tx: LagTransaction, settings: Settings) -> dict[str, int | None]:
    """For each place that settings name, since when an event waits for it; ``None`` if none does."""
    delivered: dict[str, str | None] = {}
    if settings.audit_file is not None:
        delivered["file"] = FileMark.read(settings.data_dir, settings.audit_file).last_id
    if settings.audit_syslog is not None:
        delivered["syslog"] = read_mark(tx, settings.audit_syslog).last_id
    return {name: tx.audit_feed.find_waiting_since(last_id) for name, last_id in delivered.items()}
