"""The audit of locked packages: only a service that cannot be reached excuses an audit that was none."""

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_audit", ROOT / ".ci/audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit = _load()
OFFLINE = audit.Unreachable("ConnectTimeout")
IN_ITS_PLACE = audit.Unreachable("something else answers", answered=True)
SKIPPED = {"name": "a", "skip_reason": "not found"}
FINE = {"name": "b", "version": "1", "vulns": []}
FLAWED = {"name": "c", "version": "2", "vulns": [{"id": "CVE-1"}]}


def _python(report: dict[str, Any] | None, reached: Any = None) -> Any:
    return audit.python_vulnerabilities(["run", "dev"], lambda *_: audit.Run(report, "exit status 1"), lambda: reached)


def _npm(report: dict[str, Any] | None) -> Any:
    return audit.npm_signatures(lambda *_: audit.Run(report, "exit status 1"), lambda *_: None)


@pytest.mark.parametrize("report", [None, {}, {"dependencies": []}, {"dependencies": [SKIPPED]}])
def test_no_audit_is_a_failure(report: dict[str, Any] | None) -> None:
    """A crash, an empty report, or everything skipped, while the service responds."""
    findings, _ = _python(report)
    assert len(findings) == 1
    assert "not audited" in findings[0]


@pytest.mark.parametrize("report", [None, {}, {"dependencies": [SKIPPED]}])
def test_without_a_connection_it_is_excused_and_said(report: dict[str, Any] | None) -> None:
    """The line says that nothing was audited, and why."""
    findings, notes = _python(report, OFFLINE)
    assert findings == []
    assert notes == ["Python vulnerabilities of run, dev NOT AUDITED: the service cannot be reached (ConnectTimeout)"]


def test_locks_audited_together_agree_on_versions() -> None:
    """Otherwise the tool stops before it asks; every lock is audited. A version may be for some versions of Python."""
    names = [name for group in audit.LOCKS for name in group]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "requirements").glob("*.txt"))
    for group in audit.LOCKS:
        pinned: dict[tuple[str, str], str] = {}
        for lock in group:
            text = (ROOT / f"requirements/{lock}.txt").read_text()
            for name, version, marker in re.findall(r"^(\S+?)==(\S+)(?: ; (.*?))? \\$", text, re.MULTILINE):
                assert pinned.setdefault((name, marker), version) == version, name
        assert pinned


def test_something_else_in_its_place_excuses_skipping_but_no_crash() -> None:
    """If every question gets a 404, a tool skips; it has no reason to crash."""
    assert _python({"dependencies": [SKIPPED]}, IN_ITS_PLACE).findings == []
    assert len(_python(None, IN_ITS_PLACE).findings) == 1


def test_what_was_skipped_is_named() -> None:
    """A part of the packages, next to the findings of the others."""
    findings, notes = _python({"dependencies": [SKIPPED, FINE, FLAWED]})
    assert findings == ["c 2: CVE-1"]
    assert notes == ["Python vulnerabilities of run, dev: 2 of 3 packages checked, 1 found", "not audited: a"]


@pytest.mark.parametrize(
    "report",
    [
        None,
        {},
        {"invalid": []},
        {"error": {"code": "E404"}},
        {"error": {"code": "ERR_TLS_CERT_ALTNAME_INVALID"}},
        {"error": "x"},
        {"error": {"code": "ETARGET", "summary": "ENOTFOUND"}},
    ],
)
def test_npm_without_signatures_is_a_failure(report: dict[str, Any] | None) -> None:
    """Whatever kept it from them, but for a connection that did not come about."""
    assert len(_npm(report).findings) == 1


def test_npm_findings_and_no_connection() -> None:
    """Wrong and missing signatures are found; a name that nobody resolves is excused and said."""
    found = _npm({"invalid": [{"name": "x", "version": "1"}], "missing": [{"name": "y", "version": "2"}]})
    assert found.findings == ["npm x 1: invalid", "npm y 2: missing"]
    assert _npm({"invalid": [], "missing": []}) == ([], ["npm signatures checked, 0 wrong, 0 missing"])
    assert _npm({"error": {"code": "ENOTFOUND"}}) == (
        [],
        ["npm signatures NOT AUDITED: the service cannot be reached (ENOTFOUND)"],
    )


@pytest.mark.parametrize(
    ("script", "report", "said"),
    [
        ("print('{\"a\": 1}')", {"a": 1}, "exit status 0"),
        ("raise SystemError('broken')", None, "exit status 1: SystemError: broken"),
        ("print('[]')", None, "exit status 0"),
        ("pass", None, "exit status 0: no output"),
    ],
)
def test_what_a_tool_printed(script: str, report: Any, said: str) -> None:
    """A traceback is no report; its last line is kept."""
    run = audit.run_tool([sys.executable, "-c", script], ROOT)
    assert run.report == report
    assert run.said.startswith(said)


def test_a_tool_without_end_or_without_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are runs without a report."""
    monkeypatch.setattr(audit, "TIMEOUT_SECONDS", 0.1)
    assert audit.run_tool([sys.executable, "-c", "while True: pass"], ROOT).report is None
    assert audit.run_tool(["/no/such/tool"], ROOT).report is None


@pytest.mark.parametrize(("outcomes", "status"), [(([], ["fine"]), 0), ((["bad"], []), 1)])
def test_the_exit_status(outcomes: Any, status: int, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Findings fail; every line is printed."""
    for name in ("python_vulnerabilities", "npm_signatures"):
        monkeypatch.setattr(audit, name, lambda *_: audit.Outcome(*outcomes))
    assert audit.main() == status
    assert capsys.readouterr().out == f"audit: {outcomes[0][0] if outcomes[0] else outcomes[1][0]}\n" * (
        1 + len(audit.LOCKS)
    )


class _StubService:
    """In place of the service's client: raises or responds."""

    outcome: Any = None

    def __init__(self, **_: Any) -> None:
        pass

    def query(self, asked: Any) -> tuple[Any, Sequence[Any]]:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome or asked, []


def test_the_probe_distinguishes_no_connection_from_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection, a timeout, a proxy that is not there; not a wrong certificate, nor an error of the service."""
    service = importlib.import_module("pip_audit._service")
    monkeypatch.setattr(service, "PyPIService", _StubService)
    errors = importlib.import_module("requests").exceptions  # it has no types
    for outcome, reached in (
        (None, True),
        (errors.ConnectionError(), False),
        (errors.ReadTimeout(), False),
        (errors.ProxyError(), False),
        (service.ConnectionError(), False),
        (errors.SSLError(), True),
        (service.ServiceError(), True),
        (KeyError("vulns"), True),
        (service.SkippedDependency("pip", "not found"), False),
    ):
        _StubService.outcome = outcome
        assert (audit.probe_vulnerabilities() is None) is reached, outcome
