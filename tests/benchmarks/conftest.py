"""Short forms of what the benchmarks do for seconds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from benchmarks import data, gateway, latency, load, machine, rounds, sizes, traffic, workers
from benchmarks.process import Server, ask, clean_environment
from tests.support import forked

FEW = 8


def run_ari(settings: Mapping[str, str], *words: str) -> str:
    """``data.ari`` without the second that a new Python needs: a process that has imported ARI forks."""
    done = forked.run(words, clean_environment(settings), machine.ROOT)
    if done.returncode:
        raise RuntimeError(f"ari {words[0]} failed: {done.stderr}")
    return done.stdout


@pytest.fixture(scope="session", autouse=True)
def forked_commands() -> Iterator[None]:
    """Commands that prepare data fork; the servers that are measured start by their commands."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(data, "ari", run_ari)
        yield


def send_few(port: int, messages: Path, connections: int, seconds: int) -> load.Slice:
    """The result of a few requests, one after another, in place of some seconds of load."""
    given = messages.read_bytes().split(load.SEPARATOR)[:FEW]
    statuses = [ask(port, traffic.fill(message, number)) for number, message in enumerate(given)]
    refused = sum(status is not None and status >= 400 for status in statuses)
    broken = statuses.count(None)
    return load.Slice(len(given) - broken, float(seconds), refused, broken, p50_us=1.0, p99_us=2.0)


@pytest.fixture
def short_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real requests to real servers, but few; numbers mean nothing then."""
    for module in (rounds, workers, latency, sizes, gateway):
        monkeypatch.setattr(module, "saturate", send_few)
    monkeypatch.setattr(gateway, "OPEN_STREAMS", FEW)
    monkeypatch.setattr(traffic, "MESSAGES", 10 * FEW)
    monkeypatch.setattr(Server, "wait_until_idle", lambda _server: None)
