"""nginx asks ARI about each request: the configuration of the guide, in a real nginx."""

import os
from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import Proxied, Setup, find_program, proxied_by
from tests.proxies.paths import PathBehavior
from tests.support.upstream import Upstream

_PAGE = "docs/guides/forward-auth-nginx.md"
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def write_nginx(setup: Setup) -> list[str]:
    """The guide's configuration with the test's ports, in a folder that nginx may write."""
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{setup.port} ssl",
        "/etc/nginx/tls/fullchain.pem": str(setup.certificate),
        "/etc/nginx/tls/key.pem": str(setup.certificate),
        "proxy_read_timeout 5s": "proxy_read_timeout 1s",
    }
    config = setup.config(_PAGE, "nginx", {**setup.addresses, **changes})
    folders = "".join(f"    {name}_temp_path {setup.folder}/{name};\n" for name in _TEMPORARY)
    config = config.replace("http {\n", f"http {{\n    access_log off;\n{folders}", 1)
    user = "user root;\n" if os.getuid() == 0 else ""
    path = setup.folder / "nginx.conf"
    path.write_text(f"daemon off;\npid {setup.folder}/pid;\n{user}{config}")
    return [find_program("nginx"), "-e", "stderr", "-p", str(setup.folder), "-c", str(path)]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """nginx in front of the API."""
    with proxied_by("nginx", write_nginx, upstream, tmp_path_factory.mktemp("nginx"), tls=True) as running:
        yield running


class TestNginx(ProxyBehavior, PathBehavior):
    """What every proxy does."""

    removes_by_prefix: ClassVar[bool] = False
