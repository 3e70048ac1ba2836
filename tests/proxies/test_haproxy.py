"""HAProxy asks ARI about each request: the configuration of the guide and its script, in a real HAProxy."""

from collections.abc import Iterator
from typing import ClassVar

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import ROOT, Proxied, Setup, find_program, proxied_by
from tests.proxies.paths import PathBehavior
from tests.support.upstream import Upstream

TIMEOUT = "TIMEOUT_SECONDS = 5"
_PAGE = "docs/guides/forward-auth-haproxy.md"


def write_haproxy(setup: Setup) -> list[str]:
    """The guide's configuration with the test's ports."""
    changes = {
        "bind :443 ssl": f"bind 127.0.0.1:{setup.port} ssl",
        "/etc/haproxy/tls/api.pem": str(setup.certificate),
        "/etc/haproxy/forward_auth.lua": str(setup.folder / "forward_auth.lua"),
    }
    script = (ROOT / "examples/haproxy/forward_auth.lua").read_text(encoding="utf-8")
    assert TIMEOUT in script
    (setup.folder / "forward_auth.lua").write_text(script.replace(TIMEOUT, TIMEOUT.replace("5", "1")))
    path = setup.folder / "haproxy.cfg"
    path.write_text(setup.config(_PAGE, "haproxy", {**setup.addresses, **changes}))
    return [find_program("haproxy"), "-db", "-f", str(path)]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """HAProxy in front of the API."""
    with proxied_by("haproxy", write_haproxy, upstream, tmp_path_factory.mktemp("haproxy"), tls=True) as running:
        yield running


class TestHaproxy(ProxyBehavior, PathBehavior):
    """What every proxy does."""

    reuses_connections: ClassVar[bool] = False
