"""Reads of what is stored for a provider: gone with the next request once it was removed."""

import asyncio

import pytest

from ari.base.errors import Unavailable
from ari.base.seal import Context, Sealed
from ari.instance import Instance
from ari.integrations.credentials import KIND, NOTHING_STORED
from ari.integrations.model import Integration
from ari.storage.engine import KEYS_FILE

STORED = Integration("int_1", "openai", "https://a.example", "sk-…1", 5, failing_since_ms=7, base_url_by="usr_1")
SEALED = Sealed(Context(KIND, "openai", ("https://a.example",)), b"an envelope")


def test_a_removed_key_is_gone_with_the_next_request(instance: Instance) -> None:
    """And a new one is found, although that there was none was remembered."""

    async def run() -> None:
        lookup = instance.database.provider_lookup()
        for _ in range(2):
            assert await lookup.find("openai") == NOTHING_STORED
        with instance.database.writing() as unit:
            unit.integrations.save(STORED)
            unit.sealed.put(SEALED)
        for _ in range(2):
            found = await lookup.find("openai")
            assert (found.row, found.sealed) == (STORED, SEALED)
        assert await lookup.find("groq") == NOTHING_STORED
        with instance.database.writing() as unit:
            unit.sealed.drop(KIND, "openai")
        found = await lookup.find("openai")
        assert (found.row, found.sealed) == (STORED, None)
        with instance.database.writing() as unit:
            unit.integrations.remove("openai")
        assert await lookup.find("openai") == NOTHING_STORED
        await lookup.close()

    asyncio.run(run())


def test_a_secret_of_another_kind_is_no_provider_key(instance: Instance) -> None:
    """Even of the same subject."""

    async def run() -> None:
        with instance.database.writing() as unit:
            unit.integrations.save(STORED)
            unit.sealed.put(Sealed(Context("totp", "openai"), b"an envelope"))
        lookup = instance.database.provider_lookup()
        assert (await lookup.find("openai")).sealed is None
        await lookup.close()

    asyncio.run(run())


def test_a_missing_file_is_an_error(instance: Instance) -> None:
    """Not a provider without a key: then requests would leave without one."""

    async def run() -> None:
        lookup = instance.database.provider_lookup()
        await lookup.find("openai")
        (instance.settings.data_dir / KEYS_FILE).unlink()
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await lookup.find("openai")
        await lookup.close()

    asyncio.run(run())
