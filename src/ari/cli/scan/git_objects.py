"""Search every object of a git repository: all commits, tags and files that it ever stored, reachable or not."""

import os
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from ari.cli.scan.locations import ScanReport, TokenLocation, show_path
from ari.cli.scan.token_stream import CHUNK_BYTES, find_in_chunks

_OBJECTS = ("cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer")
_CHANGES = (
    "log",
    "--all",
    "--reflog",
    "--ignore-missing",
    "--topo-order",
    "--no-show-signature",
    "-m",
    "--root",
    "--no-renames",
)
_AS_RAW = ("--raw", "--no-abbrev", "-z", "--format=%H")

_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
"""A repository may be hostile: its configuration must reach no server and hide no object."""


class _GitFailed(Exception):
    """The message is git's own."""


def search_history(path: Path, report: ScanReport, searched: set[bytes]) -> None:
    """Search the repository that has this path, unless its git directory is in ``searched``."""
    shown = show_path(str(path))
    found: list[TokenLocation] = []
    try:
        git_dir, is_shallow = _find_repository(path)
        if git_dir in searched:
            return
        searched.add(git_dir)
        _search_objects(git_dir, report, found)
        found = _locate(git_dir, found)
    except _GitFailed as error:
        report.problems.append(f"The history of {shown} wasn't searched completely: {error}.")
    else:
        if is_shallow:
            report.problems.append(f"{shown} is a shallow clone: its older commits weren't searched.")
    report.locations += found  # what was found before git failed counts too


def _find_repository(path: Path) -> tuple[bytes, bool]:
    """The git directory, and whether the clone is shallow."""
    folder = path if path.is_dir() else path.parent
    words = ("rev-parse", "--is-shallow-repository", "--path-format=absolute", "--git-common-dir")
    with _run("-C", str(folder), *words) as output:
        is_shallow = output.readline().strip() == b"true"
        return output.read().removesuffix(b"\n"), is_shallow


def _search_objects(git_dir: bytes, report: ScanReport, found: list[TokenLocation]) -> None:
    """Add the keys in commits, tags and file versions. Folders hold only names."""
    with _run("--git-dir", git_dir, *_OBJECTS) as output:
        for header in iter(output.readline, b""):
            name, kind, size = header.split()
            content = _read_object(output, int(size))
            if kind == b"tree":
                deque(content, maxlen=0)
                continue
            object_id = name.decode()
            commit = object_id if kind == b"commit" else None
            found += [TokenLocation(token, None, line, commit, object_id) for line, token in find_in_chunks(content)]
            report.objects += 1


def _read_object(output: IO[bytes], size: int) -> Iterator[bytes]:
    while size and (chunk := output.read(min(size, CHUNK_BYTES))):
        size -= len(chunk)
        yield chunk
    output.read(1)  # the line end after every object


def _locate(git_dir: bytes, found: list[TokenLocation]) -> list[TokenLocation]:
    """The locations with the path and the oldest commit of each file version."""
    unknown = {location.object_id for location in found if location.commit is None}
    origins = _find_origins(git_dir, unknown) if unknown else {}
    return [
        replace(location, commit=origins[location.object_id][0], path=origins[location.object_id][1])
        if location.object_id in origins
        else location
        for location in found
    ]


def _find_origins(git_dir: bytes, wanted: Collection[str | None]) -> dict[str | None, tuple[str, str]]:
    """The oldest commit that brought each of these file versions, and its path there."""
    origins: dict[str | None, tuple[str, str]] = {}
    commit = changed = ""
    with _run("--git-dir", git_dir, *_CHANGES, *_AS_RAW) as output:
        for field in _split(output):
            if changed:
                if changed in wanted:
                    origins[changed] = (commit, os.fsdecode(field))  # newest first: the last one is the oldest
                changed = ""
            elif field.lstrip(b"\n").startswith(b":"):
                changed = field.split()[3].decode()
            else:
                commit = field.decode()
    return origins


def _split(output: IO[bytes]) -> Iterator[bytes]:
    """The fields of ``git log -z``: a commit's ID, or one change and then its path."""
    rest = b""
    while chunk := output.read(CHUNK_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest.strip():
        yield rest


@contextmanager
def _run(*words: str | bytes) -> Iterator[IO[bytes]]:
    """git's output. Raises ``_GitFailed`` in the end if git failed, or its output isn't as documented."""
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    git = shutil.which("git")
    if git is None:
        raise _GitFailed("git isn't installed")
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [git, *words],
            env=environment | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as process,
    ):
        assert process.stdout is not None
        broken = False
        try:
            yield process.stdout
        except ValueError:
            broken = True
        except BaseException:
            process.kill()
            raise
        process.stdout.close()
        if process.wait() or broken:
            errors.seek(0)
            said = errors.readline().decode(errors="backslashreplace").strip().removeprefix("fatal: ")
            raise _GitFailed(said or "git failed")
