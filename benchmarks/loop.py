"""The event loop's time per request, without a server: ``python -m benchmarks.loop BEFORE AFTER [--rounds 40]``.

One process for each checkout, asked for batches in turn; only the loop's own thread counts, so commits and folding in
other threads do not. This shows a difference of a few percent on a busy machine, where a whole server does not. The
traffic is that of ``benchmarks.traffic``. Fails if a checkout refuses requests; 503 from a disk that lags is let pass.
The rows ``ai-…`` are the gateway, whose provider is another process. ``--only`` chooses rows.
``--traces 0.01`` turns tracing on in the second checkout, for this share of the requests. ``--whole`` counts all
threads, which also commit and send traces.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvloop

from ari.base.settings import load_settings
from ari.instance import Instance
from ari.server import build_app
from benchmarks import data, machine, traffic
from benchmarks.apps import fastapi_route
from benchmarks.gateway_rows import CHAT_PATH, WHOLE, provider, streamed
from benchmarks.load import message

_ROWS = ("me", "verify", "route-guarded", "ai-whole", "ai-streamed", "ai-budget")
_WHOLE, _PROVIDER = "BENCHMARKS_LOOP_WHOLE", "BENCHMARKS_LOOP_PROVIDER"
_BATCH, _AT_ONCE, _WARM_UP = 640, 64, 3_000
_AI_SHARE = 2
"""Rows of the gateway have half as many requests, and half as many at once."""


def measure() -> None:
    """In a checkout's process: answer each line, the name of a row, with µs per request."""
    known = data.on_sqlite(Path(sys.argv[2]), 1_000)
    made = data.ari(known.settings, "keys", "create", "Bench, caller", "--scope", "keys:verify", "--json")
    caller = {"x-api-key": json.loads(made)["secret"]}
    settings = load_settings(data_dir=known.data_dir, trusted_proxies=traffic.SETTINGS["ARI_TRUSTED_PROXIES"])
    bodies = [json.dumps({"key": key}).encode() for key in known.keys]
    messages = {
        "me": [message(3000, "/api/me", {"x-api-key": key}) for key in known.keys],
        "verify": [message(3000, "/api/verify", caller, "POST", body) for body in bodies],
        "route-guarded": [message(3000, "/api/things/thing_1", {"x-api-key": key}) for key in known.keys],
    }
    messages |= _make_ai_messages(known)
    rows = {name: traffic.vary(plain) for name, plain in messages.items()}
    os.environ |= {**known.settings, **traffic.SETTINGS}
    os.environ |= {"OPENAI_API_KEY": "sk-bench-" + "x" * 40, "OPENAI_BASE_URL": os.environ[_PROVIDER]}
    instance = Instance.open(settings)
    stack = ExitStack()
    if "ARI_TRACES" in os.environ:
        from ari.serving.trace_setup import prepare_traces, record_traces  # noqa: PLC0415 - others have no such module

        stack.enter_context(record_traces(instance, prepare_traces(settings, os.environ)))
    app, guarded = build_app(instance), fastapi_route.guarded()
    read_clock = time.process_time_ns if _WHOLE in os.environ else time.thread_time_ns
    apps = dict.fromkeys(rows, app) | {"route-guarded": guarded}

    async def batch(row: str, count: int) -> float:
        at_once = _AT_ONCE
        if row.startswith("ai-"):
            at_once, count = at_once // _AI_SHARE, count // _AI_SHARE
        requests = [_scope_of(random.choice(rows[row])) for _ in range(count)]
        began = read_clock()
        for at in range(0, count, at_once):
            await asyncio.gather(*(_send(apps[row], *one) for one in requests[at : at + at_once]))
        return (read_clock() - began) / 1000 / count

    async def run() -> None:
        await app.start()
        await guarded.start()
        for row in rows:
            await batch(row, _WARM_UP)
        gc.freeze()
        gc.set_threshold(20_000)
        print("ready", flush=True)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            print(await batch(line, _BATCH), flush=True)
        await app.stop()
        await guarded.stop()

    with stack:
        uvloop.run(run())


