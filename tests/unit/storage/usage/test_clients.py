"""The clients of keys: listed, walked in slices, and removed by age."""

import pytest
from sqlalchemy import Connection

from ari.instance import Instance
from ari.storage.usage import clients
from ari.usage.ports import Batch
from tests.support.instances import START_MS
from tests.support.usage import KEY, OTHER_KEY, make_row


@pytest.fixture
def seen_instance(instance: Instance) -> Instance:
    """KEY from three addresses, one after the other, and OTHER_KEY from one."""
    rows = [make_row(START_MS + number, client_address=f"192.0.2.{9 - number}") for number in range(3)]
    instance.database.usage.commit(Batch([*rows, make_row(START_MS + 9, key_id=OTHER_KEY, code="expired")]))
    instance.database.usage.fold_all()
    return instance


def _walk(connection: Connection, limit: int) -> list[tuple[clients.Name, int]]:
    found: list[tuple[clients.Name, int]] = []
    while some := clients.slice_after(connection, found[-1][0] if found else None, limit):
        found += some
    return found


def test_the_last_seen_come_first(seen_instance: Instance) -> None:
    """Of one key and one kind, at most the requested number."""
    with seen_instance.database.log.connect() as connection:
        found = clients.clients_of(connection, KEY, "address", 2)
        [other] = clients.clients_of(connection, OTHER_KEY, "user_agent", 9)
    assert [one.value for one in found] == ["192.0.2.7", "192.0.2.8"]
    assert (other.value, other.accepted_count, other.refused_count) == ("curl/7.88.1", 0, 1)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_slices_walk_over_every_client_once(seen_instance: Instance, limit: int) -> None:
    """Retention would keep a skipped one for ever."""
    with seen_instance.database.log.connect() as connection:
        found = _walk(connection, limit)
    names = [name for name, _ in found]
    assert names == sorted(set(names))
    assert len(names) == 3 + 1 + 2  # four addresses, two user agents
    assert dict(found)[clients.Name(KEY, "address", "192.0.2.9")] == START_MS


def test_a_client_that_was_seen_again_is_kept(seen_instance: Instance) -> None:
    """Between the look and the removal it may have called: its time is compared once more."""
    with seen_instance.database.log.begin() as connection:
        names = [name for name, _ in _walk(connection, 100)]
        clients.remove(connection, names, START_MS + 2)
        left = {name.value for name, _ in _walk(connection, 100) if name.kind == "address"}
    assert left == {"192.0.2.7"}
