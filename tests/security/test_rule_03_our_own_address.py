"""security.md 3: ARI_PUBLIC_URL is the only source of our own address; requests to other hosts are refused."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import raw


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (None, 401),
        (b"localhost", 401),
        (b"[::1]:3000", 401),
        (b"evil.example", 421),
        (b"127.0.0.1.evil.example", 421),
        (b"", 400),
    ],
)
def test_other_hosts_are_refused(shared_owner: Any, host: bytes | None, status: int) -> None:
    """A page that rebinds its name to our address gets nothing."""
    assert raw.get(shared_owner.server.port, b"/api/me", host=host).status == status


@pytest.mark.parametrize("target", [b"http://evil.example/api/me", b"http://evil.example:80/settings"])
def test_a_foreign_host_in_the_request_line_is_refused(shared_owner: Any, target: bytes) -> None:
    """RFC 9112 3.2.2, if there is no Host. With one, ARI doesn't see that of the line."""
    port = shared_owner.server.port
    alone = raw.send(port, b"GET %s HTTP/1.1\r\nconnection: close\r\n\r\n" % target)
    assert alone is not None
    assert alone.status == 421
    both = raw.send(port, b"GET %s HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n" % target)
    assert both is not None
    assert both.status == 421


def test_the_page_of_a_wrong_host_needs_nothing_from_it(shared_owner: Any) -> None:
    """It names our address, and loads no style or script, which that host would not get either."""
    answer = raw.get(shared_owner.server.port, b"/settings", host=b"nas.lan")
    page = answer.body.decode()
    assert answer.status == 421
    assert f'<a href="{shared_owner.url}">' in page
    assert "nas.lan" not in page
    assert "/static/" not in page


def test_two_hosts_are_400(shared_owner: Any) -> None:
    """Never a guess which is meant."""
    assert raw.get(shared_owner.server.port, b"/api/me", b"host: localhost").status == 400


def test_health_is_exempt(shared_owner: Any) -> None:
    """Probes use whatever name they like."""
    assert raw.get(shared_owner.server.port, b"/api/health", host=b"10.1.2.3").status == 200


def test_further_hosts_are_a_setting(make_owner: Callable[..., Any]) -> None:
    """ARI_ALLOWED_HOSTS."""
    owner = make_owner(settings={"ARI_ALLOWED_HOSTS": "ari.internal"})
    assert raw.get(owner.server.port, b"/api/me", host=b"ari.internal:80").status == 401


def test_https_brings_secure_cookies_and_hsts(make_owner: Callable[..., Any]) -> None:
    """Both follow the public address, not the request."""
    owner = make_owner(settings={"ARI_PUBLIC_URL": "https://ari.example.net"})
    answer = raw.get(owner.server.port, b"/sign-in", host=b"ari.example.net")
    assert answer.headers["strict-transport-security"] == ["max-age=31536000"]
    [cookie] = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "; Secure" in cookie


def test_open_http_needs_saying_so(make_server: Callable[..., Any]) -> None:
    """A non-loopback bind without https refuses to start."""
    server = make_server(args=["--host", "0.0.0.0"])
    assert server.launch().wait(60) == 1
    assert "--insecure-http" in server.log_text()
