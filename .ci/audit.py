"""Look for known vulnerabilities and wrong signatures among the locked packages; fail on a finding.

Both audits ask public services. Where one cannot be reached, a line says so and nothing fails.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from hatch_build import install_packages, node_and_npm  # noqa: E402 - a file of the root, not an installed module

LOCKS = ("run", "build", "dev", "client")
SECONDS = 300


def main() -> int:
    """Run both audits; 1 if any found something."""
    findings = [*python_vulnerabilities(), *npm_signatures()]
    for finding in findings:
        print(f"audit: {finding}")
    return 1 if findings else 0


def python_vulnerabilities() -> list[str]:
    """Known vulnerabilities of the locked Python packages."""
    files = [word for name in LOCKS for word in ("-r", f"requirements/{name}.txt")]
    flags = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json", "--timeout=20"]
    report = _json_of([sys.executable, "-m", "pip_audit", *flags, *files], ROOT)
    packages = [] if report is None else report["dependencies"]
    checked = [package for package in packages if "skip_reason" not in package]
    if not checked:
        print("audit: Python vulnerabilities not checked: the service cannot be reached")
        return []
    found = [
        f"{package['name']} {package['version']}: {flaw['id']}" for package in checked for flaw in package["vulns"]
    ]
    print(f"audit: {len(checked)} of {len(packages)} Python packages checked, {len(found)} vulnerabilities")
    return found


def npm_signatures() -> list[str]:
    """Registry signatures of the locked npm packages that are wrong or missing."""
    with tempfile.TemporaryDirectory(prefix="ari-audit-") as scratch:
        install_packages(ROOT, Path(scratch), "--include=dev")
        _, npm = node_and_npm()
        report = _json_of([*npm, "audit", "signatures", "--json", "--fetch-retries=0"], Path(scratch))
    if report is None or "invalid" not in report:
        print("audit: npm signatures not checked: the service cannot be reached")
        return []
    print(f"audit: npm signatures checked, {len(report['invalid'])} wrong, {len(report.get('missing', []))} missing")
    return [f"npm {entry['name']} {entry['version']}: {kind}" for kind in report for entry in report[kind]]


def _json_of(command: list[str], folder: Path) -> dict[str, Any] | None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
        report = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None
    return report if isinstance(report, dict) else None


if __name__ == "__main__":
    sys.exit(main())
