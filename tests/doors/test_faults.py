"""When parts fail: a clear response, nothing half-written, and work again on its own (fail closed)."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import mounts, raw
from tests.support.missing import skip_missing
from tests.support.processes import eventually

LONGEST_SECONDS = 15
"""Longer than any time limit of ARI plus a busy machine, and far less than for ever."""


@pytest.fixture
def own_mounts() -> None:
    if not mounts.available():
        skip_missing(mounts.MISSING)


def test_a_full_disk_responds_with_503_and_recovers(
    make_owner: Callable[..., Any], data_dir: Path, own_mounts: None
) -> None:
    """Promise 1 and 2: a request that can't be logged gets no yes; no key is half-made."""
    command = mounts.ari_on_small_disk(data_dir, "6m")
    owner = make_owner(command=command, settings={"ARI_MIN_FREE_DISK": "0"})
    session = owner.session()
    page = session.get("/settings?tab=api").text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    headers = {"x-csrf-token": csrf}
    secret = session.post("/api/keys", json={"name": "admin", "scopes": ["*"]}, headers=headers).json()["secret"]
    admin = owner.api(secret)
    assert admin.get("/api/me").status_code == 200
    filler = mounts.fill(mounts.get_path_in(owner.server.process.pid, data_dir))
    answers = [admin.get("/api/me") for _ in range(200)]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused, "the log still had room"
    assert refused[-1].json()["code"] == "unavailable"
    assert "retry-after" in refused[-1].headers
    made = admin.post("/api/keys", json={"name": "too late"})
    assert made.status_code == 503
    filler.unlink()
    assert admin.get("/api/me").status_code == 200
    seen = sum(answer.status_code == 200 for answer in answers) + 1
    [listed] = admin.get("/api/keys").json()["items"]
    assert listed["name"] == "admin"
    assert listed["request_count"] >= seen


