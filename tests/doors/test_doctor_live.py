"""``ari doctor --live`` on a real server: what its processes do, also while they are stuck or frozen."""

import fcntl
import json
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.processes import eventually, fold_processes_of, kill, workers_of


def ask(owner: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(owner.cli("doctor", "--live", "--json", check=True).stdout)
    return found


def test_every_process_reports(shared_owner: Any) -> None:
    """With its process ID; nobody else can ask it, and no request shows more than its route."""
    found = ask(shared_owner)["processes"]
    server = shared_owner.server
    pids = sorted(report["pid"] for report in found.values())
    assert pids == sorted([*workers_of(server), *fold_processes_of(server)])
    assert found["worker-0"]["loop_seconds"] < 0.5
    modes = [stat.S_IMODE(path.stat().st_mode) for path in server.data_dir.glob("live-*.sock")]
    assert modes == [0o600] * len(found)
    words = shared_owner.cli("doctor", "--live", check=True).stdout
    assert f"worker-0: pid {found['worker-0']['pid']}, running for " in words
    assert ", 0 requests in progress, event loop responds in " in words


def test_a_request_that_waits_is_shown_with_its_reason(owner: Any) -> None:
    """A change waits for the write lock that another process holds; the lock's holder is named."""
    owner.make_keys_over_http()
    lock = os.open(owner.server.data_dir / "ari.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)

    def find_waiting() -> Any:
        found = ask(owner)
        report = found["processes"]["worker-0"]
        waits = [one for one in report["threads"] if one["waits_for"] == "the write lock of a SQLite file"]
        return (report, found["locks"]) if report["requests"] and waits else None

    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(owner.create_key, "secret name")
        report, locks = eventually(find_waiting)
        fcntl.flock(lock, fcntl.LOCK_UN)
        os.close(lock)
        creating.result(30)
    [request] = report["requests"]
    assert (request["method"], request["route"]) == ("POST", "/api/keys")
    assert locks == [f"Process {os.getpid()} holds the write lock ari.lock."]
    assert "secret name" not in json.dumps(report)


def test_a_frozen_process_and_a_killed_server_are_one_sentence(owner: Any) -> None:
    """Whichever process is frozen, the others report; after a kill nothing runs."""
    [worker] = workers_of(owner.server)
    kill(worker, signal.SIGSTOP)
    found = owner.cli("doctor", "--live", check=True).stdout
    assert "worker-0: doesn't respond." in found
    assert "fold: pid " in found
    kill(worker, signal.SIGCONT)
    owner.server.kill()
    ended = owner.cli("doctor", "--live")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"No ari serve runs on {owner.server.data_dir}." in ended.stderr
    owner.server.start()
    assert len(ask(owner)["processes"]) == 2
