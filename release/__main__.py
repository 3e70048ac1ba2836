"""``make release``: everything short of publishing.

Checks the tree, builds the last commit twice and compares, and writes to ``dist/``: both wheels, the source archive,
the release notes, a CycloneDX document and the checksums. Then it prints the commands that tag and publish, which it
never runs.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from release.build import build_distributions, copy_commit, hash_files
from release.checks import find_problems, read_commit_time, read_notes, read_version
from release.sbom import ROOT, describe_release

UMASKS = (0o022, 0o077)
"""Of the two builds: who builds, and where, leaves no trace."""


def main() -> None:
    """Build a release, or say what forbids it."""
    parser = argparse.ArgumentParser(prog="python -m release", description="Build a release into dist/.")
    parser.add_argument("--rehearse", action="store_true", help="build the last commit although it can't be released")
    rehearse = parser.parse_args().rehearse
    problems = find_problems(ROOT)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems and not rehearse:
        sys.exit("Nothing was built.")
    dist = build_release(ROOT)
    print(f"{dist.relative_to(ROOT)}:", *(path.name for path in sorted(dist.iterdir())), sep="\n  ")
    if not problems:
        _print_next(read_version(ROOT))


def build_release(root: Path) -> Path:
    """Build twice, compare, and return the folder with the files of the release."""
    version, epoch = read_version(root), read_commit_time(root)
    dist = root / "dist"
    with tempfile.TemporaryDirectory(prefix="ari-release-") as scratch:
        first, second = (_build_with(root, Path(scratch) / str(umask), epoch, umask) for umask in UMASKS)
        if hash_files(first) != hash_files(second):
            raise SystemExit(f"Two builds differ:\n{hash_files(first)}\n{hash_files(second)}")
        shutil.rmtree(dist, ignore_errors=True)
        shutil.copytree(first, dist)
    (dist / f"ari-keys-{version}.cdx.json").write_text(describe_release(version), encoding="utf-8")
    notes = read_notes(root, version) or read_notes(root, "Unreleased") or ""
    (dist / "RELEASE_NOTES.md").write_text(notes.strip() + "\n", encoding="utf-8")
    sums = "".join(f"{digest}  {name}\n" for name, digest in hash_files(dist).items())
    (dist / "SHA256SUMS").write_text(sums, encoding="utf-8")
    return dist


def _build_with(root: Path, folder: Path, epoch: str, umask: int) -> Path:
    before = os.umask(umask)
    try:
        copy_commit(root, folder / "tree")
        build_distributions(folder / "tree", folder / "dist", epoch)
    finally:
        os.umask(before)
    return folder / "dist"


def _print_next(version: str) -> None:
    print("\nTo publish it:")
    print(f"  git tag -s v{version} -F dist/RELEASE_NOTES.md && git push origin v{version}")
    print("  uv publish dist/*.whl dist/*.tar.gz")


if __name__ == "__main__":
    main()
