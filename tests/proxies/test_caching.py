"""Verdicts that a proxy keeps are noticed: the check of revoked keys fails on a proxy whose cache is on."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import Proxied, Setup, running_proxy
from tests.proxies.test_nginx import proxied, write_nginx
from tests.support.ports import free_port

__all__ = ["proxied"]

ZONE = "proxy_cache_path {folder}/verdicts keys_zone=verdicts:1m;"
CACHE = """
            proxy_buffering on;
            proxy_cache verdicts;
            proxy_cache_key $http_x_api_key$ari_options;
            proxy_cache_valid 200 1h;
            {extra}
"""


def start_caching(setup: Setup, extra: str) -> list[str]:
    """nginx with the guide's config and a cache in the place where it asks ARI."""
    command = write_nginx(setup)
    path = setup.folder / "nginx.conf"
    config = path.read_text()
    assert config.count("internal;\n") == 1
    config = config.replace("internal;\n", "internal;\n" + CACHE.format(extra=extra))
    path.write_text(config.replace("http {\n", f"http {{\n    {ZONE.format(folder=setup.folder)}\n", 1))
    return command


def test_the_check_notices_a_cache(proxied: Proxied, tmp_path: Path) -> None:
    """A cache that ignores what ARI says about caching accepts a revoked key, and the check fails."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, proxied.certificate)
    command = start_caching(setup, "proxy_ignore_headers Cache-Control Vary;")
    caching = replace(proxied, port=setup.port)
    caching.reset()
    with running_proxy(command, setup, tls=True), pytest.raises(AssertionError, match="401"):
        ProxyBehavior().test_a_revoked_key_is_dead_on_the_next_request(caching)
    caching.reset()


def test_a_cache_turned_on_by_mistake_keeps_nothing(proxied: Proxied, tmp_path: Path) -> None:
    """One that heeds Cache-Control still asks about every request."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, proxied.certificate)
    caching = replace(proxied, port=setup.port)
    caching.reset()
    with running_proxy(start_caching(setup, ""), setup, tls=True):
        ProxyBehavior().test_a_revoked_key_is_dead_on_the_next_request(caching)
    assert len([head for head in proxied.tap.heads() if "/api/forward-auth" in head]) >= 4
    caching.reset()
