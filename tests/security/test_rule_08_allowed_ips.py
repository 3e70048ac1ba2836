"""security.md 8: ALLOWED_IPS restricts the whole instance, and forged forwarding does not get around it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import raw


def test_a_stranger_gets_403_everywhere_but_health(make_owner: Callable[..., Any]) -> None:
    """Pages and API; with a valid key too, and the attempt is logged as refused."""
    owner = make_owner(settings={"ALLOWED_IPS": "203.0.113.0/24,2001:db8::/32"})
    key, secret = owner.create_key("k")
    port = owner.server.port
    for path in (b"/api/me", b"/sign-in", b"/settings", b"/nothing"):
        assert raw.get(port, path).status == 403
        assert raw.get(port, path, b"x-forwarded-for: 203.0.113.5").status == 403
    assert raw.get(port, b"/api/me", b"x-api-key: " + secret.encode()).status == 403
    assert raw.get(port, b"/api/health").status == 200
    [row] = owner.cli.json("usage", "--key", key["id"])["items"]
    assert (row["code"], row["status"]) == ("ip_not_allowed", 403)


def test_a_trusted_proxy_speaks_for_its_clients(make_owner: Callable[..., Any]) -> None:
    """Read from the right: what the client wrote on the left does not count."""
    owner = make_owner(settings={"ARI_ALLOWED_IPS": "203.0.113.0/24", "ARI_TRUSTED_PROXIES": "127.0.0.1"})
    port = owner.server.port
    assert raw.get(port, b"/api/me", b"x-forwarded-for: 203.0.113.5").status == 401
    assert raw.get(port, b"/api/me", b"x-forwarded-for: 203.0.113.5, 198.51.100.1").status == 403
    assert raw.get(port, b"/api/me", b"x-forwarded-for: 203.0.113.5", b"x-forwarded-for: 198.51.100.1").status == 403
    assert raw.get(port, b"/api/me").status == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ARI_ALLOWED_IPS", "office"),
        ("ALLOWED_IPS", "10.0.0.0/99"),
        ("ARI_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("ARI_TRUSTED_PROXIES", "*"),
    ],
)
def test_a_bad_value_stops_the_start(make_server: Callable[..., Any], name: str, value: str) -> None:
    """Rather than letting everybody in."""
    server = make_server(settings={name: value})
    assert server.launch().wait(60) == 1
    assert name.removeprefix("ARI_") in server.log_text()
    assert "Traceback" not in server.log_text()
