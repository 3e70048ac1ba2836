"""The history search finds a key in anything that a repository ever stored, and runs nothing that it says."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ari.cli.scan.git_objects import search_history
from ari.cli.scan.locations import ScanReport
from ari.keys.token import mint

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    """git's output in this folder, whatever the user's configuration says."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    command = ["git", "-C", str(folder), *IDENTITY, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, message: str = "Change", **files: str | None) -> str:
    """Commit these files (``None`` removes one); the commit's ID."""
    for name, text in files.items():
        if text is None:
            git(folder, "rm", "-q", name)
        else:
            (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository without a commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    return folder


def search(*paths: Path) -> ScanReport:
    """The histories of these paths, in one scan."""
    report, searched = ScanReport(), set[bytes]()
    for path in paths:
        search_history(path, report, searched)
    return report


def describe(report: ScanReport) -> list[str]:
    """Where keys were found; the order of objects is git's."""
    return sorted(location.describe() for location in report.locations)


def test_a_removed_key_is_found_in_the_oldest_commit_that_has_it(repository: Path) -> None:
    """The file was renamed and removed since; it counts as one location."""
    text = f"one\n{mint()}\n"
    commit(repository, env="first\n")
    oldest = commit(repository, secret=text)
    git(repository, "mv", "secret", "moved")
    commit(repository)
    commit(repository, moved=None)
    report = search(repository)
    assert describe(report) == [f"{oldest[:12]}:secret:2"]
    assert (report.problems, report.is_complete()) == ([], True)


def test_every_kind_of_object_is_searched(repository: Path) -> None:
    """A commit message, an annotated tag, another branch, a merge's own lines, a stash, and what nothing refers to."""
    first = commit(repository, message=f"Use {mint()}", a="1\n")
    git(repository, "tag", "-a", "v1", "-m", f"key {mint()}")
    tag = git(repository, "rev-parse", "v1")
    git(repository, "checkout", "-q", "-b", "other")
    other = commit(repository, b=mint())
    git(repository, "checkout", "-q", "main")
    commit(repository, c="2\n")
    git(repository, "merge", "-q", "--no-ff", "--no-commit", "other")
    merge = commit(repository, merged=mint())
    (repository / "a").write_text(mint())
    git(repository, "stash", "-q")
    stash = git(repository, "rev-parse", "stash")
    (repository / "loose").write_text(mint())
    loose = git(repository, "hash-object", "-w", "loose")
    git(repository, "branch", "-D", "other")
    places = describe(search(repository))
    assert sorted(places) == sorted(
        [
            f"{first[:12]}:message:{line_of(places, first)}",
            f"object {tag[:12]}:{line_of(places, 'object ' + tag)}",
            f"{other[:12]}:b:1",
            f"{merge[:12]}:merged:1",
            f"{stash[:12]}:a:1",
            f"object {loose[:12]}:1",
        ]
    )


def line_of(locations: list[str], start: str) -> str:
    """The line of the place that starts like this, which depends on git's headers."""
    length = 12 + (7 if start.startswith("object") else 0)
    return next(location for location in locations if location.startswith(start[:length])).rpartition(":")[2]


def test_a_commit_that_was_taken_back_is_still_found(repository: Path) -> None:
    """The commit is only in the reflog; git keeps and may push it for weeks."""
    commit(repository, a="1\n")
    gone = commit(repository, a=mint())
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    assert describe(search(repository)) == [f"{gone[:12]}:a:1"]


def test_a_staged_file_is_found_before_its_commit(repository: Path) -> None:
    """In a new repository, which has no commit."""
    (repository / "a").write_text(mint())
    git(repository, "add", "a")
    staged = git(repository, "rev-parse", ":a")
    assert describe(search(repository)) == [f"object {staged[:12]}:1"]


def test_names_and_attributes_hide_nothing(repository: Path) -> None:
    """A file that git calls binary and shows in no diff; its name has a line end and a byte that is not UTF-8."""
    name = os.fsdecode(b"odd\n\xe9\tname")
    found = commit(repository, **{".gitattributes": "* -diff binary\n", name: "\0\n" + mint()})
    (location,) = search(repository).locations
    assert (location.path, location.line, location.commit) == (name, 2, found)
    assert location.describe() == f"{found[:12]}:odd\n\\xe9\tname:2"


def test_a_path_in_a_repository_means_the_whole_repository_once(repository: Path) -> None:
    """A file, a subfolder, a linked worktree, and a bare clone, which is a repository of its own."""
    (repository / "sub").mkdir()
    commit(repository, **{"sub/file": "x\n", "key": mint()})
    git(repository, "worktree", "add", "-q", str(repository.parent / "linked"))
    paths = (repository / "sub" / "file", repository / "sub", repository, repository.parent / "linked")
    assert len(search(*paths).locations) == 1
    git(repository, "clone", "-q", "--bare", str(repository), str(repository.parent / "bare.git"))
    assert len(search(repository, repository.parent / "bare.git").locations) == 2


def test_a_variable_of_a_git_hook_does_not_change_the_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """git sets ``GIT_DIR`` for its hooks; the path decides."""
    commit(repository, key=mint())
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert len(search(repository).locations) == 1


def test_a_shallow_clone_is_not_the_whole_history(repository: Path, tmp_path: Path) -> None:
    """CI checks out one commit by default: the sentence says that the rest is missing, and the scan isn't complete."""
    commit(repository, key=mint())
    commit(repository, key=None)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    report = search(tmp_path / "shallow")
    assert report.locations == []
    assert report.problems == [f"{tmp_path}/shallow is a shallow clone: its older commits weren't searched."]
    assert not report.is_complete()


def test_a_folder_without_a_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence each."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    said = search(tmp_path).problems
    assert len(said) == 1
    assert said[0].startswith(f"The history of {tmp_path} wasn't searched completely: not a git repository")
    monkeypatch.setenv("PATH", "")
    assert search(tmp_path).problems == [f"The history of {tmp_path} wasn't searched completely: git isn't installed."]


def test_what_was_found_before_git_failed_is_reported(repository: Path) -> None:
    """A damaged object ends git's output; the keys in front of it count, and so does the failure."""
    commit(repository, key=mint(), other="x\n")
    damaged = git(repository, "rev-parse", ":other")
    path = repository / ".git" / "objects" / damaged[:2] / damaged[2:]
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    report = search(repository)
    assert len(report.problems) == 1
    assert "wasn't searched completely" in report.problems[0]
    assert not report.is_complete()


def test_the_configuration_of_a_repository_runs_no_program(repository: Path, tmp_path: Path) -> None:
    """Somebody else's repository names programs for signatures, diffs, pagers, and for objects that are missing."""
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    program.chmod(0o700)
    commit(repository, key=mint(), **{".gitattributes": "* diff=evil filter=evil\n"})
    commit(repository, key=None)
    signed = git(repository, "cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\n", 1
    )
    (tmp_path / "commit").write_text(signed + "\n")
    made = git(repository, "hash-object", "-t", "commit", "-w", str(tmp_path / "commit"))
    git(repository, "update-ref", "refs/heads/main", made)
    for name in (
        *("gpg.program", "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.smudge"),
        *("core.pager", "core.fsmonitor", "core.sshCommand", "core.alternateRefsCommand"),
    ):
        git(repository, "config", name, str(program))
    git(repository, "config", "log.showSignature", "true")
    git(repository, "log", "--format=%H")
    assert ran.exists(), "the trap works"
    ran.unlink()
    assert len(search(repository).locations) == 1
    assert not ran.exists()


def test_missing_objects_are_not_fetched(repository: Path, tmp_path: Path) -> None:
    """A partial clone asks the server that its configuration names for each missing object; a scan asks nobody."""
    commit(repository, key=mint())
    commit(repository, key=None)
    git(repository, "config", "uploadpack.allowFilter", "true")
    git(tmp_path, "clone", "-q", "--filter=tree:0", "--no-checkout", f"file://{repository}", "partial")
    partial = tmp_path / "partial"
    blob = git(repository, "rev-parse", "HEAD~1:key")
    known = Path(".git", "objects", blob[:2], blob[2:])  # alone: a tree may share its folder
    (partial / known).parent.mkdir(exist_ok=True)
    shutil.copy(repository / known, partial / known)
    before = git(partial, "count-objects", "-v")
    report = search(partial)
    assert git(partial, "count-objects", "-v") == before
    assert [location.object_id for location in report.locations] == [blob]
    assert not report.is_complete()
