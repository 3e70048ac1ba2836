"""HAProxy asks ARI about each request: the configuration of the guide and its script, in a real HAProxy."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import ROOT, Proxied, Setup, find_program, proxied_by, running_proxy
from tests.proxies.hostile import HostileBehavior
from tests.proxies.paths import PathBehavior
from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.support.upstream import Upstream

_PAGE = "docs/guides/forward-auth-haproxy.md"
_FIRST_LINE = "    local response = ask("


def write_haproxy(setup: Setup, more: str = "") -> list[str]:
    """The guide's configuration with the test's ports; ``more`` is for the script's action to begin with."""
    changes = {
        "bind :443 ssl": f"bind 127.0.0.1:{setup.port} ssl",
        "/etc/haproxy/tls/api.pem": str(setup.certificate),
        "/etc/haproxy/forward_auth.lua": str(setup.folder / "forward_auth.lua"),
    }
    script = (ROOT / "examples/haproxy/forward_auth.lua").read_text(encoding="utf-8")
    for old, new in (("TIMEOUT_SECONDS = 5", "TIMEOUT_SECONDS = 3"), (_FIRST_LINE, more + _FIRST_LINE)):
        assert script.count(old) == 1
        script = script.replace(old, new)
    (setup.folder / "forward_auth.lua").write_text(script)
    path = setup.folder / "haproxy.cfg"
    path.write_text(setup.config(_PAGE, "haproxy", {**setup.addresses, **changes}))
    return [find_program("haproxy"), "-db", "-f", str(path)]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """HAProxy in front of the API."""
    with proxied_by("haproxy", write_haproxy, upstream, tmp_path_factory.mktemp("haproxy"), tls=True) as running:
        yield running


class TestHaproxy(ProxyBehavior, PathBehavior, HostileBehavior):
    """What every proxy does."""

    reuses_connections: ClassVar[bool] = False


@pytest.mark.parametrize("more", ['    error("broken")\n', "    do return end\n"])
def test_a_script_that_fails_lets_nothing_pass(proxied: Proxied, tmp_path: Path, more: str) -> None:
    """HAProxy logs the error and goes on with its next rule, so the configuration must not take that for a yes."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, self_signed(tmp_path / "own.pem"))
    _, secret = proxied.create_key("broken")
    broken = replace(proxied, port=setup.port)
    broken.reset()
    with running_proxy(write_haproxy(setup, more), setup, tls=True):
        assert broken.caller()("GET", "/orders", secret).status == 503
        assert broken.upstream.received == []
    broken.reset()
