"""nginx asks ARI about each request: the configuration of the guide, in a real nginx."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import Proxied, Setup, find_program, proxied_by, running_proxy
from tests.proxies.hostile import HostileBehavior
from tests.proxies.paths import PathBehavior
from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.support.upstream import Upstream

_PAGE = "docs/guides/forward-auth-nginx.md"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def write_nginx(setup: Setup, change: tuple[str, str] | None = None) -> list[str]:
    """The guide's configuration with the test's ports, in a folder that nginx may write, with one change."""
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{setup.port} ssl",
        "/etc/nginx/tls/fullchain.pem": str(setup.certificate),
        "/etc/nginx/tls/key.pem": str(setup.certificate),
        "proxy_read_timeout 5s": "proxy_read_timeout 3s",
    }
    config = setup.config(_PAGE, "nginx", {**setup.addresses, **changes})
    folders = "".join(f"    {name}_temp_path {setup.folder}/{name};\n" for name in _TEMPORARY)
    config = config.replace("http {\n", f"http {{\n    access_log off;\n{folders}", 1)
    if change is not None:
        assert config.count(change[0]) == 1
        config = config.replace(*change)
    user = "user root;\n" if os.getuid() == 0 else ""
    path = setup.folder / "nginx.conf"
    path.write_text(f"daemon off;\npid {setup.folder}/pid;\n{user}{config}")
    return [find_program("nginx"), "-e", "stderr", "-p", str(setup.folder), "-c", str(path)]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """nginx in front of the API."""
    with proxied_by("nginx", write_nginx, upstream, tmp_path_factory.mktemp("nginx"), tls=True) as running:
        yield running


class TestNginx(ProxyBehavior, PathBehavior, HostileBehavior):
    """What every proxy does."""

    removes_by_prefix: ClassVar[bool] = False

    def test_a_head_that_ari_cannot_read_is_400(self, proxied: Proxied) -> None:
        """Not 503: the client is wrong, and ARI is not down. Nothing passes, and the next request does."""
        _, secret = proxied.create_key("head")
        refused = proxied.caller()("GET", "/orders/unreadable", secret, ("X-Pad", "a\x7fb"))
        assert (refused.status, json.loads(refused.body)["code"]) == (400, "invalid_request")
        assert proxied.upstream.received == []
        assert proxied.caller()("GET", "/orders", secret).status == 200


_ASKED = "proxy_pass http://ari/api/forward-auth?$ari_options;"
_CACHED = (
    "proxy_buffering on; proxy_cache c; proxy_cache_key $http_x_api_key; proxy_cache_valid 200 1m; "
    "proxy_ignore_headers Cache-Control Vary;"
)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (("        auth_request /_ari;\n", ""), "test_no_key_and_a_wrong_key_are_401"),
        (("X-Ari-Key-Metadata $ari_key_metadata", "X-Other x"), "test_identity_headers_of_clients_are_removed"),
        (("if ($ari_status = 429) { return 429 $ari_problem; }", ""), "test_a_used_up_limit_is_429"),
        (("error_page 500 = @ari_down;", ""), "test_closed_while_ari_is_down_or_silent"),
        ((_ASKED, f"{_ASKED} {_CACHED}"), "test_a_revoked_key_is_dead_on_the_next_request"),
    ],
)
def test_the_checks_notice_a_wrong_nginx(proxied: Proxied, tmp_path: Path, change: tuple[str, str], check: str) -> None:
    """Without one part of the guide's configuration, or with a cache, the check of that part fails."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, self_signed(tmp_path / "own.pem"))
    command = write_nginx(setup, change)
    path = tmp_path / "nginx.conf"
    path.write_text(path.read_text().replace("http {", f"http {{ proxy_cache_path {tmp_path}/c keys_zone=c:1m;", 1))
    wrong = replace(proxied, port=setup.port)
    wrong.reset()
    with running_proxy(command, setup, tls=True), pytest.raises(AssertionError):
        getattr(TestNginx(), check)(wrong)
    wrong.reset()