def test_a_read_only_directory_is_named(
    make_owner: Callable[..., Any], make_server: Callable[..., Any], data_dir: Path, own_mounts: None
) -> None:
    """One sentence, exit code 1, at every command that would write."""
    owner = make_owner()
    owner.server.stop()
    command = mounts.ari_on_read_only_disk(data_dir)
    server = make_server(data_dir, command=command)
    assert server.launch().wait(60) == 1
    assert "isn't writable" in server.log_text()
    assert "Traceback" not in server.log_text()
    done = subprocess.run(
        [*command, "keys", "create", "n"], env=owner.server.environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "isn't writable" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def _damage(path: Path, start: int) -> None:
    size = path.stat().st_size
    with path.open("rb+") as file:
        file.seek(start)
        file.write(b"\xa5" * (size - start))


@pytest.mark.parametrize("name", ["ari.db", "usage.db"])
def test_a_damaged_file_stops_the_start_with_a_sentence(owner: Any, name: str) -> None:
    """Rather than serving half."""
    owner.server.stop()
    _damage(owner.server.data_dir / name, 0)
    assert owner.server.launch().wait(60) == 1
    assert "damaged" in owner.server.log_text()
    assert "Traceback" not in owner.server.log_text()
    done = owner.cli("keys", "list")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (1, 1)


def test_damage_met_while_serving_is_503(owner: Any) -> None:
    """A key that cannot be read is not let in."""
    _, secret = owner.create_key("k")
    owner.server.stop()
    _damage(owner.server.data_dir / "ari.db", 4096)
    owner.server.start(wait=False)
    if owner.server.is_well():
        answer = owner.api(secret).get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    else:
        assert "damaged" in owner.server.log_text()


def test_a_locked_log_is_503_within_bounds_and_recovers(make_owner: Callable[..., Any]) -> None:
    """Somebody else holds the file that requests are logged to first: no yes, no endless wait."""
    owner = make_owner(settings={"ARI_USAGE_WAIT_SECONDS": "0.5"})
    _, secret = owner.create_key("k")
    client = owner.api(secret)
    with sqlite3.connect(owner.server.data_dir / "usage-staging.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        answer = client.get("/api/me")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert time.monotonic() - began < LONGEST_SECONDS
        other.execute("ROLLBACK")
    other.close()
    with ThreadPoolExecutor(1) as threads:
        statuses = [threads.submit(client.get, "/api/me").result().status_code for _ in range(12)]
    assert statuses[-1] == 200


def test_locked_keys_are_verified_and_not_changed(owner: Any) -> None:
    """Somebody else writes the keys' file and does not end: verification goes on, a change is 503 in time, and the
    revoke that is repeated then counts from the next request on."""
    key, secret = owner.create_key("k")
    _, admin = owner.create_key("admin", scopes=["*"])
    client = owner.api(admin)
    with sqlite3.connect(owner.server.data_dir / "ari.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        refused = client.post(f"/api/keys/{key['id']}/revoke")
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert time.monotonic() - began < LONGEST_SECONDS
        assert owner.api(secret).get("/api/me").status_code == 200
        other.execute("ROLLBACK")
    other.close()
    assert client.post(f"/api/keys/{key['id']}/revoke").status_code == 200
    assert owner.api(secret).get("/api/me").status_code == 401


def test_an_expired_key_is_refused_in_time_while_its_stamp_cannot_be_written(owner: Any) -> None:
    """With a 503, since a clock set back could still revive it (promise 1). However many call with it at once, they
    wait together, for one change, and others are served in the meantime."""
    _, secret = owner.create_key("brief", expires="1h")
    _, live = owner.create_key("live")
    owner.server.clock.advance(3600)

    def ask(token: str) -> tuple[int, float]:
        began = time.monotonic()
        return raw.get(owner.server.port, b"/api/me", b"x-api-key: " + token.encode()).status, time.monotonic() - began

    with sqlite3.connect(owner.server.data_dir / "ari.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(40) as threads:
            answers = list(threads.map(ask, [secret] * 39 + [live]))
        other.execute("ROLLBACK")
    other.close()
    assert [status for status, _ in answers] == [503] * 39 + [200]
    assert max(seconds for _, seconds in answers) < 10, "one patience, not one after the other"
    assert ask(secret)[0] == 401
    owner.server.clock.advance(-3600)
    assert ask(secret)[0] == 401


def test_locked_counts_keep_nobody_waiting(owner: Any) -> None:
    """Somebody else holds the file of rows and counts: requests are logged to the inbox and counted when it is free."""
    key, secret = owner.create_key("k")
    client = owner.api(secret)
    with sqlite3.connect(owner.server.data_dir / "usage.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert [client.get("/api/me").status_code for _ in range(20)] == [200] * 20
        assert time.monotonic() - began < LONGEST_SECONDS
        other.execute("ROLLBACK")
    other.close()
    assert owner.cli.json("keys", "show", key["id"])["request_count"] == 20


@pytest.mark.parametrize("name", ["usage-staging.db", "usage.db"])
def test_a_lost_log_is_503_and_recovers(owner: Any, name: str) -> None:
    """A request that can't be logged where it is read later gets no yes; nothing confirmed before is lost."""
    key, secret = owner.create_key("k")
    client, file = owner.api(secret), owner.server.data_dir / name
    assert client.get("/api/me").status_code == 200
    file.rename(file.with_name("away"))
    answer = client.get("/api/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    file.with_name("away").rename(file)
    eventually(lambda: client.get("/api/me").status_code == 200)
    assert owner.cli.json("keys", "show", key["id"])["request_count"] >= 2


def test_a_lost_database_is_503(owner: Any) -> None:
    """A file that was removed is noticed, although it is still open."""
    _, secret = owner.create_key("k")
    client = owner.api(secret)
    assert client.get("/api/me").status_code == 200
    (owner.server.data_dir / "ari.db").rename(owner.server.data_dir / "ari.db.away")
    assert client.get("/api/me").status_code == 503
    (owner.server.data_dir / "ari.db.away").rename(owner.server.data_dir / "ari.db")
    assert client.get("/api/me").status_code == 200


def test_many_processes_creating_at_once(owner_on: Any) -> None:
    """Command lines and HTTP side by side: every key is there once, and the audit log is whole."""
    _, secret = owner_on.create_key("admin", scopes=["*"])
    client = owner_on.api(secret)

    def make(number: int) -> None:
        if number % 2:
            owner_on.create_key(f"k{number}")
        else:
            assert client.post("/api/keys", json={"name": f"k{number}"}).status_code == 201

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(12)))
    names = [key["name"] for key in client.get("/api/keys").json()["items"]]
    assert sorted(names) == sorted(["admin", *(f"k{number}" for number in range(12))])
    assert owner_on.cli("doctor", "--audit").returncode == 0


HOLD_TURN = """
import sys
from pathlib import Path
from ari.storage.write_lock import write_lock
with write_lock(Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _writer_stopped_in_its_turn(lock: Path) -> Iterator[None]:
    """Another process took the turn and was then stopped, as in a debugger or a frozen container."""
    command = [sys.executable, "-c", HOLD_TURN, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            writer.send_signal(signal.SIGCONT)
            writer.communicate("")


def test_a_stopped_writer_of_keys_hangs_nobody(owner: Any) -> None:
    """Changes are refused in time, by the server and by the command line; verification goes on; then all is well."""
    _, secret = owner.create_key("admin", scopes=["*"])
    client = owner.api(secret)
    with _writer_stopped_in_its_turn(owner.server.data_dir / "ari.lock"), ThreadPoolExecutor(4) as threads:
        changes = [threads.submit(client.post, "/api/keys", json={"name": f"k{number}"}) for number in range(2)]
        typed = threads.submit(owner.cli, "keys", "create", "typed")
        assert client.get("/api/me").status_code == 200
        assert {change.result().status_code for change in changes} == {503}
        assert (typed.result().returncode, typed.result().stdout) == (1, "")
        assert "Another process has been writing for too long" in typed.result().stderr
    assert client.post("/api/keys", json={"name": "after"}).status_code == 201
    assert owner.cli("keys", "create", "typed after").returncode == 0
    names = {key["name"] for key in client.get("/api/keys").json()["items"]}
    assert names == {"admin", "after", "typed after"}


def test_a_stopped_writer_of_the_log_hangs_nobody(make_owner: Callable[..., Any]) -> None:
    """A request that can't be logged gets no yes; each caller gets a response in time, and the next ones are let in."""
    owner = make_owner(workers=2, settings={"ARI_USAGE_WAIT_SECONDS": "0.3"})
    _, secret = owner.create_key("k")

    def ask() -> raw.RawAnswer:
        return raw.get(owner.server.port, b"/api/me", b"x-api-key: " + secret.encode())

    with _writer_stopped_in_its_turn(owner.server.data_dir / "staging.lock"), ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask().status, range(24)))
        assert set(answers) == {503}
    eventually(lambda: ask().status == 200)
