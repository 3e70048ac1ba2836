"""The card of a provider follows what forwarded requests show, without a write for each of them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.gateway.keyring import ResolvedCredential
from ari.gateway.provider_status import ProviderStatus
from ari.instance import Instance
from ari.integrations import commands
from ari.integrations.credentials import credential
from ari.integrations.providers import get_provider
from tests.support.commands import clock_of
from tests.support.instances import opened

OPENAI = get_provider("openai")


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    """With a stored key of OpenAI."""
    with opened(data_dir, None) as made:
        key = "sk-proj-0123456789abcdefABCDEF"
        Deps(made).do_sync(commands.put_key, OPENAI, made.provider_environment, key)
        yield made


def _resolve(instance: Instance, *, failing: bool) -> ResolvedCredential:
    found = Deps(instance).read_sync(credential, OPENAI, instance.provider_environment)
    return ResolvedCredential(found, failing, failing)


def _names(instance: Instance) -> list[str]:
    found = Deps(instance).read_sync(lambda tx: tx.events.page("openai", None, 50))
    return [event.name for event in reversed(found)][1:]


def test_a_rejected_key_is_recorded_once(instance: Instance) -> None:
    """However many requests meet it; requests that know of it write nothing."""
    status = ProviderStatus(instance)

    async def run() -> None:
        for failing in (False, False, True):
            await status.record_rejection(_resolve(instance, failing=failing), "OpenAI rejected the key.", 401)

    asyncio.run(run())
    assert _names(instance) == ["provider_key_rejected"]


def test_one_success_clears_the_card(instance: Instance) -> None:
    """A success of a provider that does not fail writes nothing."""
    status = ProviderStatus(instance)

    async def run() -> None:
        await status.works(_resolve(instance, failing=False))
        await status.unreachable(_resolve(instance, failing=False), "OpenAI did not answer.")
        await status.works(_resolve(instance, failing=True))

    asyncio.run(run())
    assert _names(instance) == ["integration_unreachable", "integration_works_again"]


def test_a_provider_that_keeps_changing_causes_few_writes(instance: Instance) -> None:
    """At most one of each kind in a while, so that a flapping provider does not slow its callers."""
    status = ProviderStatus(instance)

    async def flap() -> None:
        await status.unreachable(_resolve(instance, failing=False), "OpenAI did not answer.")
        await status.works(_resolve(instance, failing=True))

    for _ in range(5):
        asyncio.run(flap())
    assert _names(instance) == ["integration_unreachable", "integration_works_again"]
    clock_of(instance).advance(60)
    asyncio.run(flap())
    assert len(_names(instance)) == 4


def test_a_status_that_cannot_be_written_fails_no_request(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider responded; the card is only for the owner."""
    held = _resolve(instance, failing=False)

    def fail(*_: object) -> None:
        raise Unavailable("The disk is full.")

    with monkeypatch.context() as full:
        full.setattr(instance.database, "writing", fail)
        asyncio.run(ProviderStatus(instance).record_rejection(held, "OpenAI rejected the key.", 401))
    assert _names(instance) == []
