"""Rule 38: a private base URL is the owner's word, in a session or at the command line, never an API key's."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.addresses import AddressList
from ari.base.caller import SYSTEM, Caller
from ari.base.errors import Conflict, Invalid, RateLimited
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands, key_test
from ari.integrations.credentials import credential_of, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.key_test import probe_provider
from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from ari.integrations.providers import get_provider
from ari.outbound.probe import HttpProber
from tests.support.commands import as_caller, clock_of, create_key
from tests.support.instances import opened
from tests.support.provider import provider

OPENAI, OLLAMA = get_provider("openai"), get_provider("ollama")
KEY = "sk-proj-0123456789abcdefABCDEF"
PRIVATE = (
    "http://127.0.0.1:8000",
    "https://127.0.0.1:8000",
    "http://localhost:8000",
    "https://localhost",
    "https://x.localhost",
    "http://[::1]:8000",
    "https://[::ffff:127.0.0.1]",
    "https://[::ffff:10.0.0.1]",
    "https://[64:ff9b::10.0.0.1]",
    "https://[2002:a00:1::]",
    "http://10.0.0.1",
    "https://172.16.0.1",
    "http://192.168.1.20:11434",
    "http://100.101.102.103:11434",
    "https://[fd7a:115c:a1e0::1]",
    "https://ollama:11434",
    "http://ollama_server:11434",
    "http://box.tail1234.ts.net:11434",
    "https://nas.lan",
    "https://db.internal",
    "https://ollama.default.svc",
    "HTTPS://LOCALHOST",
)


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as made:
        yield made


def _clerk(instance: Instance, scopes: tuple[str, ...] = ("integrations:write",)) -> Caller:
    return as_caller(create_key(instance, scopes=scopes).key)


def _set(instance: Instance, caller: Caller, base_url: str | None, of: Any = OLLAMA, *listed: str) -> Any:
    return Deps(instance, caller).do_sync(commands.set_base_url, of, base_url, AddressList.of(listed))


def _find(instance: Instance, *listed: str, of: Any = OLLAMA) -> Credential:
    """As the gateway reads it: from a lookup of its own."""

    async def find() -> Credential:
        lookup = instance.database.provider_lookup()
        try:
            stored, _ = await lookup.find(of.name)
        finally:
            await lookup.close()
        environment = ProviderEnvironment(private_addresses=AddressList.of(listed))
        return credential_of(stored, instance.master_keys, of, environment)

    return asyncio.run(find())


def test_a_key_names_no_private_address(instance: Instance) -> None:
    """However it is written, and whatever the key may do besides; nothing is written."""
    for caller in (_clerk(instance), _clerk(instance, ("*",))):
        for base_url in PRIVATE:
            with pytest.raises(Invalid, match="ARI_AI_PRIVATE_ADDRESSES"):
                _set(instance, caller, base_url)
    assert Deps(instance).read_sync(lambda unit: unit.integrations.all()) == []


def test_the_owner_names_private_addresses(instance: Instance) -> None:
    """In a confirmed session or at the command line; the connection may then go there."""
    session = Caller("usr_1", Origin("web"), session_digest=b"x" * 32, confirmed_at_ms=instance.now_ms())
    for base_url in PRIVATE:
        for caller in (session, Caller("cli:alice", Origin("cli"))):
            with instance.database.writing(caller) as unit:
                stored = commands.set_base_url(unit, OLLAMA, base_url)
            assert stored.base_url_by == caller.actor
            assert (_find(instance).owner_named, _find(instance).key_named) == (True, False)
            _set(instance, SYSTEM, None)


def test_a_key_names_what_a_setting_lists(instance: Instance) -> None:
    """Networks, addresses and names, each with its port; only the name that is listed counts, not its address."""
    clerk = _clerk(instance)
    listed = (
        "10.0.0.0/8",
        "192.168.1.20:11434",
        "ollama:11434",
        "models.example.net",
        "[fd00::1]:80",
        "::ffff:127.0.0.1",
    )
    for base_url in (
        "http://10.1.2.3:9",
        "http://192.168.1.20:11434",
        "http://ollama:11434/api",
        "http://models.example.net",
        "http://[fd00::1]",
        "http://[::ffff:10.0.0.9]",
    ):
        _set(instance, clerk, base_url, OLLAMA, *listed)
        assert (_find(instance, *listed).owner_named, _find(instance, *listed).key_named) == (True, True)
    for base_url in (
        "http://192.168.1.20:80",
        "http://ollama",
        "http://ten.lan",
        "http://[fd00::1]:81",
        "http://11.0.0.1",
    ):
        with pytest.raises(Invalid):
            _set(instance, clerk, base_url, OLLAMA, *listed)


def test_a_setting_that_lists_an_address_no_more_counts_at_once(instance: Instance) -> None:
    """And so does the first start of a version that asks who named it: the card says why, and the owner can confirm."""
    _set(instance, _clerk(instance), "http://10.0.0.1", OLLAMA, "10.0.0.1")
    assert _find(instance, "10.0.0.1").owner_named
    with pytest.raises(Conflict, match="API key set this private address"):
        _find(instance)
    shown = Deps(instance).read_sync(lambda unit: state(unit, OLLAMA, ProviderEnvironment()))
    assert (shown.name, "API key set" in (shown.problem or "")) == ("failing", True)
    _set(instance, SYSTEM, "http://10.0.0.1")
    assert _find(instance).owner_named
    with instance.database.writing() as unit:
        row = unit.integrations.get("ollama")
        assert row is not None
        unit.integrations.save(replace(row, base_url_by=None))  # nobody is known to have named it
    with pytest.raises(Conflict):
        _find(instance)


def test_the_owner_confirms_what_a_key_named(instance: Instance) -> None:
    """The same address again, from the owner: the encrypted key stays, and the name may lead to a private address."""
    clerk = _clerk(instance)

    def put(unit: Any) -> None:
        commands.set_base_url(unit, OPENAI, "https://models.example.net")
        commands.put_key(unit, OPENAI, ProviderEnvironment(), KEY)

    Deps(instance, clerk).do_sync(put)
    assert not _find(instance, of=OPENAI).owner_named
    _set(instance, SYSTEM, "https://models.example.net", OPENAI)
    assert (_find(instance, of=OPENAI).owner_named, _find(instance, of=OPENAI).secret) == (True, KEY)
    assert _set(instance, clerk, "https://models.example.net", OPENAI).base_url_by == "system"
    events = Deps(instance).read_sync(lambda unit: unit.events.page("openai", None, 9))
    assert [event.actor for event in events] == ["system", clerk.actor, clerk.actor]


def test_the_owners_key_goes_to_no_address_that_a_key_named(instance: Instance) -> None:
    """Else a key could point a provider to its own server, and wait until the owner adds the key again."""
    clerk = _clerk(instance)
    _set(instance, clerk, "https://evil.example.net", OPENAI)

    def put(by: Caller, *, address: str | None = None) -> None:
        def work(unit: Any) -> None:
            if address is not None:
                commands.set_base_url(unit, OPENAI, address)
            commands.put_key(unit, OPENAI, ProviderEnvironment(), KEY)

        Deps(instance, by).do_sync(work)

    with pytest.raises(Invalid, match="An API key set this provider's base URL"):
        put(SYSTEM)
    put(clerk)
    put(SYSTEM, address="https://evil.example.net")
    assert _find(instance, of=OPENAI).secret == KEY


def test_a_name_of_a_key_leads_nowhere_private(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was public when it was named and resolves to this machine now: the server there hears nothing."""
    with provider() as there:
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda *_a, **_k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", there.port))],
        )
        _set(instance, _clerk(instance), f"https://rebound.example.net:{there.port}")
        probed = asyncio.run(HttpProber().probe(_find(instance), 5.0))
        assert (probed.status, there.asked) == (None, [])
        assert "aren't allowed" in str(probed.fault)
        _set(instance, SYSTEM, None)
        _set(instance, SYSTEM, f"http://rebound.lan:{there.port}")
        assert asyncio.run(HttpProber().probe(_find(instance), 5.0)).status == 200


