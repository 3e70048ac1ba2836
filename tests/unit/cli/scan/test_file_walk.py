"""Every regular file below a folder is searched once, and what is left out is counted."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.cli.scan.file_walk import search_path
from ari.cli.scan.locations import SPECIAL, SYMBOLIC_LINK, UNREADABLE, ScanReport
from ari.keys.token import mint


def search(*paths: Path) -> ScanReport:
    """All of these in one scan."""
    report, walked = ScanReport(), set[tuple[int, int]]()
    for path in paths:
        search_path(path, report, walked)
    return report


def list_found(report: ScanReport, below: Path) -> list[tuple[str, int]]:
    """Where keys were found."""
    return [(str(Path(location.path or "").relative_to(below)), location.line) for location in report.locations]


def test_folders_are_searched_in_the_order_of_names(tmp_path: Path) -> None:
    """Hidden files, nested folders, files of several megabytes and binary files too."""
    for name in ("b/c/deep.txt", "b/.env", "a.bin", "z"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0" * 3_000_000 + b"\n" + mint().encode() if name == "a.bin" else mint().encode())
    report = search(tmp_path)
    assert list_found(report, tmp_path) == [("a.bin", 2), ("z", 1), ("b/.env", 1), ("b/c/deep.txt", 1)]
    assert (report.files, report.skipped, report.is_complete()) == (4, {}, True)


def test_links_are_not_followed_and_counted(tmp_path: Path) -> None:
    """A loop of links ends, and what they lead to is found once."""
    (tmp_path / "file").write_text(mint())
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    report = search(tmp_path)
    assert list_found(report, tmp_path) == [("file", 1)]
    assert report.skipped == {SYMBOLIC_LINK: 3}
    assert report.is_complete()


def test_a_link_that_is_named_is_followed(tmp_path: Path) -> None:
    """Naming it means its target."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text(mint())
    (tmp_path / "link").symlink_to("folder")
    assert list_found(search(tmp_path / "link"), tmp_path) == [("link/file", 1)]
    assert list_found(search(tmp_path / "folder" / "file"), tmp_path) == [("folder/file", 1)]


def test_paths_that_overlap_are_searched_once(tmp_path: Path) -> None:
    """A folder, a folder in it, and the first one by another name."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "file").write_text(mint())
    (tmp_path.parent / "link").symlink_to(tmp_path)
    report = search(tmp_path, tmp_path / "inner", tmp_path.parent / "link")
    assert list_found(report, tmp_path) == [("inner/file", 1)]


def test_pipes_and_sockets_do_not_stop_a_scan(tmp_path: Path) -> None:
    """Reading a pipe that nobody writes to would never end."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "z").write_text(mint())
    report = search(tmp_path)
    assert (report.skipped, len(report.locations)) == ({SPECIAL: 1}, 1)


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    """Their files are searched like others."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_text(mint())
    (location,) = search(tmp_path).locations
    assert location.describe().endswith("/caf\\xe9:1")


@pytest.fixture
def locked_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose file ``a`` and folder ``b`` can't be read, by root neither."""
    (tmp_path / "a").write_text(mint())
    (tmp_path / "b").mkdir()
    (tmp_path / "c").write_text(mint())
    really_open, really_list = Path.open, Path.iterdir

    def open_unlocked(self: Path, mode: str) -> object:
        if self.name == "a":
            raise PermissionError(13, "Permission denied")
        return really_open(self, mode)

    def list_unlocked(self: Path) -> Iterator[Path]:
        if self.name == "b":
            raise PermissionError(13, "Permission denied")
        return really_list(self)

    monkeypatch.setattr(Path, "open", open_unlocked)
    monkeypatch.setattr(Path, "iterdir", list_unlocked)
    return tmp_path


def test_what_cannot_be_read_is_counted(locked_folder: Path) -> None:
    """The rest is searched; the scan isn't complete."""
    report = search(locked_folder)
    assert list_found(report, locked_folder) == [("c", 1)]
    assert (report.skipped, report.is_complete()) == ({UNREADABLE: 2}, False)


def test_entries_about_which_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may be listed but not searched: each of its entries counts, and the scan goes on."""
    (tmp_path / "listed").mkdir()
    (tmp_path / "listed" / "hidden").write_text(mint())
    (tmp_path / "z").write_text(mint())
    really_stat = Path.lstat

    def stat_elsewhere(self: Path) -> os.stat_result:
        if self.parent.name == "listed":
            raise PermissionError(13, "Permission denied")
        return really_stat(self)

    monkeypatch.setattr(Path, "lstat", stat_elsewhere)
    report = search(tmp_path)
    assert list_found(report, tmp_path) == [("z", 1)]
    assert (report.skipped, report.is_complete()) == ({UNREADABLE: 1}, False)


def test_a_path_that_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    """A mistyped path must not look like a clean one."""
    report = search(tmp_path / "typo")
    assert report.problems == [f"Can't read {tmp_path}/typo: No such file or directory."]
