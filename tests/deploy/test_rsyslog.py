"""The guide's configuration of rsyslog: a real one receives the audit log over TLS and writes a copy that verifies."""

import json
from pathlib import Path
from typing import Any

from tests.support.processes import eventually
from tests.support.rsyslog import Rsyslog, rsyslog_in


def _settings(rsyslog: Rsyslog, **more: str) -> dict[str, str]:
    url = f"tls://localhost:{rsyslog.port}"
    return {"ARI_AUDIT_SYSLOG": url, "ARI_AUDIT_SYSLOG_CA_FILE": str(rsyslog.certificate), **more}


def _verify(owner: Any, rsyslog: Rsyslog) -> dict[str, Any] | None:
    """What ``ari audit verify`` prints of the collector's file, ``None`` while it isn't a whole copy."""
    head = owner.cli.json("audit", "head")
    done = owner.cli("audit", "verify", str(rsyslog.copy), "--public-key", head["public_key"], "--json")
    return json.loads(done.stdout) if done.returncode == 0 else None


def _examine(owner: Any) -> str:
    found = json.loads(owner.cli("doctor", "--json").stdout)["checks"]
    return next(str(one["state"]) for one in found if one["check"] == "audit log to syslog")


def _has_all(owner: Any, rsyslog: Rsyslog) -> dict[str, Any] | None:
    found = _verify(owner, rsyslog)
    return found if found is not None and found["events"] == owner.cli.json("audit", "head")["events"] else None


def test_the_guides_rsyslog_has_a_whole_copy(make_owner: Any, tmp_path: Path) -> None:
    """Through a kill of rsyslog, events with other scripts, and long ones; nobody else can read the file."""
    with rsyslog_in(tmp_path / "collector") as rsyslog:
        rsyslog.prepare()
        rsyslog.start()
        owner = make_owner(settings=_settings(rsyslog))
        owner.create_key("日本 \\ \" % \U0001f511 'x'")
        for number in range(20):
            owner.create_key(f"key {number}", scopes=["keys:read"])
        owner.cli("keys", "create", "long", "--metadata", f"about={'ü' * 400}", check=True)
        assert eventually(lambda: _has_all(owner, rsyslog))
        assert rsyslog.copy.stat().st_mode & 0o777 == 0o600
        rsyslog.kill()
        owner.create_key("while it is away")
        rsyslog.start()
        owner.create_key("after")
        assert eventually(lambda: _has_all(owner, rsyslog), 60)
        whole = rsyslog.copy.read_bytes()
        rsyslog.copy.write_bytes(whole.replace(b"while it is away", b"while it was away"))
        assert _verify(owner, rsyslog) is None


def test_a_collector_that_wants_a_certificate_gets_one(make_owner: Any, tmp_path: Path) -> None:
    """Without it no event counts as delivered, although TLS 1.3 lets a client send before it is refused."""
    with rsyslog_in(tmp_path / "collector") as rsyslog:
        rsyslog.prepare(mode="x509/certvalid")
        rsyslog.start()
        owner = make_owner(settings=_settings(rsyslog))
        eventually(lambda: "audit log" in owner.server.log_text() and "closed" in owner.server.log_text())
        assert not rsyslog.copy.exists()
        assert eventually(lambda: _examine(owner) == "wrong"), "doctor sees the refusal"
        owner.server.stop()
        client = tmp_path / "client.pem"
        client.touch(0o600)
        client.write_bytes((tmp_path / "collector/collector.key").read_bytes() + rsyslog.certificate.read_bytes())
        owner.server.settings["ARI_AUDIT_SYSLOG_CLIENT_FILE"] = str(client)
        owner.server.start()
        assert eventually(lambda: _has_all(owner, rsyslog), 60)
