"""Reads of what is stored for a provider: gone with the next request once it was removed."""

import asyncio
from dataclasses import replace

import pytest

from ari.base.errors import Unavailable
from ari.base.seal import Context, Sealed
from ari.instance import Instance
from ari.integrations.credentials import KIND, NOTHING_STORED, Stored, StoredKey
from ari.integrations.model import Integration, ProviderKey
from ari.integrations.upstreams import Upstream
from ari.storage.engine import KEYS_FILE

STORED = Integration("int_1", "openai", "https://a.example", "usr_1", "by_consumer", failing_since_ms=7)
FIRST = ProviderKey("pky_1", "openai", "sk-…1", 5, "usr_1", "openai", "first", failing_since_ms=7)
SECOND = ProviderKey("pky_0", "openai", "sk-…2", 6, "usr_1", "pky_0", position=1)
SEALED = Sealed(Context(KIND, "openai", ("https://a.example",)), b"an envelope")


def _keep(instance: Instance, *keys: ProviderKey) -> None:
    with instance.database.writing() as unit:
        unit.integrations.save(STORED)
        for key in keys:
            unit.provider_keys.save(key)


def test_a_removed_key_is_gone_with_the_next_request(instance: Instance) -> None:
    """And a new one is found, although that there was none was remembered."""

    async def run() -> None:
        lookup = instance.database.provider_lookup()
        for _ in range(2):
            assert await lookup.find("openai") == (NOTHING_STORED, None)
        _keep(instance, FIRST, SECOND)
        with instance.database.writing() as unit:
            unit.sealed.put(SEALED)
        first, second = StoredKey(FIRST, SEALED), StoredKey(replace(SECOND, position=0), None)
        for _ in range(2):
            assert (await lookup.find("openai")).stored == Stored(STORED, (first, second))
        assert await lookup.find("groq") == (NOTHING_STORED, None)
        with instance.database.writing() as unit:
            unit.provider_keys.remove(FIRST)
        assert (await lookup.find("openai")).stored == Stored(STORED, (second,))
        with instance.database.writing() as unit:
            unit.provider_keys.remove(SECOND)
            unit.integrations.remove("openai")
        assert await lookup.find("openai") == (NOTHING_STORED, None)
        await lookup.close()

    asyncio.run(run())


def test_a_key_of_a_thousand_is_found(instance: Instance) -> None:
    """In their order, with one read for all of them; a failure of one is known with the next request."""
    keys = [replace(SECOND, id=f"pky_{at:04}", sealed_subject=f"pky_{at:04}", position=at) for at in range(1_000)]

    async def run() -> None:
        lookup = instance.database.provider_lookup()
        _keep(instance, *keys)
        found = (await lookup.find("openai")).stored.keys
        assert [one.key.id for one in found] == [one.id for one in keys]
        with instance.database.writing() as unit:
            unit.provider_keys.save(replace(keys[500], failing_since_ms=9))
        found = (await lookup.find("openai")).stored.keys
        assert [one.key.id for one in found if one.key.failing_since_ms] == ["pky_0500"]
        await lookup.close()

    asyncio.run(run())


def test_an_upstream_is_known_and_gone_with_the_next_request(instance: Instance) -> None:
    """So one that was removed serves no further request in any process."""

    async def run() -> None:
        lookup = instance.database.provider_lookup()
        assert (await lookup.find("vllm-a")).upstream_title is None
        with instance.database.writing() as unit:
            unit.upstreams.save(Upstream("vllm-a", "vLLM A", 1, "usr_1"))
        assert await lookup.find("vllm-a") == (NOTHING_STORED, "vLLM A")
        with instance.database.writing() as unit:
            unit.upstreams.remove("vllm-a")
        assert (await lookup.find("vllm-a")).upstream_title is None
        await lookup.close()

    asyncio.run(run())


def test_a_secret_of_another_kind_is_no_provider_key(instance: Instance) -> None:
    """Even of the same subject."""

    async def run() -> None:
        _keep(instance, FIRST)
        with instance.database.writing() as unit:
            unit.sealed.put(Sealed(Context("totp", "openai"), b"an envelope"))
        lookup = instance.database.provider_lookup()
        assert (await lookup.find("openai")).stored.keys == (StoredKey(FIRST, None),)
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
