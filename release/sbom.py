"""The CycloneDX document of a release: what the wheel contains, and every Python package that its lock installs."""

import re
from importlib import metadata
from pathlib import Path
from typing import Any

from hatch_build import describe_contents, list_bundled

ROOT = Path(__file__).resolve().parent.parent
LOCKED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z,]+\])?==([^\s;]+)([^\n]*\n(?:^ {4}.*\n?)+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def list_locked(lock: Path) -> list[dict[str, Any]]:
    """The packages of a lock file as CycloneDX components, each with the hashes of the files that pip accepts."""
    found = []
    for name, version, rest in LOCKED.findall(lock.read_text(encoding="utf-8")):
        purl = f"pkg:pypi/{name}@{version}"
        component: dict[str, Any] = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        component["properties"] = [{"name": "ari:accepted-sha256", "value": one} for one in sorted(HASH.findall(rest))]
        component |= _read_license(name)
        found.append(component)
    return found


def describe_release(version: str) -> str:
    """The document of ``ari-keys`` with the browser's packages and those of ``requirements/run.txt``."""
    return describe_contents("ari-keys", version, [*list_bundled(ROOT), *list_locked(ROOT / "requirements/run.txt")])


def _read_license(name: str) -> dict[str, Any]:
    """The SPDX expression that the installed package declares, if it declares one."""
    try:
        expression = metadata.metadata(name).json.get("license_expression")
    except metadata.PackageNotFoundError:  # one for another system or Python
        return {}
    return {"licenses": [{"expression": expression}]} if expression else {}
