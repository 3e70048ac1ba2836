"""The audit log to a syslog collector: at least once, from one process, through lost connections."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event as Flag

import pytest
from structlog.testing import capture_logs

from ari.base import audit_mark
from ari.base.audit import Mark
from ari.base.audit_lag import find_waiting
from ari.base.audit_lines import ChainedEvent
from ari.base.audit_mark import LEASE_MS
from ari.base.audit_verification import AuditCopy
from ari.base.errors import AriError
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs.audit_delivery import AuditDelivery
from ari.jobs.audit_syslog import AuditSyslog
from ari.outbound.syslog import SyslogConnection
from tests.support.audit_log import create
from tests.support.commands import clock_of
from tests.support.instances import opened
from tests.support.processes import eventually
from tests.support.syslog_collector import Collector, collecting

_started: list[AuditDelivery] = []
"""Those of the current test, to be ended with it."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture
def instance(data_dir: Path, database_url: str | None, collector: Collector) -> Iterator[Instance]:
    with opened(data_dir, database_url, audit_syslog=url_of(collector)) as found:
        yield found
        while _started:
            with suppress(AriError):
                _started.pop().sink.close()


def url_of(collector: Collector) -> str:
    return f"tcp://127.0.0.1:{collector.port}"


def start(instance: Instance, collector: Collector) -> AuditDelivery:
    """A process that delivers."""
    url = url_of(collector)
    return _make(instance, url, lambda: SyslogConnection(url, None, None))


def _make(instance: Instance, url: str, connect: Callable[[], SyslogConnection]) -> AuditDelivery:
    delivery = AuditDelivery(Deps(instance), AuditSyslog(Deps(instance), url, connect), Flag())
    _started.append(delivery)
    return delivery


def is_up_to_date(instance: Instance) -> bool:
    return Deps(instance).read_sync(find_waiting, instance.settings) == {"syslog": None}


def verify(messages: list[bytes]) -> AuditCopy:
    copy = AuditCopy()
    for message in messages:
        copy.add(message, "a message")
    copy.finish()
    return copy


def test_events_count_as_delivered_at_the_next_look(instance: Instance, collector: Collector) -> None:
    """Not when they are sent: the connection may already be lost."""
    create(instance, "first")
    delivery = start(instance, collector)
    delivery.run_once()
    assert verify(collector.wait_for(2)).count == 1
    assert not is_up_to_date(instance)
    eventually(lambda: delivery.run_once() and is_up_to_date(instance))
    assert len(collector.messages) == 2


def test_a_lost_connection_repeats_what_is_not_confirmed(instance: Instance, collector: Collector) -> None:
    """And nothing else; verifying takes the repeats as such."""
    create(instance, "first")
    delivery = start(instance, collector)
    eventually(lambda: delivery.run_once() and is_up_to_date(instance))
    create(instance, "second")
    delivery.run_once()
    collector.wait_for(3)
    collector.hang_up()
    with capture_logs() as logged:
        eventually(lambda: delivery.run_once() and is_up_to_date(instance) and collector.connections == 2)
    assert [line["log_level"] for line in logged] == ["error", "warning"]
    copy = verify(collector.wait_for(4))
    assert (copy.count, copy.repeats) == (2, 1)


def test_one_of_all_processes_sends(instance: Instance, collector: Collector) -> None:
    """Another takes over when it stops, or when its lease is over; the frozen one notices."""
    create(instance, "first")
    one, two = start(instance, collector), start(instance, collector)
    eventually(lambda: one.run_once() and is_up_to_date(instance))
    create(instance, "second")
    assert two.run_once() == 1.0
    assert collector.connections == 1
    clock_of(instance).step((LEASE_MS + 1) / 1000)
    two.run_once()
    one.run_once()  # it ends its connection: the collector of these tests takes one at a time
    eventually(lambda: two.run_once() and is_up_to_date(instance))
    verify(collector.wait_for(4))
    two.sink.close()
    create(instance, "third")
    eventually(lambda: one.run_once() and is_up_to_date(instance))
    assert verify(collector.wait_for(5)).count == 3


class SlowCollector(SyslogConnection):
    """Takes 40 seconds for an event, and confirms one later than it was sent."""

    def __init__(self, instance: Instance, got: list[str], look: Callable[[], object]) -> None:
        self._instance, self._got, self._look = instance, got, look

    def send(
        self,
        events: Sequence[ChainedEvent],
        head: Mark | None,
        now_ms: int,
        after_piece: Callable[[], None] = lambda: None,
    ) -> None:
        for one in events:
            clock_of(self._instance).step(40)
            self._got.append(one.event.id)
            after_piece()
            self._look()

    def find_delivered(self) -> str | None:
        return self._got[-2] if len(self._got) > 1 else None

    def close(self) -> None:
        pass


def test_a_backlog_for_a_slow_collector_is_sent_once(
    instance: Instance, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease is renewed and the mark moves within pages, so that nobody starts over."""
    monkeypatch.setattr("ari.jobs.audit_delivery.EVENTS_AT_ONCE", 3)
    for number in range(8):
        create(instance, f"key {number}")
    url, got, stolen, marks = url_of(collector), list[str](), list[str](), list[str | None]()
    other = _make(instance, url, lambda: SlowCollector(instance, stolen, lambda: None))

    def look() -> None:
        other.run_once()
        marks.append(Deps(instance).read_sync(audit_mark.read_mark, url).last_id)

    one = _make(instance, url, lambda: SlowCollector(instance, got, look))
    one.run_once()
    assert (len(got), len(set(got)), stolen) == (8, 8, [])
    assert marks == [None, *got[:7]]


def test_a_process_that_lost_its_lease_stops_sending(instance: Instance, collector: Collector) -> None:
    """In the middle of a page; the other one goes on where it was."""
    for number in range(3):
        create(instance, f"key {number}")
    url, got = url_of(collector), list[str]()

    def freeze() -> None:
        clock_of(instance).step((LEASE_MS + 1) / 1000)
        start(instance, collector).run_once()

    one = _make(instance, url, lambda: SlowCollector(instance, got, freeze))
    with capture_logs() as logged:
        one.run_once()
    assert "Another process began to send" in logged[0]["reason"]
    assert len(got) == 2
    assert verify(collector.wait_for(4)).count == 3


def test_another_collector_gets_the_whole_log(instance: Instance, collector: Collector) -> None:
    """A mark is about one address."""
    create(instance, "first")
    delivery = start(instance, collector)
    eventually(lambda: delivery.run_once() and is_up_to_date(instance))
    delivery.sink.close()
    with collecting() as other:
        start(instance, other).run_once()
        assert verify(other.wait_for(2)).count == 1


def test_a_collector_that_is_away_loses_nothing(instance: Instance, collector: Collector) -> None:
    """Events wait in the log."""
    create(instance, "first")
    away = SyslogConnection
    reachable = Flag()

    def connect() -> SyslogConnection:
        return away(url_of(collector) if reachable.is_set() else "tcp://127.0.0.1:1", None, None)

    delivery = _make(instance, url_of(collector), connect)
    with capture_logs() as logged:
        assert [delivery.run_once() for _ in range(3)] == [2, 4, 8]
    assert [line["reason"] for line in logged] == ["Can't reach 127.0.0.1:1: connection refused."]
    create(instance, "second")
    reachable.set()
    delivery.run_once()
    assert verify(collector.wait_for(3)).count == 2
