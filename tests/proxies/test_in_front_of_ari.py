"""The files of ``deploy/proxy``, in the real programs, in front of ARI: addresses, https, streams, large bodies."""

import http.client
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.proxies.harness import ROOT, Setup, find_program, running_proxy
from tests.support.certificates import self_signed
from tests.support.gateway import CHAT, AiGateway, running_gateway
from tests.support.ports import free_port

HOST = "ari.example.net"
FROM = "127.0.0.5"
WAIT_SECONDS = 20
MAX_DEFAULT = 2 * 1024 * 1024
"""nginx refuses more than 1 MiB unless it is configured."""
MODULES = ("mpm_event", "authz_core", "alias", "headers", "http2", "proxy", "proxy_http", "reqtimeout", "ssl")


@dataclass
class Front:
    """A proxy: its ports with and without https."""

    port: int
    plain_port: int

    def request(
        self, method: str, target: str, key: str | None, body: bytes | None = None, **headers: str
    ) -> http.client.HTTPResponse:
        """Send a request from an address that isn't the proxy's own, and read the head of the response."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        raw = socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS, source_address=(FROM, 0))
        connection = http.client.HTTPSConnection(HOST, timeout=WAIT_SECONDS)
        connection.sock = context.wrap_socket(raw, server_hostname=HOST)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"host": HOST, "connection": "close", **named}
        connection.request(method, target, body, sent if key is None else {**sent, "x-api-key": key})
        return connection.getresponse()


def _read(name: str, changes: dict[str, str]) -> str:
    """A file of the folder with ``changes``, each of which must be in it."""
    text = (ROOT / "deploy/proxy" / name).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, f"{name}: {old} is missing"
        text = text.replace(old, new)
    return text


def write_nginx(setup: Setup, plain_port: int) -> list[str]:
    """nginx in a folder that it may write."""
    temporary = "".join(
        f"    {name}_temp_path {setup.folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    changes = {
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl": f"listen 127.0.0.1:{setup.port} ssl",
        "/etc/nginx/tls/fullchain.pem": str(setup.certificate),
        "/etc/nginx/tls/key.pem": str(setup.certificate),
        "http {\n": f"http {{\n    access_log off;\n{temporary}",
        "127.0.0.1:3000": f"127.0.0.1:{setup.ari_port}",
    }
    user = "user root;\n" if os.getuid() == 0 else ""
    path = setup.folder / "nginx.conf"
    path.write_text(f"daemon off;\npid {setup.folder}/pid;\n{user}{_read('nginx.conf', changes)}")
    return [find_program("nginx"), "-e", "stderr", "-p", str(setup.folder), "-c", str(path)]


def write_caddy(setup: Setup, plain_port: int) -> list[str]:
    """Caddy with a certificate of its own, which needs no authority."""
    ports = f"\thttp_port {plain_port}\n\thttps_port {setup.port}\n"
    options = f"\tadmin off\n{ports}\tskip_install_trust\n\tdefault_sni {HOST}\n\tservers {{"
    changes = {
        "\tservers {": options,
        f"{HOST} {{": f"{HOST} {{\n\tbind 127.0.0.1\n\ttls {setup.certificate} {setup.certificate}",
        "127.0.0.1:3000": f"127.0.0.1:{setup.ari_port}",
    }
    (setup.folder / "Caddyfile").write_text(_read("Caddyfile", changes))
    return [find_program("caddy"), "run", "--config", "Caddyfile"]


def write_haproxy(setup: Setup, plain_port: int) -> list[str]:
    """HAProxy in the foreground."""
    changes = {
        "bind :80": f"bind 127.0.0.1:{plain_port}",
        "bind :443": f"bind 127.0.0.1:{setup.port}",
        "/etc/haproxy/tls/ari.pem": str(setup.certificate),
        "127.0.0.1:3000": f"127.0.0.1:{setup.ari_port}",
    }
    (setup.folder / "haproxy.cfg").write_text(_read("haproxy.cfg", changes))
    return [find_program("haproxy"), "-db", "-f", "haproxy.cfg"]


def write_apache(setup: Setup, plain_port: int) -> list[str]:
    """Apache with the modules that the file names, and what Debian's own configuration has around it."""
    changes = {
        "Listen 80\n": f"Listen 127.0.0.1:{plain_port}\n",
        "Listen 443\n": f"Listen 127.0.0.1:{setup.port}\n",
        "*:80>": f"127.0.0.1:{plain_port}>",
        "*:443>": f"127.0.0.1:{setup.port}>",
        "/etc/apache2/tls/fullchain.pem": str(setup.certificate),
        "/etc/apache2/tls/key.pem": str(setup.certificate),
        "127.0.0.1:3000": f"127.0.0.1:{setup.ari_port}",
    }
    loaded = "".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n" for name in MODULES)
    user = "User nobody\nGroup nogroup\n" if os.getuid() == 0 else ""
    around = f"PidFile {setup.folder}/pid\nErrorLog {setup.folder}/error.log\nDefaultRuntimeDir {setup.folder}\n"
    path = setup.folder / "apache.conf"
    path.write_text(loaded + user + around + _read("apache.conf", changes))
    return [find_program("apache2"), "-d", str(setup.folder), "-f", str(path), "-D", "FOREGROUND"]


