"""The same sources give the same bytes on every machine; and both documents name what is in them."""

import json
import re
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.build import build_distributions, hash_files
from release.sbom import describe_release
from tests.package.conftest import EPOCH, ROOT, requirements, run

pytestmark = pytest.mark.slow

LICENSED = re.compile(r"^---- (\S+) (\S+) \(", re.MULTILINE)


def _is_valid(document: str) -> bool:
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(document)
    return error is None


def _close_to_others(tree: Path) -> None:
    """Give all files the modes of a checkout under umask 077, and new times."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() or path.stat().st_mode & 0o100 else 0o600)
            path.touch()


def test_two_builds_are_identical(sdist: Path, wheel: Path, core_wheel: Path, tmp_path: Path) -> None:
    """All three files, from two folders with other modes and times, by pip and as a release is built; the second is the
    unpacked source archive."""
    second = tmp_path / "second"
    with tarfile.open(sdist) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    (tree,) = (tmp_path / "unpacked").iterdir()
    shutil.copy(ROOT / ".gitignore", tree)
    _close_to_others(tree)
    build_distributions(tree, second, EPOCH)
    first = {name: digest for built in (sdist, wheel, core_wheel) for name, digest in hash_files(built.parent).items()}
    assert len(first) == 3
    assert first == hash_files(second)
    times = {info.date_time for info in zipfile.ZipFile(next(second.glob("ari_keys-*.whl"))).infolist()}
    assert times == {(2025, 12, 1, 0, 0, 0)}


def test_the_wheel_names_what_it_contains(wheel: Path) -> None:
    """A valid CycloneDX document with every package of ``licenses.txt``, and no other file about its contents."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if "/sboms/" in name]
        document = archive.read(name).decode()
        licenses = archive.read("ari/web/static/licenses.txt").decode()
    assert re.fullmatch(r"ari_keys-\S+\.dist-info/sboms/ari-keys\.cdx\.json", name)
    assert _is_valid(document)
    read: dict[str, Any] = json.loads(document)
    named = {(one["name"], one["version"]) for one in read["components"]}
    assert named == set(LICENSED.findall(licenses))
    assert all(one["licenses"] for one in read["components"])


def test_a_release_names_every_package_of_its_lock() -> None:
    """Each locked package with its version and hashes, besides what the wheel contains."""
    document = describe_release("1.2.3")
    assert _is_valid(document)
    components = {one["purl"]: one for one in json.loads(document)["components"]}
    locked = requirements(ROOT / "requirements/run.txt")
    assert len(locked) > 30
    for entry in locked:
        name, version = re.split(r"(?:\[[a-z,]+\])?==|[ ;]", entry)[:2]
        accepted = [one["value"] for one in components[f"pkg:pypi/{name}@{version}"]["properties"]]
        assert accepted == sorted(re.findall(r"sha256:([0-9a-f]{64})", entry))
    assert any(purl.startswith("pkg:npm/htmx.org@") for purl in components)


def test_a_wrong_document_is_noticed() -> None:
    """The validator that the tests above rely on reads the whole document."""
    assert not _is_valid(describe_release("1.2.3").replace('"purl"', '"url"'))
    assert run(sys.executable, "-m", "release", "--help").startswith("usage: python -m release")
