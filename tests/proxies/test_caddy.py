"""Caddy with the config of its guide."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import Proxied, Setup, find_program, proxied_by, running_proxy
from tests.proxies.hostile import HostileBehavior
from tests.proxies.paths import PathBehavior
from tests.support.ports import free_port
from tests.support.upstream import Upstream

GUIDE = "docs/guides/forward-auth-caddy.md"
LOCAL = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}\n"


def write_config(setup: Setup) -> str:
    """The guide's site on a port of its own, with a certificate that needs no authority."""
    site = f"https://127.0.0.1:{setup.port} {{\n\ttls {setup.certificate} {setup.certificate}\n"
    changes = {"api.example.net {\n": site, "response_header_timeout 5s": "response_header_timeout 3s"}
    return LOCAL + setup.config(GUIDE, "caddyfile", {**setup.addresses, **changes})


def write_caddy(setup: Setup, config: str | None = None) -> list[str]:
    """Write the config and return Caddy's command."""
    (setup.folder / "Caddyfile").write_text(config or write_config(setup))
    return [find_program("caddy"), "run", "--config", "Caddyfile"]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Caddy in front of the upstream."""
    with proxied_by("caddy", write_caddy, upstream, tmp_path_factory.mktemp("caddy"), tls=True) as running:
        yield running


class TestCaddy(ProxyBehavior, PathBehavior, HostileBehavior):
    """The behavior that all proxies share, and how Go writes the requests to ARI."""

    def test_go_writes_headers_sorted(self, proxied: Proxied) -> None:
        """As ``test_request_shapes.py`` says of Traefik, which uses the same library; a body isn't mentioned."""
        _, secret = proxied.create_key("order")
        lines = [("x-zeta", "1"), ("user-agent", "orders-client/1.2"), ("b-first", "2")]
        assert proxied.caller()("POST", "/orders", secret, *lines, body=b"{}").status == 200
        [sent] = re.findall(
            rb"GET /api/forward-auth\?scope=orders:read HTTP/1.1\r\n(.*?)\r\n\r\n", proxied.tap.sent, re.DOTALL
        )
        names = [line.partition(":")[0] for line in sent.decode().split("\r\n")]
        assert names[:2] == ["Host", "User-Agent"]
        assert names[2:-1] == sorted(names[2:-1])
        assert names[-1] == "Accept-Encoding"
        assert {"B-First", "X-Api-Key", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Zeta"} < set(names)
        assert {"Content-Length", "Transfer-Encoding"}.isdisjoint(names)

    @pytest.mark.parametrize("target", ["/orders/..%5creports/1", "/orders/..%5C..%5Creports", "/orders/..;/reports/1"])
    def test_ambiguous_paths_are_refused(self, proxied: Proxied, target: str) -> None:
        """Caddy decodes and cleans paths before it compares them, but apps may see more slashes than it does."""
        _, secret = proxied.create_key("ambiguous")
        assert proxied.caller()("GET", target, secret).status == 400
        assert proxied.caller()("GET", f"/orders?next={target}", secret).status == 200
        assert proxied.upstream.targets() == [f"/orders?next={target}"]

    def test_a_failing_api_is_not_taken_for_ari(self, proxied: Proxied, tmp_path: Path) -> None:
        """The 503 of the config is for requests without a verdict; an API that is down is a 502, never a 200."""
        _, secret = proxied.create_key("no API")
        setup = Setup(tmp_path, free_port(), proxied.tap.port, free_port(), proxied.certificate)
        with running_proxy(write_caddy(setup), setup, tls=True):
            here = replace(proxied, port=setup.port)
            assert here.caller()("GET", "/orders", secret).status == 502
            assert here.caller()("GET", "/orders").status == 401


@pytest.mark.parametrize(
    ("removed", "check"),
    [
        (r"\t\tforward_auth .*?\n\t\t\}\n", "test_no_key_and_a_wrong_key_are_401"),
        (r"\t\trequest_header -X-Ari\*\n", "test_identity_headers_of_clients_are_removed"),
        (r"\t\thandle @reports \{.*?\}\n", "test_a_missing_scope_is_403"),
    ],
)
def test_the_checks_notice_a_wrong_config(proxied: Proxied, tmp_path: Path, removed: str, check: str) -> None:
    """Without one part of the guide's config, the check of that part fails."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, proxied.certificate)
    config, count = re.subn(removed, "", write_config(setup), flags=re.DOTALL)
    assert count == 1
    wrong = replace(proxied, port=setup.port)
    wrong.reset()
    with running_proxy(write_caddy(setup, config), setup, tls=True), pytest.raises(AssertionError):
        getattr(ProxyBehavior(), check)(wrong)
    wrong.reset()
