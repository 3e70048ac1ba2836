"""The AI gateways of the benchmark, each as documented for production, and forwarders that only forward.

Each is one process tree on the server's core; one worker, since it is one core.
"""

import json
import sys
import urllib.request
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from benchmarks import data, machine
from benchmarks.install import NotInstalled, install_npm, install_venv
from benchmarks.load import message
from benchmarks.process import Probe, Server, free_port
from benchmarks.rows import serve_app, serve_ari

CHAT_PATH = "/v1/chat/completions"
_CHAT = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Say hello. " * 20}]}
WHOLE = json.dumps(_CHAT).encode()
_PROVIDER_KEY = "sk-bench-" + "x" * 40
_LITELLM_KEY = "sk-" + "5b0a4d7f" * 8
_LITELLM_CONFIG = """\
model_list:
  - model_name: gpt-5-mini
    litellm_params:
      model: openai/gpt-5-mini
      api_base: os.environ/BENCH_PROVIDER
      api_key: os.environ/BENCH_PROVIDER_KEY
litellm_settings:
  request_timeout: 600
  set_verbose: false
  json_logs: true
"""

LABELS = {
    "ari": "ARI: key verified, request logged, tokens and cost metered",
    "ari-budget": "ARI, the same with a key that has a monthly budget in US dollars",
    "litellm": "LiteLLM proxy: key compared with the master key, tokens and cost computed; no log, no database",
    "portkey": "Portkey gateway: no keys, no log; the caller sends the provider key",
    "aiohttp": "aiohttp, bare: forwards only",
    "outbound": "aiohttp as ARI uses it, addresses checked: forwards only, not streamed",
    "httpx2": "httpx2, bare: forwards only, not streamed",
}
PEERS = ("litellm", "portkey")
STREAMING = ("ari", "ari-budget", *PEERS, "aiohttp")


def streamed(model: str = "gpt-5-mini") -> bytes:
    """The body of a streamed chat; the model says how the provider streams it."""
    return json.dumps({**_CHAT, "model": model, "stream": True}).encode()


@dataclass(frozen=True)
class Forwarder:
    """A gateway: its server, not yet started, and how a chat is sent to it. ``skipped`` says why it isn't run."""

    id: str
    server: Server | None = None
    path: str = CHAT_PATH
    headers: dict[str, str] = field(default_factory=dict)
    least_seconds: int = 0
    skipped: str | None = None

    @property
    def label(self) -> str:
        return LABELS[self.id]

    @property
    def streams(self) -> bool:
        return self.id in STREAMING

    def chat(self, body: bytes) -> bytes:
        """The raw request with this body."""
        assert self.server is not None
        return message(self.server.port, self.path, self.headers, "POST", body)

    def start(self) -> Server:
        """Start the server, unless another row did; it responds to a chat then."""
        assert self.server is not None
        return self.server if self.server.processes() else self.server.start(Probe(self.chat(WHOLE)))

    def with_budget(self) -> "Forwarder":
        """The same running ARI with another key, which has a budget that never refuses."""
        budget = {"name": "monthly", "amount_usd": "1000000.00", "period": "month"}
        asked = json.dumps({"name": "Bench, budget", "scopes": ["ai:openai"], "budgets": [budget]}).encode()
        assert self.server is not None
        url = f"http://127.0.0.1:{self.server.port}/api/keys"
        request = urllib.request.Request(url, asked, {**self.headers, "content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            secret = json.load(answer)["secret"]
        return replace(self, id="ari-budget", headers={"x-api-key": secret})


@contextmanager
def provider(folder: Path) -> Iterator[Server]:
    """The provider, on the load generator's core."""
    port = free_port()
    command = [sys.executable, str(machine.APPS / "serve.py"), str(port), "benchmarks.apps.provider:app"]
    settings = {"ARI_DATA_DIR": str(folder / "none")}
    server = Server("provider", command, settings, folder / "provider", port, core=machine.LOAD_CORE)
    server.start(Probe(message(port, CHAT_PATH, {}, "POST", WHOLE)))
    try:
        yield server
    finally:
        server.stop()


def forwarders(folder: Path, provider_port: int, wanted: Collection[str], with_peers: bool) -> list[Forwarder]:
    """The wanted rows, but that of the budget; a peer that can't be installed, or is left out, has the reason."""
    provider = f"http://127.0.0.1:{provider_port}"
    makers: dict[str, Callable[[Path, str], Forwarder]] = {"ari": _ari, "litellm": _litellm, "portkey": _portkey}
    makers |= {name: partial(_app, name) for name in ("aiohttp", "outbound", "httpx2")}
    found = []
    for name, make in makers.items():
        if name not in wanted and not (name == "ari" and "ari-budget" in wanted):
            continue
        if name in PEERS and not with_peers:
            found.append(Forwarder(name, skipped="left out with --no-peers"))
            continue
        try:
            found.append(make(folder / f"gateway-{name}", provider))
        except NotInstalled as error:
            found.append(Forwarder(name, skipped=str(error)))
    return found


def _ari(folder: Path, provider: str) -> Forwarder:
    known = data.on_sqlite(folder, 100)
    made = data.ari(
        known.settings, "keys", "create", "Bench, AI", "--scope", "ai:openai", "--scope", "keys:write", "--json"
    )
    given = {"OPENAI_API_KEY": _PROVIDER_KEY, "OPENAI_BASE_URL": provider}
    server = serve_ari(folder, data.Data({**known.settings, **given}, [], []))
    return Forwarder("ari", server, f"/api/ai/openai{CHAT_PATH}", {"x-api-key": json.loads(made)["secret"]})


def _litellm(folder: Path, provider: str) -> Forwarder:
    """Settings of its page "Production Best Practices", without a database and Redis."""
    command = install_venv("litellm").with_name("litellm")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(_LITELLM_CONFIG)
    port = free_port()
    settings = {
        "BENCH_PROVIDER": f"{provider}/v1",
        "BENCH_PROVIDER_KEY": _PROVIDER_KEY,
        "LITELLM_MASTER_KEY": _LITELLM_KEY,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "PYTHONPATH": "",
    }
    words = ["--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    server = Server("litellm", [str(command), *words], settings, folder, port, start_seconds_limit=180)
    headers = {"authorization": f"Bearer {_LITELLM_KEY}"}
    return Forwarder("litellm", server, headers=headers, least_seconds=10)


def _portkey(folder: Path, provider: str) -> Forwarder:
    """Its Node.js server without the console."""
    packages, node = install_npm("portkey")
    port = free_port()
    script = packages / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    command = [node, str(script), f"--port={port}", "--headless"]
    server = Server("portkey", command, {"NODE_ENV": "production"}, folder, port)
    headers = {
        "authorization": f"Bearer {_PROVIDER_KEY}",
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": f"{provider}/v1",
    }
    return Forwarder("portkey", server, headers=headers)


def _app(name: str, folder: Path, provider: str) -> Forwarder:
    settings = {"ARI_DATA_DIR": str(folder / "none"), "BENCH_PROVIDER": f"{provider}{CHAT_PATH}"}
    return Forwarder(name, serve_app(folder, f"forward:{name}_app", settings))
