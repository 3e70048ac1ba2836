"""The metrics of this instance as OpenMetrics text, or in Prometheus's older format for clients that ask for that."""

import platform
from collections.abc import Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.exposition import generate_latest as write_plain
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as write_openmetrics
from prometheus_client.registry import Collector, CollectorRegistry

from ari import __version__
from ari.api.stored_facts import StoredFacts, StoredFactsReader
from ari.backups.state import BackupState
from ari.base.clock import SECOND_MS
from ari.http.presence import Presence
from ari.instance import Instance
from ari.metrics.catalog import FAMILIES, Family
from ari.metrics.recording import to_seconds

_OPENMETRICS, _PLAIN = "application/openmetrics-text", "text/plain"


class MetricsText:
    """``/metrics`` of one worker, with the counts of all processes of this ARI."""

    def __init__(self, instance: Instance, presence: Presence) -> None:
        self._instance = instance
        self._presence = presence
        self._stored = StoredFactsReader(instance)
        self._started = instance.now_ms() / SECOND_MS

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The text and its media type. Without a response of the database in two seconds, it has no figures of it."""
        stored = await self._stored.read()
        registry = CollectorRegistry()
        registry.register(_Collector([*self._list_counts(), *self._list_gauges(stored)]))
        # Not the library's own choice, which fails for a version that isn't a number.
        if _PLAIN in accept and _OPENMETRICS not in accept:
            return write_plain(registry), CONTENT_TYPE_PLAIN_0_0_4
        openmetrics: bytes = write_openmetrics(registry)  # type: ignore[no-untyped-call]  # untyped there
        return openmetrics, CONTENT_TYPE_LATEST

    def _list_counts(self) -> Iterator[Metric]:
        metrics = self._instance.metrics
        sums = metrics.add_up()
        for family in FAMILIES:
            found: Any = _KINDS[family.kind](family.name, family.help, labels=[name for name, _ in family.labels])
            for values in family.list_series():
                start = metrics.layout.find(family, *values)
                _add(found, family, values, sums[start : start + family.width])
            yield found

    def _list_gauges(self, stored: StoredFacts | None) -> Iterator[Metric]:
        instance, settings = self._instance, self._instance.settings
        kind = "sqlite" if settings.database_url is None else "postgresql"
        build = {"version": __version__, "python": platform.python_version(), "database": kind}
        yield InfoMetricFamily("ari_build", "The version of ARI and of Python, and the kind of database.", build)
        yield _gauge("ari_start_time_seconds", "When this ARI started, in Unix time.", self._started)
        yield _gauge("ari_workers", "Worker processes that this ARI should have.", settings.workers)
        yield _gauge("ari_workers_serving", "Worker processes that serve.", self._presence.count())
        yield _gauge("ari_low_disk", "1 if the disk is nearly full.", int(instance.usage.low_disk))
        yield _gauge("ari_database_up", "1 if keys can be verified and requests logged.", int(stored is not None))
        if stored is not None:
            yield from _list_stored(stored, instance.now_ms())
            if stored.backup is not None:
                yield from _list_backup(stored.backup, settings.backup_schedule.period_ms)


def _list_stored(stored: StoredFacts, now_ms: int) -> Iterator[Metric]:
    backlog = stored.backlog
    yield _gauge("ari_staged_rows", "Rows of the usage log that aren't folded into its totals yet.", backlog.rows)
    age = _seconds_since(backlog.oldest_at_ms, now_ms)
    yield _gauge("ari_staged_age_seconds", "Age of the oldest row that isn't folded yet.", age)
    text = "Logged requests that can't be folded, and are set aside until ARI starts again."
    yield _gauge("ari_set_aside_rows", text, backlog.set_aside)
    yield _gauge("ari_emails_waiting", "Emails that wait to be sent or to be tried again.", stored.open_emails)
    late = _seconds_since(stored.email_due_ms, now_ms)
    yield _gauge("ari_emails_overdue_seconds", "How long the first waiting email has been due.", late)
    yield _gauge(
        "ari_webhooks_waiting", "Webhook deliveries that wait to be sent or to be retried.", stored.open_deliveries
    )
    oldest = _seconds_since(stored.delivery_queued_ms, now_ms)
    yield _gauge("ari_webhooks_oldest_seconds", "Age of the oldest webhook delivery that waits.", oldest)
    if stored.scanned_ms is not None:
        lag = _seconds_since(stored.scanned_ms, now_ms)
        yield _gauge("ari_watch_lag_seconds", "Time since the usage watch last scanned, once a minute.", lag)
    if stored.audit_waiting:
        text = "Age of the oldest event that a copy of the audit log, a file or a syslog collector, lacks."
        lags = GaugeMetricFamily("ari_audit_copy_lag_seconds", text, labels=["copy"])
        for name, since_ms in stored.audit_waiting.items():
            lags.add_metric((name,), _seconds_since(since_ms, now_ms))
        yield lags


def _list_backup(state: BackupState, period_ms: int) -> Iterator[Metric]:
    period = period_ms / SECOND_MS
    yield _gauge("ari_backup_period_seconds", "How often a scheduled backup is due.", period)
    failures = "Attempts to write a scheduled backup that failed since the last verified one."
    yield _gauge("ari_backup_failures", failures, state.failures)
    yield _gauge("ari_backup_unremoved", "Old backups that retention couldn't remove.", state.unremoved)
    if state.verified_ms:
        at = "When the last verified backup was begun, in Unix time."
        yield _gauge("ari_backup_last_success_time_seconds", at, state.began_ms / SECOND_MS)
        took = "How long it took to write and verify it."
        yield _gauge("ari_backup_last_duration_seconds", took, state.duration_ms / SECOND_MS)


class _Collector(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self.found = found

    def collect(self) -> list[Metric]:
        return self.found


_KINDS: dict[str, Any] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}


def _add(found: Any, family: Family, values: tuple[str, ...], cells: list[int]) -> None:
    """Add one series; the cells of a histogram count each bucket for itself."""
    if family.kind != "histogram":
        found.add_metric(values, cells[0])
        return
    *buckets, total = cells
    count, found_buckets = 0, []
    for bound, number in zip((*map(str, family.bounds), "+Inf"), buckets, strict=True):
        count += number
        found_buckets.append((bound, count))
    found.add_metric(values, found_buckets, to_seconds(total))


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _seconds_since(at_ms: int | None, now_ms: int) -> float:
    return 0.0 if at_ms is None else max(0, now_ms - at_ms) / SECOND_MS
