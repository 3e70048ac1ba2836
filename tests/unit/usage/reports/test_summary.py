"""Counts of requests in a span of time, for every door."""

from pathlib import Path

from ari.base.clock import HOUR_MS
from ari.instance import Instance
from ari.usage import spans
from ari.usage.model import Attempt
from ari.usage.ports import Batch
from ari.usage.reports import summary
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row

DAY = spans.preset("24h", START_MS)


def _fill(instance: Instance) -> None:
    rows = [
        make_row(START_MS),
        make_row(START_MS - HOUR_MS),
        make_row(START_MS, code="revoked", count=7),
        make_row(START_MS, key_id=OTHER_KEY, route="/api/keys"),
        make_row(START_MS - 30 * HOUR_MS),
    ]
    instance.database.usage.commit(Batch(rows, attempts=[Attempt(START_MS, "unknown", "192.0.2.7", 3)]))


def test_the_parts_add_up_to_the_whole(data_dir: Path) -> None:
    """Promise 3 for readers: accepted and refused requests of the span, each counted once, floods in full."""
    with opened(data_dir, None) as instance:
        _fill(instance)
        found = summary.of_all(instance.database.reports, DAY)
    facts = summary.summary_facts(found, {KEY: "Laptop"})
    assert (facts["request_count"], facts["refused_count"]) == (3, 7)
    assert sum(part["request_count"] for part in facts["parts"]) == 3
    assert sum(part["refused_count"] for part in facts["parts"]) == 7
    assert {one["code"]: one["count"] for one in facts["codes"]} == {"ok": 3, "revoked": 7}


def test_keys_are_named_and_attempts_are_apart(data_dir: Path) -> None:
    """Attempts without a key are nobody's requests; a key that is gone has no name."""
    with opened(data_dir, None) as instance:
        _fill(instance)
        found = summary.of_all(instance.database.reports, DAY)
    facts = summary.summary_facts(found, {KEY: "Laptop"})
    assert [(one["key_id"], one["name"]) for one in facts["top_keys"]] == [(KEY, "Laptop"), (OTHER_KEY, None)]
    assert facts["key_count"] == 2
    assert facts["attempts"]["count"] == 3
    assert facts["attempts"]["reasons"] == [{"reason": "unknown", "count": 3}]
    assert [one["address"] for one in facts["attempts"]["top_addresses"]] == ["192.0.2.7"]


def test_the_summary_of_one_key_is_of_this_key_alone(data_dir: Path) -> None:
    """With its routes."""
    with opened(data_dir, None) as instance:
        _fill(instance)
        found = summary.of_key(instance.database.reports, OTHER_KEY, DAY)
    facts = summary.key_summary_facts(found)
    assert (facts["request_count"], facts["refused_count"]) == (1, 0)
    assert facts["routes"] == [{"route": "/api/keys", "request_count": 1, "refused_count": 0}]
    assert "attempts" not in facts
