"""Work in the background is traced where tracing is on: each piece once, only if there was something to do."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from ari.base.clock import DAY_MS
from ari.base.errors import Unavailable
from ari.base.traces import Attributes, TraceHeaders, Tracer
from ari.deps import Deps
from ari.instance import Instance, open_backup_target
from ari.jobs import ClockWatch, audit, keep_retention, tick, watch
from ari.jobs.audit_delivery import AuditDelivery
from ari.jobs.audit_file import AuditFile
from tests.support import scheduled
from tests.support.audit_log import create
from tests.support.commands import clock_of
from tests.support.hooks import URL, Hooks
from tests.support.instances import opened

TRACE = [("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]


@dataclass
class Spans:
    """A tracer that keeps what is traced; ``failed`` are the names of those that noted a failure or an error."""

    names: list[str] = field(default_factory=list)
    noted: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @contextmanager
    def trace(self, name: str, attributes: Attributes | None = None, *, is_call: bool = False) -> Iterator[Any]:
        self.names.append(name)
        self.noted |= {**(attributes or {}), f"{name} is a call": is_call}
        try:
            yield _Span(self, name)
        except Exception:
            self.failed.append(name)
            raise


@dataclass
class _Span:
    spans: Spans
    name: str

    def note(self, attributes: Attributes, *, failed: bool = False) -> None:
        self.spans.noted |= attributes
        if failed:
            self.spans.failed.append(self.name)

    def list_headers(self) -> TraceHeaders:
        return TRACE


def _trace(instance: Instance) -> Spans:
    spans = Spans()
    instance.tracer = cast("Tracer", spans)
    return spans


def test_webhooks_are_traced(data_dir: Path) -> None:
    """Each attempt, with the context that the receiver gets, and without the URL; nothing while nothing happens."""
    with opened(data_dir, None) as instance:
        hooks, spans = Hooks(instance), _trace(instance)
        made = hooks.add(["key.*"])
        hooks.round()
        spans.names.clear()
        assert hooks.round() == []
        assert spans.names == []
        hooks.happen()
        [(_, headers, _, _)] = hooks.round()
        assert headers["traceparent"] == TRACE[0][1]
        assert spans.names == ["ari.queue_webhooks", "ari.send_webhook"]
        assert (spans.failed, spans.noted["ari.webhook_id"]) == ([], made.webhook.id)
        assert spans.noted["ari.send_webhook is a call"]
        hooks.receivers.statuses["hooks.example.net"] = None
        hooks.happen()
        hooks.round()
        assert (spans.failed, spans.noted["error.type"]) == (["ari.send_webhook"], "no_response")
        assert URL not in repr(spans)


def test_untraced_webhooks_have_no_context(data_dir: Path) -> None:
    """Where tracing is off, a receiver gets no header of it."""
    with opened(data_dir, None) as instance:
        hooks = Hooks(instance)
        hooks.add()
        hooks.happen()
        [(_, headers, _, _)] = hooks.round()
        assert "traceparent" not in headers


def test_scans_and_ticks_are_traced(data_dir: Path) -> None:
    """A scan that another process has done isn't one, and a tick without hourly jobs isn't worth a span."""
    with opened(data_dir, None) as instance:
        spans, clock_watch = _trace(instance), ClockWatch(instance.clock)
        watch.scan_once(instance)
        watch.scan_once(instance)
        asyncio.run(tick(instance, clock_watch))
        asyncio.run(tick(instance, clock_watch))
        assert spans.names == ["ari.scan_usage", "ari.hourly_jobs"]


def test_the_audit_logs_upkeep_and_copies_are_traced(data_dir: Path, tmp_path: Path) -> None:
    """With how many events were removed and copied."""
    with opened(data_dir, None, event_retention_days=30) as instance:
        spans = _trace(instance)
        create(instance, "old")
        clock_of(instance).step(40 * DAY_MS / 1000)
        create(instance, "new")
        audit.round_of_audit(instance, None)
        assert (spans.names, spans.noted["ari.events"]) == (["ari.remove_old_events"], 1)
        sink = AuditFile(Deps(instance), tmp_path / "audit.jsonl")
        AuditDelivery(Deps(instance), sink, threading.Event()).run_once()
        sink.close()
        assert spans.names[1:] == ["ari.copy_audit_log"]
        assert spans.noted["ari.to"] == "file"


def test_backups_are_traced(data_dir: Path, tmp_path: Path) -> None:
    """Also one that fails."""
    folder = tmp_path / "backups"
    folder.mkdir()
    with opened(data_dir, None, backup_to=str(folder)) as instance:
        spans = _trace(instance)
        assert scheduled.run(instance, force=True) is not None
        assert (spans.names, spans.failed) == (["ari.backup"], [])
        assert spans.noted["ari.bytes"] > 0
        target = scheduled.FailingTarget(
            open_backup_target(instance.settings, str(folder)), store=Unavailable("The place is away.")
        )
        with pytest.raises(Unavailable):
            scheduled.run(instance, target, force=True)
        assert spans.failed == ["ari.backup"]


def test_retention_that_failed_is_repeated_within_minutes(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old usage, with addresses in it, would stay for another hour because of one long fold. The failure is logged."""
    removed: list[Any] = [Unavailable("Other transactions use the log."), 0]
    pauses: list[float] = []

    def remove(*_: Any) -> int:
        result = removed.pop(0)
        if isinstance(result, Unavailable):
            raise result
        return int(result)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if not removed:
            raise asyncio.CancelledError

    monkeypatch.setattr("ari.jobs.remove_old", remove)
    monkeypatch.setattr("ari.jobs.asyncio.sleep", pause)
    with opened(data_dir, None) as instance, capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        asyncio.run(keep_retention(instance, threading.Event()))
    assert pauses == [300, 3600]
    assert [one["reason"] for one in logs if "reason" in one] == ["Other transactions use the log."]
