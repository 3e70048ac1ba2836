"""Apache asks ARI about each request: the configuration of the guide and its script, in a real Apache."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.proxies.behavior import ProxyBehavior
from tests.proxies.harness import ROOT, Proxied, Setup, find_program, proxied_by, running_proxy
from tests.proxies.hostile import HostileBehavior
from tests.proxies.paths import PathBehavior
from tests.support.certificates import self_signed
from tests.support.missing import skip_missing
from tests.support.ports import free_port
from tests.support.upstream import Upstream

_FIRST_LINE = "function check(r)\n"
_PAGE = "docs/guides/forward-auth-apache.md"
_MODULES = Path("/usr/lib/apache2/modules")
_LOADED = ("mpm_event", "authz_core", "setenvif", "headers", "lua", "proxy", "proxy_http", "ssl", "http2")


def write_apache(setup: Setup, script_folder: Path, more: str = "") -> list[str]:
    """The guide's configuration with the test's ports, and what Debian's own configuration has around it.

    Apache never serves as root: another user reads the script. ``more`` is for its function to begin with.
    """
    if not Path("/usr/share/lua/5.3/socket.lua").exists():
        skip_missing("lua-socket is not installed")
    script = (ROOT / "examples/apache/forward_auth.lua").read_text(encoding="utf-8")
    ports = {'PORT = "127.0.0.1", 3000': f'PORT = "127.0.0.1", {setup.ari_port}'}
    for old, new in {**ports, "TIMEOUT_SECONDS = 5": "TIMEOUT_SECONDS = 3", _FIRST_LINE: _FIRST_LINE + more}.items():
        assert script.count(old) == 1
        script = script.replace(old, new)
    script_path = script_folder / "forward_auth.lua"
    script_path.write_text(script)
    script_folder.chmod(0o755)
    script_path.chmod(0o644)
    changes = {
        "Listen 443": f"Listen 127.0.0.1:{setup.port}",
        "*:443": f"127.0.0.1:{setup.port}",
        "/etc/apache2/tls/fullchain.pem": str(setup.certificate),
        "/etc/apache2/tls/key.pem": str(setup.certificate),
        "/etc/apache2/forward_auth.lua": str(script_path),
        "127.0.0.1:8000": f"127.0.0.1:{setup.upstream_port}",
    }
    modules = "".join(f"LoadModule {name}_module {_MODULES}/mod_{name}.so\n" for name in _LOADED)
    user = "User nobody\nGroup nogroup\n" if os.getuid() == 0 else ""
    around = f"PidFile {setup.folder}/pid\nErrorLog {setup.folder}/error.log\nDefaultRuntimeDir {setup.folder}\n"
    around += "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n"  # each keeps a connection
    path = setup.folder / "apache.conf"
    path.write_text(modules + user + around + setup.config(_PAGE, "apache", changes))
    return [find_program("apache2"), "-d", str(setup.folder), "-f", str(path), "-D", "FOREGROUND"]


@pytest.fixture(scope="module")
def proxied(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """Apache in front of the API."""
    with TemporaryDirectory() as folder:
        write = partial(write_apache, script_folder=Path(folder))
        with proxied_by("apache", write, upstream, tmp_path_factory.mktemp("apache"), tls=True) as running:
            yield running


class TestApache(ProxyBehavior, PathBehavior, HostileBehavior):
    """What every proxy does."""


@pytest.mark.parametrize(
    ("more", "status"), [('error("broken")', 500), ("do return end", 500), ("do return apache2.DECLINED end", 403)]
)
def test_a_script_that_fails_lets_nothing_pass(proxied: Proxied, tmp_path: Path, more: str, status: int) -> None:
    """Neither an error nor a function that objects to nothing, since a yes sets the variable that Apache requires."""
    setup = Setup(tmp_path, free_port(), proxied.tap.port, proxied.upstream.port, self_signed(tmp_path / "own.pem"))
    _, secret = proxied.create_key("broken")
    broken = replace(proxied, port=setup.port)
    broken.reset()
    with (
        TemporaryDirectory() as folder,
        running_proxy(write_apache(setup, Path(folder), f"    {more}\n"), setup, tls=True),
    ):
        assert broken.caller()("GET", "/orders", secret).status == status
        assert broken.upstream.received == []
    broken.reset()
