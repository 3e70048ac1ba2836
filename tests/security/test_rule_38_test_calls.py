"""Rule 38, for the test calls of integrations: only to addresses that a provider may have, however they are named."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari.base.caller import SYSTEM
from ari.base.errors import Invalid
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.key_test import probe_provider
from ari.integrations.model import Credential
from ari.integrations.providers import get_provider
from ari.outbound.probe import HttpProber
from tests.support.instances import opened
from tests.support.provider import provider

OPENAI, OLLAMA = get_provider("openai"), get_provider("ollama")
KEY = "sk-proj-0123456789abcdefABCDEF"


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"])
def test_a_key_never_goes_to_a_private_address_unasked(host: str) -> None:
    """However the address is written: the server there hears nothing."""
    with provider() as there:
        used = Credential(OPENAI, f"http://{host}:{there.port}", "stored", owner_named=False, secret=KEY)
        probed = asyncio.run(HttpProber().probe(used, 5.0))
        assert not there.asked
    assert probed.status is None
    assert KEY not in str(probed.fault)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "100.100.100.200"])
def test_metadata_addresses_stay_refused_where_the_owner_names_them(host: str) -> None:
    """A cloud's metadata address is no provider; the connection is never tried."""
    used = Credential(OLLAMA, f"http://{host}", "stored", owner_named=True)
    assert "requests to this address aren't allowed" in str(asyncio.run(HttpProber().probe(used, 5.0)).fault)


def test_a_base_url_that_hides_something_is_refused(instance: Instance) -> None:
    """User, password, query and fragment; plain http beyond private networks."""
    for address in ("http://a@127.0.0.1", "http://127.0.0.1?a", "http://127.0.0.1#a", "http://example.net"):
        with pytest.raises(Invalid):
            Deps(instance).do_sync(commands.set_base_url, OLLAMA, address)
    assert Deps(instance).read_sync(lambda unit: unit.integrations.all()) == []


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would see the key."""
    with provider() as there, provider() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        used = Credential(OLLAMA, there.url, "stored", owner_named=True)
        assert asyncio.run(HttpProber().probe(used, 5.0)).status == 200
        assert len(there.asked) == 1
        assert not proxy.asked


def test_a_hostile_response_leaves_nothing_behind(instance: Instance) -> None:
    """Its error repeats the key, as OpenAI's repeats parts of it: status and our words are all that is kept."""
    nothing = ProviderEnvironment()

    def prepare(unit: Any) -> None:
        commands.set_base_url(unit, OPENAI, there.url)
        commands.put_key(unit, OPENAI, nothing, KEY)

    with provider() as there:
        Deps(instance).do_sync(prepare)
        assert (
            asyncio.run(
                probe_provider(Deps(instance, SYSTEM), instance.prober, OPENAI, instance.provider_environment)
            ).outcome
            == "works"
        )
        there.refuse()
        assert KEY.encode() in there.body
        result = asyncio.run(
            probe_provider(Deps(instance, SYSTEM), instance.prober, OPENAI, instance.provider_environment)
        )
    assert result.outcome == "rejected"
    kept = Deps(instance).read_sync(lambda unit: (unit.integrations.all(), unit.events.page("openai", None, 20)))
    assert [event.name for event in kept[1]][:2] == ["provider_key_rejected", "integration_tested"]
    for text in (result.words, repr(kept)):
        assert KEY not in text
        assert "Incorrect" not in text
