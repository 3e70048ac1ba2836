"""Secrets of keys in SQL: found by digest with their key, retired permanently, and removed by number."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari.instance import Instance
from ari.keys.model import ApiKey, KeySecret
from tests.support.instances import START_MS, opened

KEY = ApiKey("key_1", "Backup", "ari_k_a…b", ("a",), START_MS, "usr_1")
OTHER = replace(KEY, id="key_2")


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _digest(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def _add(instance: Instance, *numbers: int) -> None:
    """Both keys with their first secret, and more of ``KEY``."""
    with instance.database.writing() as tx:
        for key in (KEY, OTHER):
            tx.keys.add(key, _digest(key.id))
        for number in numbers:
            tx.key_secrets.add_secret(KEY.id, KeySecret(number, f"h{number}", START_MS + number), _digest(str(number)))


def test_each_secret_is_found_with_its_key(instance: Instance) -> None:
    """Newest first in the list; another key has its own."""
    _add(instance, 2, 3)
    with instance.database.reading() as tx:
        assert [secret.number for secret in tx.key_secrets.list_secrets(KEY.id, 9)] == [3, 2, 1]
        assert [secret.number for secret in tx.key_secrets.list_secrets(KEY.id, 2)] == [3, 2]
        assert [secret.number for secret in tx.key_secrets.list_secrets(OTHER.id, 9)] == [1]
        found = tx.keys.find(_digest("2"))
        assert found == KEY
        assert found is not None
        assert found.secret == KeySecret(2, "h2", START_MS + 2) == tx.key_secrets.get_secret(KEY.id, 2)
        assert tx.key_secrets.get_secret(OTHER.id, 2) is None
        assert tx.key_secrets.list_secrets("key_3", 9) == []


def test_a_retired_secret_stays_retired(instance: Instance) -> None:
    """The stamp is written with the time, and by the stamper of expired keys where it is missing."""
    _add(instance, 2, 3)
    with instance.database.writing() as tx:
        for number, seen_at_ms in ((1, START_MS), (2, None)):
            secret = tx.key_secrets.get_secret(KEY.id, number)
            assert secret is not None
            retired = replace(secret, retires_at_ms=START_MS, retired_seen_at_ms=seen_at_ms)
            tx.key_secrets.save_secret(KEY.id, retired)
        assert tx.keys.has_unstamped(START_MS)
        assert tx.keys.stamp_expired(START_MS) == 1
        assert not tx.keys.has_unstamped(START_MS)
        newest, *old = tx.key_secrets.list_secrets(KEY.id, 9)
        assert not newest.is_retired(START_MS)
        assert old
        assert all(secret.is_retired(0) for secret in old)
        other = tx.key_secrets.get_secret(OTHER.id, 1)
        assert other is not None
        assert other.retires_at_ms is None
