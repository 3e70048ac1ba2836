"""The background scan: once a minute for all workers together."""

from pathlib import Path

from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.jobs.watch import scan_once
from ari.usage.ports import Batch
from ari.usage.watch.expiring import DAYS
from tests.support.commands import clock_of, create_key
from tests.support.instances import START_MS, opened
from tests.support.usage import make_row


def test_a_finding_is_recorded_once_however_many_workers_scan(data_dir: Path) -> None:
    """A key in use that expires within days is an event, from which the owner's email is made."""
    with opened(data_dir, None) as instance:
        key = create_key(instance, expires_at_ms=START_MS + 20 * DAY_MS).key
        assert scan_once(instance) == []
        for _ in range(20):
            clock_of(instance).advance(DAY_MS / 1000)
            if clock_of(instance).now_ms() >= START_MS + 20 * DAY_MS:
                break
            instance.database.usage.commit(Batch([make_row(instance.now_ms(), key_id=key.id)]))
            scan_once(instance)
            assert scan_once(instance) == [], "another worker within the minute"
        names = [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(key.id, None, 50))]
        assert 1 <= names.count("key_expiring") <= len(DAYS)
