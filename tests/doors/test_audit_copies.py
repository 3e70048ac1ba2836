"""Copies of the audit log that a real server makes: in a file and to a collector over TLS, and from elsewhere."""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from ari.base.audit_verification import AuditCopy, BrokenCopy
from tests.conftest import Database
from tests.package.conftest import ROOT
from tests.support.certificates import self_signed
from tests.support.processes import eventually
from tests.support.syslog_collector import Collector, collecting


def verify(lines: list[bytes]) -> AuditCopy | None:
    """The copy, ``None`` if it isn't whole: its last line may be half written now."""
    copy = AuditCopy()
    try:
        for line in lines:
            copy.add(line, "a line")
        copy.finish()
    except BrokenCopy:
        return None
    return copy


def have_all(file: Path, collector: Collector, count: int) -> bool:
    """Whether both copies are whole and have so many events."""
    copies = [verify(file.read_bytes().splitlines()) if file.exists() else None, verify(list(collector.messages))]
    return all(copy is not None and copy.count == count and copy.begins_at_first for copy in copies)


def _is_closed(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return True
    return False


def test_copies_are_whole_through_kills(make_owner: Any, database: Database, tmp_path: Path) -> None:
    """Of all workers one writes, and after a kill of all of them the next continues; the doctor looks at both."""
    certificate, file = self_signed(tmp_path / "collector.pem"), tmp_path / "audit.jsonl"
    with collecting(certificate) as collector:
        settings = {
            "ARI_AUDIT_FILE": str(file),
            "ARI_AUDIT_SYSLOG": f"tls://localhost:{collector.port}",
            "ARI_AUDIT_SYSLOG_CA_FILE": str(certificate),
        }
        owner = make_owner(database_url=database.url, workers=2, settings=settings)
        owner.make_keys_over_http()
        _, secret = owner.create_key("collector", scopes=["audit:read"])

        def count() -> int:
            found = owner.api(secret).get("/api/events/stream", params={"limit": 10_000})
            assert found.status_code == 200
            copy = verify(found.content.splitlines())
            assert copy is not None
            return copy.count

        eventually(lambda: have_all(file, collector, count_before(owner)))
        for number in range(3):
            owner.create_key(f"key {number}")
        owner.server.kill()
        collector.hang_up()
        eventually(lambda: _is_closed(owner.server.port))  # else an old worker could respond for the new server
        owner.server.clock.advance(120)  # the lease of the killed process is over
        owner.server.start()
        owner.create_key("after")
        eventually(lambda: have_all(file, collector, count_before(owner)))
        repeats = verify(file.read_bytes().splitlines())
        assert repeats is not None
        assert repeats.repeats == 0
        assert count() == count_before(owner) > 5
        checks = examine(owner)
        assert checks["audit log to file"]["state"] == "ok"
        collector.close()
        checks = examine(owner)
        assert checks["audit log to syslog"]["state"] == "wrong"
        assert "Can't reach localhost" in checks["audit log to syslog"]["message"]


def count_before(owner: Any) -> int:
    """How many events the log has, without adding one."""
    return int(owner.cli.json("audit", "head")["events"])


def examine(owner: Any) -> dict[str, dict[str, str]]:
    """The findings of the doctor by their check."""
    found = json.loads(owner.cli("doctor", "--json").stdout)["checks"]
    return {one["check"]: one for one in found}


def test_a_remote_copy_continues(shared_owner: Any, tmp_path: Path) -> None:
    """With a key that reads nothing else."""
    key_file, copy = tmp_path / "key", tmp_path / "copy.jsonl"
    key_file.touch(0o600)
    key_file.write_text(shared_owner.create_key("collector", scopes=["audit:read"])[1])
    remote = ("--url", shared_owner.url, "--key-file", str(key_file))
    assert "Added" in shared_owner.cli(*remote, "audit", "export", str(copy)).stdout
    shared_owner.create_key("later")
    assert "Added" in shared_owner.cli(*remote, "audit", "export", str(copy)).stdout
    found = verify(copy.read_bytes().splitlines())
    assert found is not None
    assert (found.repeats, found.after_head) == (0, 0)


def test_the_script_of_the_guide_copies_everything(make_owner: Any, tmp_path: Path) -> None:
    """Each event once and in order, over several pages and a second start; it ends when ARI is gone (promise 2)."""
    guide = (ROOT / "docs/guides/audit-log.md").read_text(encoding="utf-8")
    [script] = re.findall(r"^\$ cat collect\.sh\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    owner = make_owner()
    _, secret = owner.create_key("collector", scopes=["audit:read"])
    environment = os.environ | {"ARI_KEY": secret, "ARI_URL": f"http://127.0.0.1:{owner.server.port}"}
    script = script.replace("wait_seconds=30", "wait_seconds=1&limit=2")
    copy = tmp_path / "copy.jsonl"

    def ids() -> list[str]:
        lines = copy.read_text().splitlines() if copy.exists() else []
        return [found["id"] for found in map(json.loads, lines) if "id" in found]

    def collect(last: str) -> None:
        running = subprocess.Popen(["sh", "-c", script], cwd=tmp_path, env=environment, start_new_session=True)
        try:
            eventually(lambda: last in copy.read_text() if copy.exists() else False)
        finally:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    for _ in range(2):
        collect(owner.create_key("another")[0]["id"])
    found = verify(copy.read_bytes().splitlines())
    assert found is not None
    assert found.begins_at_first
    assert len(ids()) == len(set(ids())) > 4
    owner.server.kill()
    assert subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, timeout=60).returncode != 0
