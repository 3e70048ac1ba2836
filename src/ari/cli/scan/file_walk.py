"""Search files and folders."""

import stat
from collections.abc import Iterator
from pathlib import Path

from ari.cli.scan.locations import SPECIAL, SYMBOLIC_LINK, UNREADABLE, ScanReport, TokenLocation, show_path
from ari.cli.scan.token_stream import find_in_chunks, read_chunks


def search_path(path: Path, report: ScanReport, walked: set[tuple[int, int]]) -> None:
    """Search a file, or a folder and everything in it. A link is followed only if it is the path itself.

    ``walked`` holds the folders that were searched (device and inode): none is searched twice.
    """
    try:
        path.stat()
    except OSError as error:
        report.problems.append(f"Can't read {show_path(str(path))}: {error.strerror}.")
        return
    for file in _list_files(path, report, walked) if path.is_dir() else (path,):
        _search_file(file, report)


def _search_file(path: Path, report: ScanReport) -> None:
    try:
        with path.open("rb") as file:
            report.locations += [
                TokenLocation(token, str(path), line) for line, token in find_in_chunks(read_chunks(file))
            ]
    except OSError:
        report.skipped[UNREADABLE] += 1
    else:
        report.files += 1


def _list_files(top: Path, report: ScanReport, walked: set[tuple[int, int]]) -> Iterator[Path]:
    """The regular files in a folder and in those below it, by name."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            about = folder.stat()
            if (about.st_dev, about.st_ino) in walked:
                continue
            walked.add((about.st_dev, about.st_ino))
            entries = sorted(folder.iterdir())
        except OSError:
            report.skipped[UNREADABLE] += 1
            continue
        folders = []
        for entry in entries:
            reason = _find_reason_to_skip(entry)
            if reason is not None:
                report.skipped[reason] += 1
            elif entry.is_dir():
                folders.append(entry)
            else:
                yield entry
        waiting += reversed(folders)


def _find_reason_to_skip(entry: Path) -> str | None:
    """``None`` for files and folders. A folder may list its entries and refuse everything else about them."""
    try:
        mode = entry.lstat().st_mode
    except OSError:
        return UNREADABLE
    if stat.S_ISLNK(mode):
        return SYMBOLIC_LINK
    return None if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else SPECIAL
