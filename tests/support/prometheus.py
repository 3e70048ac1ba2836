"""A running Prometheus that reads one instance twice a second, and promtool."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.missing import skip_missing
from tests.support.ports import free_port

_CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: ari
    scrape_timeout: 500ms
    static_configs: [{{targets: ["{target}"]}}]
"""


def find_program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``; skips the test without it."""
    found = shutil.which(name)
    if found is None:
        skip_missing(f"{name} is not installed")
    return found


def run_promtool(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run promtool."""
    return subprocess.run([find_program("promtool"), *map(str, words)], capture_output=True, text=True)


class Prometheus:
    """The HTTP API of a running Prometheus."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def is_ready(self) -> bool:
        """Whether it responds."""
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready", timeout=5) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression returns now. Raises ``urllib.error.HTTPError`` if it can't be parsed."""
        return list(self._get("query", query=expression)["result"])

    def list_firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {one["labels"]["alertname"] for one in self._get("alerts")["alerts"] if one["state"] == "firing"}

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        address = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=20) as response:
            return dict(json.load(response)["data"])


@contextmanager
def running_prometheus(folder: Path, target: str, rules: Path) -> Iterator[Prometheus]:
    """A Prometheus with its data in ``folder``, which reads ``target`` and evaluates ``rules``."""
    program, port = find_program("prometheus"), free_port()
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(rules=rules, target=target))
    words = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *words, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        found = Prometheus(port)
        deadline = time.monotonic() + 30
        while not found.is_ready():
            assert process.poll() is None, (folder / "prometheus.log").read_text()
            assert time.monotonic() < deadline, "Prometheus does not start"
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(20)
