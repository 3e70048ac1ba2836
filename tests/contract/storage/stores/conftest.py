"""An instance with 5,000 keys."""

from collections.abc import Iterator
from typing import Any

import pytest

from ari.instance import Instance
from ari.storage.bulk import insert_rows
from ari.storage.tables import api_keys, key_tags, usage_totals
from tests.contract.storage.stores.many_keys import KEY_COLUMNS, MANY, make_key, make_total, tags_of
from tests.support.instances import opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def many(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, list[dict[str, Any]]]]:
    """An instance with its keys as they were written; a test changes nothing."""
    folder = tmp_path_factory.mktemp("many") / "data"
    folder.mkdir(mode=0o700)
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    url = server.create() if server else None
    keys = [make_key(number) for number in range(MANY)]
    totals = [one for number, key in enumerate(keys) if (one := make_total(number, key["id"]))]
    with opened(folder, url) as instance:
        with instance.database.main.begin() as connection:
            if url:
                connection.execute(api_keys.insert(), keys)
            else:
                insert_rows(connection, api_keys, KEY_COLUMNS, [tuple(key.values()) for key in keys])
        with instance.database.main.begin() as connection:
            tagged = [(tag, key["id"]) for number, key in enumerate(keys) for tag in tags_of(number)]
            insert_rows(connection, key_tags, ("tag", "key_id"), tagged)
        with instance.database.log.begin() as connection:
            insert_rows(connection, usage_totals, tuple(usage_totals.c.keys())[:5], totals)
        yield instance, keys
    if server:
        server.drop(url)