class _StubProber:
    """A prober that responds the same each time."""

    def __init__(self, probed: Probed) -> None:
        self.probed = probed

    async def probe(self, credential: Credential, timeout_seconds: float) -> Probed:
        return self.probed


FAILURES = [
    Probed(None, fault="the connection failed"),
    Probed(None, fault="no response within 9 seconds"),
    Probed(None, fault="its TLS certificate is invalid"),
    Probed(None, fault="requests to this address aren't allowed, for example because it's private"),
    *(Probed(status, b"SSH-2.0-OpenSSH") for status in (204, 302, 400, 404, 405, 429, 500, 503)),
]


def test_a_test_is_no_port_scanner(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed, filtered or private: one response for keys, after one time, also on the card and in the audit log."""
    monkeypatch.setattr(key_test, "TIMEOUT_SECONDS", 0.05)
    clerk, told = _clerk(instance), set()
    _set(instance, clerk, "https://scanned.example.net:22")
    for number, probed in enumerate(FAILURES):
        instance.prober = _StubProber(probed)
        began = asyncio.new_event_loop()
        try:
            before = began.time()
            result = began.run_until_complete(
                probe_provider(Deps(instance, clerk), instance.prober, OLLAMA, instance.provider_environment)
            )
            assert began.time() - before >= 0.05, number
        finally:
            began.close()
        row = Deps(instance).read_sync(lambda unit: unit.integrations.get("ollama"))
        assert row is not None
        audit_log = Deps(instance).read_sync(lambda unit: unit.events.page("ollama", None, 2))
        reasons = {str(event.detail.get("words", event.detail.get("reason"))) for event in audit_log}
        told |= {(result, row.tested, row.failing_reason, *(reasons - {"None"}))}
    assert len(told) == 1, told
    assert "connection failed" in asyncio.run(_owners_words(instance))


async def _owners_words(instance: Instance) -> str:
    instance.prober = _StubProber(FAILURES[0])
    return (await probe_provider(Deps(instance, SYSTEM), instance.prober, OLLAMA, instance.provider_environment)).words


def test_a_key_learns_why_where_it_did_not_choose_the_address(instance: Instance) -> None:
    """At the built-in address, or one of the owner's, there is nothing to scan."""
    clerk = _clerk(instance)
    _set(instance, SYSTEM, "http://127.0.0.1:9")
    instance.prober = _StubProber(FAILURES[0])
    assert (
        "connection failed"
        in asyncio.run(
            probe_provider(Deps(instance, clerk), instance.prober, OLLAMA, instance.provider_environment)
        ).words
    )


def test_keys_make_few_test_calls(instance: Instance) -> None:
    """Thirty an hour, by all of them together and whatever the provider; the owner makes as many as wanted."""
    _set(instance, SYSTEM, "http://127.0.0.1:9")
    instance.prober = _StubProber(Probed(200))
    clerks = [_clerk(instance), _clerk(instance)]
    for number in range(key_test.KEY_TESTS_PER_HOUR):
        asyncio.run(
            probe_provider(Deps(instance, clerks[number % 2]), instance.prober, OLLAMA, instance.provider_environment)
        )
    for clerk in clerks:
        with pytest.raises(RateLimited) as caught:
            asyncio.run(probe_provider(Deps(instance, clerk), instance.prober, OLLAMA, instance.provider_environment))
        assert 0 < caught.value.retry_after_seconds <= 3601
    assert (
        asyncio.run(
            probe_provider(Deps(instance, SYSTEM), instance.prober, OLLAMA, instance.provider_environment)
        ).outcome
        == "works"
    )
    clock_of(instance).advance(3600)
    assert (
        asyncio.run(
            probe_provider(Deps(instance, clerks[0]), instance.prober, OLLAMA, instance.provider_environment)
        ).outcome
        == "works"
    )
