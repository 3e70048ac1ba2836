"""Build the files of a release from a copy of the last commit."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path


def copy_commit(root: Path, folder: Path) -> None:
    """Put the files of the last commit into a new folder, with the modes that the umask allows."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=root, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "-x", "--no-same-permissions", "-C", folder], check=True, input=archive)


def build_distributions(tree: Path, folder: Path, epoch: str) -> None:
    """Put the source archive and both wheels into a folder; ``epoch`` is the time of all their files, in seconds."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch}
    core = tree / "packages/ari-keys-core"
    for where, target in ((tree, "sdist"), (tree, "wheel"), (core, "wheel")):
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
        done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"Building failed in {where}:\n{done.stdout}{done.stderr}")


def hash_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file by its name, sorted."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
