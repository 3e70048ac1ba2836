"""The benchmark installs locked versions, sends keys that ARI knows, and serves its peers alike."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import data, machine, peers, rows
from benchmarks.process import Probe, ask
from tests.package.conftest import requirements
from tests.package.test_locks import REQUIREMENT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")
LOCKS = sorted(machine.PEERS.glob("*.txt"))
NPM_LOCKS = sorted(machine.PEERS.glob("*/package-lock.json"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_of_a_peer_is_pinned_and_hashed(lock: Path) -> None:
    """Exact versions with their SHA-256, and no address."""
    assert [entry for entry in requirements(lock) if not REQUIREMENT.match(entry)] == []
    assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda path: path.parent.name)
def test_every_npm_package_of_a_peer_has_its_integrity(lock: Path) -> None:
    """SHA-512, no address, and no script but the requested one."""
    text = lock.read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert [name for name, entry in packages.items() if name and not entry["integrity"].startswith("sha512-")] == []
    assert "://" not in text
    assert "ignore-scripts=true" in (lock.parent / ".npmrc").read_text(encoding="utf-8").splitlines()


def test_a_peer_that_cannot_be_installed_keeps_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Node.js the row says so."""
    monkeypatch.setenv("ARI_BENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    found = peers.peer_rows(tmp_path, lambda row_id: row_id.startswith("better-auth"))
    assert [row.id for row in found] == ["better-auth", "better-auth-wal"]
    assert all(row.skipped and "no Node.js" in row.skipped for row in found)


def test_ari_knows_the_keys_that_are_sent(tmp_path: Path) -> None:
    """Copied keys are accepted, copied revoked ones are not, and a spoilt one is malformed; all over real HTTP."""
    known = data.on_sqlite(tmp_path, 5)
    assert len(known.keys) == 5
    server = rows.serve_ari(tmp_path / "server", known)
    tried = [*known.keys, known.revoked[0], known.revoked[-1], rows.spoilt(known.keys[0])]
    messages = rows.with_keys(server.port, "/api/me", tried)
    server.start(Probe(messages[0]))
    try:
        assert [ask(server.port, message) for message in messages] == [200] * 5 + [401] * 3
        assert server.worker_megabytes() > 0
        assert server.cpu_seconds() > 0
        assert 0 < server.worker_cpu_seconds() <= server.cpu_seconds()
    finally:
        server.stop()


def test_the_floor_is_served_as_ari_is(tmp_path: Path) -> None:
    """The bare app runs in the worker of ari serve and responds to anything."""
    server, messages = rows.start_bare(tmp_path, ["any key"])
    try:
        assert ask(server.port, messages[0]) == 200
    finally:
        server.stop()
