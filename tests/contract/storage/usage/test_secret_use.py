"""Who still uses an old secret: read from the newest rows of that secret alone, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.storage.usage import secret_use
from ari.usage.model import KeyClient
from ari.usage.ports import Batch
from tests.support.instances import START_MS, opened
from tests.support.usage import KEY, OTHER_KEY, make_row


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_requests_count_under_the_secret_that_they_had(instance: Instance) -> None:
    """By address and user agent, last seen first; refusals apart; rows before the rotation have no number."""
    rows = [
        make_row(START_MS + 1, client_address="192.0.2.1"),
        make_row(START_MS + 2, secret_number=1, client_address="192.0.2.2"),
        make_row(START_MS + 3, secret_number=1, client_address="192.0.2.3", user_agent="cron/1"),
        make_row(START_MS + 4, secret_number=1, client_address="192.0.2.2", code="retired", count=3),
        make_row(START_MS + 5, secret_number=2, client_address=None, user_agent=None),
        make_row(START_MS + 6, secret_number=1, key_id=OTHER_KEY),
    ]
    instance.database.usage.commit(Batch(rows))
    reports = instance.database.reports
    old = reports.secret_use(KEY, 1)
    assert (old.accepted_count, old.refused_count, old.last_used_at_ms, old.is_complete) == (2, 3, START_MS + 3, True)
    assert old.addresses == [
        KeyClient("192.0.2.2", 1, 3, START_MS + 2, START_MS + 4),
        KeyClient("192.0.2.3", 1, 0, START_MS + 3, START_MS + 3),
    ]
    assert [(client.value, client.accepted_count) for client in old.agents] == [("curl/7.88.1", 1), ("cron/1", 1)]
    new = reports.secret_use(KEY, 2)
    assert (new.accepted_count, new.addresses, new.agents) == (1, [], [])
    assert reports.last_uses_of_secrets(KEY, [1, 2, 3]) == {1: START_MS + 3, 2: START_MS + 5}
    unused = reports.secret_use(KEY, 3)
    assert (unused.accepted_count, unused.refused_count, unused.last_used_at_ms) == (0, 0, None)


def test_a_busy_secret_is_read_up_to_a_bound(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest rows count, and the report says that there are more."""
    monkeypatch.setattr(secret_use, "MAX_SECRET_ROWS", 3)
    monkeypatch.setattr(secret_use, "MAX_SECRET_CLIENTS", 2)
    rows = [make_row(START_MS + n, secret_number=1, client_address=f"192.0.2.{n}") for n in range(1, 6)]
    instance.database.usage.commit(Batch(rows))
    use = instance.database.reports.secret_use(KEY, 1)
    assert (use.accepted_count, use.is_complete) == (3, False)
    assert [client.value for client in use.addresses] == ["192.0.2.5", "192.0.2.4"]
