"""The test call over a real connection: what is sent, what comes back, and that it goes nowhere it must not."""

import asyncio
import socket

from ari.integrations.model import Credential
from ari.integrations.ports import Probed
from ari.integrations.providers import get_provider
from ari.outbound.probe import HttpProber
from tests.support.provider import provider

SECRET = "sk-ant-api03-0123456789abcdefABCDEF"


def _probe(base_url: str, *, owner_named: bool = True, seconds: float = 5.0) -> Probed:
    used = Credential(get_provider("anthropic"), base_url, "stored", owner_named, SECRET)
    return asyncio.run(HttpProber().probe(used, seconds))


def test_what_is_sent() -> None:
    """The key in its header, the version that the provider wants, and nothing of ARI but its name."""
    with provider() as there:
        probed = _probe(f"{there.url}/proxy")
        [(method, path, headers)] = there.asked
    assert (probed.status, probed.body, probed.fault) == (200, b"{}", None)
    assert (method, path) == ("GET", "/proxy/v1/models")
    assert headers["x-api-key"] == SECRET
    assert headers["anthropic-version"] == "2023-06-01"
    assert set(headers) == {"host", "accept", "user-agent", "x-api-key", "anthropic-version"}


def test_only_the_beginning_of_a_response_is_read() -> None:
    """A provider that responds without end holds nothing up and fills no memory."""
    with provider() as there:
        there.body = b"x" * 1_000_000
        assert len(_probe(there.url).body) == 4096


def test_a_redirect_is_not_followed() -> None:
    """It would carry the key to where the response says."""
    with provider() as there, provider() as elsewhere:
        there.status, there.headers = 302, {"location": f"{elsewhere.url}/v1/models"}
        assert _probe(there.url).status == 302
        assert not elsewhere.asked


def test_a_private_address_that_the_owner_did_not_name() -> None:
    """A built-in name that resolves to this machine gets no connection, so no key."""
    with provider() as there:
        probed = _probe(there.url, owner_named=False)
        assert not there.asked
    assert probed.status is None
    assert probed.fault == "requests to this address aren't allowed, for example because it's private"


def test_silence_ends() -> None:
    """After the time given, with a fault; as does a closed port."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        probed = _probe(f"http://127.0.0.1:{port}", seconds=0.2)
        assert probed.fault == "no response within 0.2 seconds"
    assert _probe(f"http://127.0.0.1:{port}").fault == "the connection failed"
