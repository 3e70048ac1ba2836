"""Look for known vulnerabilities and wrong signatures among the locked packages; fail on a finding.

Both audits ask public services. What was not audited is reported. An audit that crashed, ran out of time or skipped
everything fails, unless a probe of its own shows that the service cannot be reached.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import install_packages, node_and_npm  # noqa: E402 - a file of the root, not an installed module

LOCKS = (("run", "build", "dev"), ("client",), ("programs",))
"""Locks that agree on versions are audited together; the others stand alone."""
TIMEOUT_SECONDS = 300
PROBE_SECONDS = 20
NO_CONNECTION = frozenset(
    {"EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "ERR_SOCKET_TIMEOUT"}
    | {"ETIMEDOUT"}
)
"""Codes of Node for a connection that did not come about."""
KNOWN_RELEASE = ("pip", "24.0")
"""A release that the service has known for years: it answers 404 only where something else answers in its place."""
_MOST_NAMED = 10


class Run(NamedTuple):
    """What a tool printed; ``report`` is ``None`` for anything but a JSON object."""

    report: dict[str, Any] | None
    said: str


class Unreachable(NamedTuple):
    """Why a service cannot be asked. ``answered``: something else answers in its place, so tools do not crash."""

    reason: str
    answered: bool = False


class Outcome(NamedTuple):
    """``findings`` fail the audit; ``notes`` say what was audited, and what was not."""

    findings: list[str]
    notes: list[str]


Runner = Callable[[Sequence[str], Path], Run]
Probe = Callable[[], Unreachable | None]


def main() -> int:
    """Run both audits; 1 if any found something or failed without excuse."""
    findings = []
    for outcome in (*map(python_vulnerabilities, LOCKS), npm_signatures()):
        findings += outcome.findings
        for line in (*outcome.notes, *outcome.findings):
            print(f"audit: {line}", flush=True)
    return 1 if findings else 0


def run_tool(command: Sequence[str], folder: Path) -> Run:
    """Run an audit that prints JSON."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return Run(None, f"no end in {TIMEOUT_SECONDS} s")
    except OSError as error:
        return Run(None, str(error))
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = None
    lines = done.stderr.strip().splitlines() or done.stdout.strip().splitlines()
    said = f"exit status {done.returncode}: {lines[-1][:200] if lines else 'no output'}"
    return Run(report if isinstance(report, dict) else None, said)


def probe_vulnerabilities() -> Unreachable | None:
    """Ask the service of pip-audit for a release that it knows; ``None`` if it answers, or fails in another way."""
    import requests  # noqa: PLC0415 - what the tests' environment alone has
    from packaging.version import Version  # noqa: PLC0415 - as above
    from pip_audit._service import ConnectionError as NoConnection  # noqa: PLC0415 - as above
    from pip_audit._service import PyPIService, ResolvedDependency  # noqa: PLC0415 - as above

    name, version = KNOWN_RELEASE
    try:
        answered, _ = PyPIService(timeout=PROBE_SECONDS).query(ResolvedDependency(name, Version(version)))
    except requests.exceptions.SSLError:
        return None
    except (NoConnection, requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
        return Unreachable(type(error).__name__)
    except Exception:  # noqa: BLE001 - the service was reached, and failed
        return None
    if answered.is_skipped():
        return Unreachable(f"something else answers in its place, and does not know {name} {version}", answered=True)
    return None


def python_vulnerabilities(
    locks: Sequence[str], run: Runner = run_tool, probe: Probe = probe_vulnerabilities
) -> Outcome:
    """Known vulnerabilities of the Python packages of these locks."""
    what = f"Python vulnerabilities of {', '.join(locks)}"
    files = [word for name in locks for word in ("-r", f"requirements/{name}.txt")]
    flags = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=20"]
    report, said = run([sys.executable, "-m", "pip_audit", *flags, *files], ROOT)
    packages = None if report is None else report.get("dependencies")
    if not isinstance(packages, list) or not packages:
        return _not_audited(what, said, _probed(probe, crashed=True))
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    checked = [package for package in packages if "skip_reason" not in package]
    if not checked:
        return _not_audited(what, f"all {len(packages)} packages were skipped", _probed(probe, crashed=False))
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}" for package in checked for flaw in package["vulns"]
    ]
    notes = [f"{what}: {len(checked)} of {len(packages)} packages checked, {len(found)} found"]
    if skipped:
        notes.append(f"not audited: {_named(skipped)}")
    return Outcome(found, notes)


def npm_signatures(run: Runner = run_tool, install: Callable[..., None] = install_packages) -> Outcome:
    """Registry signatures of the locked npm packages that are wrong or missing."""
    with tempfile.TemporaryDirectory(prefix="ari-audit-") as scratch:
        install(ROOT, Path(scratch), "--include=dev")
        _, npm = node_and_npm()
        report, said = run([*npm, "audit", "signatures", "--json", "--fetch-retries=0"], Path(scratch))
    if report is None or not isinstance(report.get("invalid"), list) or not isinstance(report.get("missing"), list):
        error = (report or {}).get("error")
        code = error.get("code") if isinstance(error, dict) else None
        cause = Unreachable(str(code)) if code in NO_CONNECTION else None
        return _not_audited("npm signatures", str(code or said), cause)
    wrong, missing = report["invalid"], report["missing"]
    found = [
        f"npm {one['name']} {one['version']}: {kind}"
        for kind, entries in (("invalid", wrong), ("missing", missing))
        for one in entries
    ]
    return Outcome(found, [f"npm signatures checked, {len(wrong)} wrong, {len(missing)} missing"])


def _probed(probe: Probe, *, crashed: bool) -> Unreachable | None:
    """Why the service cannot be reached; a crash is excused only by a connection that did not come about."""
    try:
        found = probe()
    except ImportError:
        return None
    return None if found is not None and found.answered and crashed else found


def _not_audited(what: str, said: str, cause: Unreachable | None) -> Outcome:
    if cause is None:
        return Outcome([f"{what} not audited ({said}), although the service can be reached"], [])
    return Outcome([], [f"{what} NOT AUDITED: the service cannot be reached ({cause.reason})"])


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(sorted(names)[:_MOST_NAMED]) + more


if __name__ == "__main__":
    sys.exit(main())
