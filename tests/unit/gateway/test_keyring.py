"""The provider key of each request is the one that is stored at that moment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from ari.base.errors import Conflict
from ari.deps import Deps
from ari.gateway.keyring import Keyring
from ari.instance import Instance
from ari.integrations import commands, health
from ari.integrations.providers import get_provider
from tests.support.commands import clock_of
from tests.support.instances import opened

OPENAI = get_provider("openai")
KEY, OTHER = "sk-proj-0123456789abcdefABCDEF", "sk-proj-fedcba9876543210FEDCBA"


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


def _put(instance: Instance, key: str) -> None:
    clock_of(instance).advance(1)
    Deps(instance).do_sync(commands.put_key, OPENAI, instance.provider_environment, key)


def _run(instance: Instance, work: Callable[[Keyring], Awaitable[None]]) -> None:
    async def run() -> None:
        keyring = Keyring(instance)
        try:
            await work(keyring)
        finally:
            await keyring.close()

    asyncio.run(run())


def test_a_replaced_or_removed_key_is_not_used_again(instance: Instance) -> None:
    """From the very next request on: a leaked provider key must be gone when its owner removes it."""

    async def work(keyring: Keyring) -> None:
        with pytest.raises(Conflict):
            await keyring.find(OPENAI)
        _put(instance, KEY)
        assert (await keyring.find(OPENAI)).credential.secret == KEY
        _put(instance, OTHER)
        assert (await keyring.find(OPENAI)).credential.secret == OTHER
        Deps(instance).do_sync(commands.remove, OPENAI)
        with pytest.raises(Conflict):
            await keyring.find(OPENAI)

    _run(instance, work)


def test_an_unchanged_key_is_decrypted_once(instance: Instance) -> None:
    """Fast: the request only asks whether it changed."""
    _put(instance, KEY)

    async def work(keyring: Keyring) -> None:
        assert await keyring.find(OPENAI) is await keyring.find(OPENAI)

    _run(instance, work)


def test_the_request_knows_that_the_provider_is_failing(instance: Instance) -> None:
    """So that one success clears the card, and further failures write nothing."""
    _put(instance, KEY)

    async def work(keyring: Keyring) -> None:
        held = await keyring.find(OPENAI)
        assert not held.failing
        Deps(instance).do_sync(health.record_rejected, held.credential, "OpenAI rejected the key.", 401)
        assert (await keyring.find(OPENAI)).failing

    _run(instance, work)


def test_headers_are_added_for_one_provider(instance: Instance) -> None:
    """As ``ARI_AI_REQUEST_HEADERS`` lists them."""
    listed = ("litellm/x-litellm-tags", "litellm/x-litellm-timeout", "openai/x-a")
    instance.settings = instance.settings.model_copy(update={"ai_request_headers": listed})

    async def work(keyring: Keyring) -> None:
        assert keyring.added_headers == {
            "litellm": frozenset(("x-litellm-tags", "x-litellm-timeout")),
            "openai": frozenset(("x-a",)),
        }

    _run(instance, work)