WRITERS: dict[str, Callable[[Setup, int], list[str]]] = {
    "nginx.conf": write_nginx,
    "Caddyfile": write_caddy,
    "haproxy.cfg": write_haproxy,
    "apache.conf": write_apache,
}


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AiGateway]:
    """ARI as the guide sets it up behind a proxy, with a stand-in for providers."""
    settings = {
        "ARI_PUBLIC_URL": f"https://{HOST}",
        "ARI_TRUSTED_PROXIES": "127.0.0.1",
        "ARI_FORWARD_AUTH": "nginx",
    }
    with running_gateway(tmp_path_factory.mktemp("behind") / "data", **settings) as running:
        yield running


@pytest.fixture(scope="module", params=list(WRITERS))
def front(
    request: pytest.FixtureRequest, behind: AiGateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    """Each proxy in turn."""
    folder = tmp_path_factory.mktemp("front")
    port, plain_port = free_port(), free_port()
    setup = Setup(folder, port, behind.owner.server.port, 0, self_signed(folder / "certificate.pem"))
    command = WRITERS[request.param](setup, plain_port)
    with running_proxy(command, setup, tls=True):
        yield Front(port, plain_port)


def test_every_file_is_run() -> None:
    """A file without a test would be a guess."""
    assert {path.name for path in (ROOT / "deploy/proxy").iterdir()} == set(WRITERS)


def test_the_log_has_the_clients_address(front: Front, behind: AiGateway) -> None:
    """Not the proxy's, and not one that the client made up."""
    response = front.request("GET", "/api/me", behind.key, x_forwarded_for="203.0.113.9, 203.0.113.10")
    assert (response.status, response.read()[:1]) == (200, b"{")
    assert behind.row(response.headers["x-request-id"])["client_address"] == FROM


def test_pages_know_that_they_are_https(front: Front) -> None:
    """Secure cookies and HSTS; plain http only redirects."""
    page = front.request("GET", "/sign-in", None)
    assert page.status == 200
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert "; secure" in page.headers["set-cookie"].lower()
    plain = http.client.HTTPConnection("127.0.0.1", front.plain_port, timeout=WAIT_SECONDS)
    plain.request("GET", "/settings?a=1", headers={"host": HOST})
    response = plain.getresponse()
    response.read()
    plain.close()
    assert response.status in (301, 308)
    assert response.headers["location"].replace(f":{front.port}", "") == f"https://{HOST}/settings?a=1"


def test_another_host_name_is_refused(front: Front) -> None:
    """By ARI, which gets the name in the request, or by the proxy."""
    response = front.request("GET", "/sign-in", None, host="other.example.net")
    assert response.status == 421 or b"<form" not in response.read()


@pytest.mark.parametrize(
    "path",
    [
        "/api/forward-auth",
        "/api/forward-auth/",
        "/api/forward-auth/any_key=true",
        "/api/%66orward-auth",
        "/API/Forward-Auth",
        "//api/forward-auth",
        "/api//forward-auth",
        "/api/./forward-auth",
        "/x/../api/forward-auth",
        "/api/%2e/forward-auth",
        "/api/forward-auth;x",
        "/api%2fforward-auth",
    ],
)
def test_clients_never_reach_forward_auth(front: Front, behind: AiGateway, path: str) -> None:
    """ARI trusts the proxy, so a client could ask about its key as if it were one, past ARI_ALLOWED_IPS."""
    target = f"{path}?any_key=true"
    response = front.request("GET", target, behind.key, x_original_method="DELETE", x_original_uri="/forged")
    assert response.status in (400, 403, 404)  # with this key, ARI would respond 200
    assert "x-ari-key-id" not in response.headers


def test_events_arrive_one_by_one(front: Front, behind: AiGateway) -> None:
    """The first is here while the provider still holds the second: the proxy keeps none back."""
    behind.provider.reset()
    body = b'{"model": "hold", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
    response = front.request("POST", CHAT, behind.key, body, content_type="application/json")
    assert response.status == 200
    assert b'"role": "assistant"' in response.readline()
    assert not behind.provider.gate.is_set()
    behind.provider.gate.set()
    assert b"data: [DONE]" in response.read()


def test_a_large_body_passes(front: Front, behind: AiGateway) -> None:
    """Larger than what a proxy takes by default, and the same at the provider."""
    behind.provider.reset()
    behind.provider.gate.set()
    body = b'{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "%s"}]}' % (b"a" * MAX_DEFAULT)
    response = front.request("POST", CHAT, behind.key, body, content_type="application/json")
    assert (response.status, response.read()[:1]) == (200, b"{")
    assert len(behind.provider.last.body) == len(body)


def test_a_query_arrives_as_it_was_sent(front: Front, behind: AiGateway) -> None:
    """A proxy that decodes and encodes again would change what a provider gets."""
    behind.provider.reset()
    behind.provider.gate.set()
    body = b'{"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}'
    target = f"{CHAT}?a=b%20c%2Fd&e"
    response = front.request("POST", target, behind.key, body, content_type="application/json")
    assert (response.status, response.read()[:1]) == (200, b"{")
    assert behind.provider.last.path == "/v1/chat/completions?a=b%20c%2Fd&e"