def _make_ai_messages(known: data.Data) -> dict[str, list[bytes]]:
    budget = ("--budget", "monthly=1000000usd/month")
    found = {}
    for row, more, body in (("whole", (), WHOLE), ("streamed", (), streamed()), ("budget", budget, WHOLE)):
        words = ("keys", "create", f"Bench, {row}", "--scope", "ai:openai", *more, "--json")
        headers = {"x-api-key": json.loads(data.ari(known.settings, *words))["secret"]}
        found[f"ai-{row}"] = [message(3000, f"/api/ai/openai{CHAT_PATH}", headers, "POST", body)]
    return found


def _scope_of(raw: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = raw.replace(traffic.UNIQUE.encode(), b"%016x" % random.getrandbits(64)).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, path, _ = first.split(b" ")
    headers = [(name.lower(), value) for name, value in (line.split(b": ", 1) for line in lines)]
    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": method.decode(), "scheme": "http"}
    scope |= {
        "path": path.decode(),
        "raw_path": path,
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "state": {},
    }
    return scope | {"client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 3000)}, body


async def _send(app: Any, scope: dict[str, Any], body: bytes) -> None:
    statuses: list[int] = []
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # nobody hangs up
        return messages.pop()

    async def send(sent: dict[str, Any]) -> None:
        if sent["type"] == "http.response.start":
            statuses.append(sent["status"])

    await app(scope, receive, send)
    if statuses not in ([200], [503]):
        raise SystemExit(f"{scope['path']} returned {statuses}")


def _start(root: Path, folder: str, more: dict[str, str]) -> "subprocess.Popen[str]":
    """The process of a checkout, which may have no ``benchmarks.loop`` of its own."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); import benchmarks; benchmarks.__path__.append(sys.argv[3]); "
    words = [str(root / ".venv/bin/python"), "-c", script + "from benchmarks import loop; loop.measure()"]
    words += [str(root), folder, str(machine.ROOT / "benchmarks")]
    pipe, environment = subprocess.PIPE, {**os.environ, **more, "PYTHONPATH": str(root / "src")}
    process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=root, env=environment)
    assert process.stdout is not None
    if process.stdout.readline() != "ready\n":
        raise SystemExit(f"{root} did not start")
    return process


class _Discard(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def _start_collector() -> str:
    """The address of a collector that drops what it gets."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Discard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _trace_to(collector: str, share: str) -> dict[str, str]:
    sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": share}
    return {"ARI_TRACES": "on", "OTEL_EXPORTER_OTLP_ENDPOINT": collector, **sampler}


def _ask(process: "subprocess.Popen[str]", row: str) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{row}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def main() -> None:
    """Print one line for each row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop", description="Compare two event loops.")
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--traces", help="the share of requests that the second one records")
    parser.add_argument("--only", help="a regular expression: the rows to measure")
    parser.add_argument("--whole", action="store_true", help="count all threads")
    asked = parser.parse_args()
    rows = [name for name in _ROWS if asked.only is None or re.search(asked.only, name)]
    whole = {_WHOLE: "1"} if asked.whole else {}
    traced = {} if asked.traces is None else _trace_to(_start_collector(), asked.traces)
    with tempfile.TemporaryDirectory(prefix="ari-loop-") as folder, provider(Path(folder)) as stand_in:
        whole[_PROVIDER] = f"http://127.0.0.1:{stand_in.port}"
        roots = {"before": asked.before, "after": asked.after}
        given = {"before": whole, "after": whole | traced}
        processes = [_start(root.resolve(), f"{folder}/{name}", given[name]) for name, root in roots.items()]
        for row in rows:
            found: list[list[float]] = []
            for at in range(asked.rounds):
                order = (0, 1) if at % 2 else (1, 0)
                taken = {number: _ask(processes[number], row) for number in order}
                found.append([taken[0], taken[1]])
            before, after = (statistics.median(column) for column in zip(*found, strict=True))
            ratio = statistics.median(second / first for first, second in found)
            print(f"{row}: {before:.1f} → {after:.1f} µs, ratio {ratio:.3f}", flush=True)
        for process in processes:
            process.communicate()


if __name__ == "__main__":
    main()
