"""A real proxy in front of a test API, with ARI's forward-auth.

A proxy's tests are a module with a fixture and a class::

    def write_caddy(setup: Setup) -> list[str]:
        config = setup.config("docs/guides/forward-auth-caddy.md", "caddyfile", {**setup.addresses, …})
        (setup.folder / "Caddyfile").write_text(config)
        return [find_program("caddy"), "run", "--config", "Caddyfile"]

    @pytest.fixture(scope="module")
    def proxied(upstream, tmp_path_factory) -> Iterator[Proxied]:
        with proxied_by("caddy", write_caddy, upstream, tmp_path_factory.mktemp("caddy"), tls=True) as running:
            yield running

    class TestCaddy(ProxyBehavior):
        \"\"\"Tests that only this proxy needs; the inherited ones run too.\"\"\"

``proxied_by`` starts ARI with ``ARI_FORWARD_AUTH`` set to the first argument, a ``Tap`` between the proxy and ARI, and
the proxy. The config must require the scope ``orders:read`` for every path except those below ``/reports/``, which need
``reports:read``. See ``behavior.py`` for what every proxy must do.
"""

import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.certificates import self_signed
from tests.support.missing import skip_missing
from tests.support.owner import Owner, start_owner
from tests.support.ports import free_port
from tests.support.server import ServerProcess, clean_environment
from tests.support.tap import Tap
from tests.support.upstream import Upstream

ROOT = Path(__file__).parents[2]
SCOPES = ("orders:read", "reports:read")
START_SECONDS = 30
WAIT_SECONDS = 20


def locate_program(name: str) -> str | None:
    """The program's path, in the virtual environment, on the path or in /usr/sbin."""
    folders = [str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"]
    return shutil.which(name, path=os.pathsep.join(folders))


def find_program(name: str) -> str:
    """The program's path; without it the test is skipped."""
    found = locate_program(name)
    if found is None:
        skip_missing(f"{name} is not installed")
    return found


@dataclass(frozen=True)
class Setup:
    """Inputs of a config: the ports to listen on and to call, a folder, and a self-signed certificate with its key."""

    folder: Path
    port: int
    ari_port: int
    upstream_port: int
    certificate: Path

    @property
    def addresses(self) -> dict[str, str]:
        """ARI and the API as the docs write them, and where they are."""
        return {"127.0.0.1:3000": f"127.0.0.1:{self.ari_port}", "127.0.0.1:8000": f"127.0.0.1:{self.upstream_port}"}

    def config(self, page: str, language: str, changes: Mapping[str, str]) -> str:
        """The first code block in ``language`` of a page of the docs, with ``changes``, each of which must be in it."""
        text = (ROOT / page).read_text(encoding="utf-8")
        found = re.search(rf"^```{re.escape(language)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        assert found, f"{page} has no block of {language}"
        config = found[1]
        for old, new in changes.items():
            assert old in config, f"{page}: {old} is not in the block of {language}"
            config = config.replace(old, new)
        return config


@dataclass(frozen=True)
class ProxyResponse:
    """A response as the client got it; ``headers`` in lower case, lines with the same name joined."""

    status: int
    headers: dict[str, str]
    body: bytes


class Caller:
    """A client with one keep-alive connection to the proxy; call it with a method, a path and header lines."""

    def __init__(self, port: int, tls: bool, source: str | None = None) -> None:
        address = None if source is None else (source, 0)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_alpn_protocols(["http/1.1"])
            self.connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                "127.0.0.1", port, timeout=WAIT_SECONDS, context=context, source_address=address
            )
        else:
            self.connection = http.client.HTTPConnection(
                "127.0.0.1", port, timeout=WAIT_SECONDS, source_address=address
            )

    def __call__(
        self, method: str, target: str, key: str | None = None, *lines: tuple[str, str], body: bytes | None = None
    ) -> ProxyResponse:
        """Send a request, with the key in ``x-api-key``, and read the whole response."""
        response = self.begin(method, target, key, *lines, body=body)
        content = response.read()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            before = headers.get(name.lower())
            headers[name.lower()] = value if before is None else f"{before}, {value}"
        return ProxyResponse(response.status, headers, content)

    def begin(
        self, method: str, target: str, key: str | None = None, *lines: tuple[str, str], body: bytes | None = None
    ) -> http.client.HTTPResponse:
        """Send a request and read only the head of the response."""
        self.connection.putrequest(method, target, skip_accept_encoding=True)
        sent = [*([] if key is None else [("x-api-key", key)]), *lines]
        for name, value in sent:
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("content-length", str(len(body)))
        self.connection.endheaders(body)
        return self.connection.getresponse()

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


@dataclass
class Proxied:
    """A running proxy, the upstream behind it, and the instance that it asks, through ``tap``."""

    name: str
    port: int
    tls: bool
    owner: Owner
    tap: Tap
    upstream: Upstream
    certificate: Path
    _callers: list[Caller] = field(default_factory=list)

    def caller(self, source: str | None = None) -> Caller:
        """A client of the proxy; it is closed with the test."""
        self._callers.append(Caller(self.port, self.tls, source))
        return self._callers[-1]

    def create_key(self, name: str, *scopes: str, **fields: Any) -> tuple[str, str]:
        """The ID and the secret of a new key, with the scope ``orders:read`` unless others are given."""
        key, secret = self.owner.create_key(name, scopes=list(scopes or SCOPES[:1]), **fields)
        return key["id"], secret

    def reset(self) -> None:
        """Close clients and forget what came so far."""
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        self.upstream.reset()
        self.tap.reset()


@contextmanager
def proxied_by(
    name: str, write: Callable[[Setup], list[str]], upstream: Upstream, folder: Path, *, tls: bool = False
) -> Iterator[Proxied]:
    """Start ARI in the mode ``name`` and the proxy whose config ``write`` writes and whose command it returns."""
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    settings = {"ARI_FORWARD_AUTH": name, "ARI_TRUSTED_PROXIES": "127.0.0.1"}
    server = ServerProcess(data_dir, settings=settings)
    tap = Tap(server.port)
    certificate = self_signed(folder / "certificate.pem")
    setup = Setup(folder, free_port(), tap.port, upstream.port, certificate)
    command = write(setup)
    owner = start_owner(server)
    try:
        owner.make_keys_over_http()
        declare_scopes(owner)
        tap.target_port = server.port
        tap.open()
        with running_proxy(command, setup, tls):
            proxied = Proxied(name, setup.port, tls, owner, tap, upstream, certificate)
            yield proxied
            proxied.reset()
    finally:
        tap.close()
        owner.close()
        server.kill()


def declare_scopes(owner: Owner) -> None:
    """Declare the scopes that the configs require."""
    client = owner.api(owner.create_key("declares scopes", scopes=["*"])[1])
    for scope in SCOPES:
        response = client.post("/api/scopes", json={"name": scope, "description": "Of the API behind the proxy."})
        assert response.status_code == 201, response.text


@contextmanager
def running_proxy(command: list[str], setup: Setup, tls: bool) -> Iterator[None]:
    """A proxy that listens; on failure to start, the error has the end of its log."""
    log = setup.folder / "proxy.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=setup.folder,
            env=clean_environment(setup.folder, {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait(process, setup.port, tls, log)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, tls: bool, log: Path) -> None:
    """Wait until the proxy responds at all."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        caller = Caller(port, tls)
        try:
            caller("GET", "/waiting")
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
        else:
            return
        finally:
            caller.close()
    raise RuntimeError(f"{process.args!r} does not start:\n{log.read_text(errors='replace')[-3000:]}")
