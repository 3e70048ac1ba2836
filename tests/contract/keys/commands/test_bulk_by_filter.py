"""One change to the keys with a tag, on both databases: one event for each key, none for keys that it doesn't fit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import BulkChange, NewConsumer, NewKey
from tests.support.commands import events_of
from tests.support.instances import START_MS, opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _change(instance: Instance, wanted: BulkChange, **fields: str) -> list[str]:
    found = Deps(instance).do_sync(lambda tx: keys.change_matching(tx, keys.make_filter(tx, **fields), wanted))  # type: ignore[arg-type]  # texts
    assert found.remaining == 0
    return sorted(key.name for key in found.keys)


def test_only_keys_that_change_are_changed(instance: Instance) -> None:
    """A repeat changes nothing and records nothing."""
    deps = Deps(instance)
    deps.do_sync(keys.create_consumer, NewConsumer("Acme", "x"))
    made = [deps.do_sync(keys.create, NewKey(name, consumer="x", tags=("t",))).key for name in ("a", "b")]
    deps.do_sync(keys.create, NewKey("other"))
    for wanted, event in (
        (BulkChange("disable"), "key_disabled"),
        (BulkChange("enable"), "key_enabled"),
        (BulkChange("expire", expires_at_ms=START_MS + DAY_MS), "key_expiry_changed"),
        (BulkChange("expire"), "key_expiry_changed"),
        (BulkChange("revoke", "over"), "key_revoked"),
    ):
        assert _change(instance, wanted, consumer="x", tag="t") == ["a", "b"]
        assert _change(instance, wanted, tag="t") == []
        assert [events_of(instance, key)[0] for key in made] == [event, event]
