"""The migration to two tables changes nothing for existing keys (promise 1: what was revoked stays so)."""

from pathlib import Path

from sqlalchemy import select

from ari.keys import token
from ari.keys.model import ApiKey
from ari.storage import migrate as migrations
from ari.storage.tables import api_keys, key_secrets
from tests.support.commands import change_key, create_key
from tests.support.instances import opened
from tests.support.old_schema import join_keys_and_secrets


def test_keys_of_the_version_before_are_as_they_were(data_dir: Path, database_url: str | None) -> None:
    """Each is found by its old text, with its id, scopes, expiry, state and hint, and nothing restricts it."""
    with opened(data_dir, database_url) as instance:
        made = [create_key(instance, f"Key {number}", expires="7d") for number in range(4)]
        change_key(instance, made[1].key, disabled=True)
        digests = [token.digest(one.secret.encode()) for one in made]

        def find_keys() -> list[ApiKey | None]:
            with instance.database.reading() as tx:
                return [tx.keys.find(digest) for digest in digests]

        before = find_keys()
        assert [one is not None and one.disabled for one in before] == [False, True, False, False]
        with instance.database.main.begin() as connection:
            join_keys_and_secrets(connection)
        assert migrations.migrate(instance.database) == [f"main {number:04}" for number in range(15, 20)]
        assert find_keys() == before
        with instance.database.main.connect() as connection:
            assert sorted(connection.execute(select(key_secrets.c.number)).scalars()) == [1, 1, 1, 1]
            assert len(connection.execute(select(api_keys.c.id)).all()) == 4
