"""Filters for keys: bad texts are refused with their field."""

from typing import Any

import pytest

from ari.base.errors import Invalid
from ari.keys import KindChange, NewConsumer, add_kind, create_consumer, make_filter
from ari.keys.listing import KeyFilter
from tests.unit.keys.memory import MemoryTransaction


def test_a_consumer_is_named_by_either_id() -> None:
    """The filter has ARI's ID."""
    tx = MemoryTransaction()
    add_kind(tx, "acme", "acme_", KindChange())
    acme = create_consumer(tx, NewConsumer("Acme", "customer_4711"))
    for reference in (acme.id, "customer_4711"):
        made = make_filter(tx, consumer=reference, tag="billing", environment="test", kind="acme", activity="active")
        assert made == KeyFilter(tx.now_ms, "", "all", "active", acme.id, "billing", "test", "acme")
    assert make_filter(tx) == KeyFilter(tx.now_ms)


@pytest.mark.parametrize(
    "given",
    [
        {"consumer": "x"},
        {"consumer": ""},
        {"consumer": "a\0b"},
        {"tag": ""},
        {"tag": "No Tag"},
        {"environment": "dev"},
        {"kind": "none"},
    ],
)
def test_bad_texts_are_refused(given: dict[str, Any]) -> None:
    """An unknown consumer too: an empty list would hide a typing error."""
    with pytest.raises(Invalid) as raised:
        make_filter(MemoryTransaction(), **given)
    assert [problem.location.partition(".")[0] for problem in raised.value.problems] == list(given)


def test_all_bad_texts_are_named_at_once() -> None:
    """As for any other request."""
    with pytest.raises(Invalid) as raised:
        make_filter(MemoryTransaction(), consumer="x", tag="No", environment="dev", kind="none")
    assert [problem.location for problem in raised.value.problems] == ["consumer", "tag", "environment", "kind"]
