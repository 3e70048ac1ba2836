"""Envoy with the config of its guide."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import Proxied, Setup, find_program, proxied_by
from tests.proxies.hostile import HostileBehavior
from tests.proxies.paths import PathBehavior
from tests.support.upstream import Upstream

GUIDE = "docs/guides/forward-auth-envoy.md"


def write_envoy(setup: Setup) -> list[str]:
    """The guide's listener on a port of its own."""
    changes = {
        "address: 0.0.0.0, port_value: 443": f"address: 127.0.0.1, port_value: {setup.port}",
        "address: 127.0.0.1, port_value: 3000": f"address: 127.0.0.1, port_value: {setup.ari_port}",
        "address: 127.0.0.1, port_value: 8000": f"address: 127.0.0.1, port_value: {setup.upstream_port}",
        "/etc/envoy/certificate.pem": str(setup.certificate),
        "/etc/envoy/key.pem": str(setup.certificate),
        "timeout: 5s": "timeout: 3s",
    }
    (setup.folder / "envoy.yaml").write_text(setup.config(GUIDE, "yaml", changes))
    return [find_program("envoy"), "--config-path", "envoy.yaml", "--concurrency", "1", "--base-id", str(setup.port)]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Envoy in front of the upstream."""
    with proxied_by("envoy", write_envoy, upstream, tmp_path_factory.mktemp("envoy"), tls=True) as running:
        yield running


class TestEnvoy(ProxyBehavior, PathBehavior, HostileBehavior):
    """The behavior that all proxies share, and options that clients try to send in the path."""

    @pytest.mark.parametrize("target", ["&cost=0", "&cost=0/orders", "&any_key=true/orders", "orders", "*"])
    def test_paths_cannot_be_options(self, proxied: Proxied, target: str) -> None:
        """Envoy appends the path to the options: one that doesn't begin with a slash never reaches ARI or the API."""
        key_id, secret = proxied.create_key("options")
        url = f"https://127.0.0.1:{proxied.port}/"
        words = ["-sk", "--http2", "-o", os.devnull, "-m", "20", "-w", "%{http_code}", "--request-target", target]
        done = subprocess.run(
            [find_program("curl"), *words, "-H", f"x-api-key: {secret}", url], capture_output=True, text=True
        )
        assert done.stdout != "200"
        assert proxied.upstream.received == []
        assert [row for row in self.rows(proxied, key_id) if row.code == "ok"] == []
