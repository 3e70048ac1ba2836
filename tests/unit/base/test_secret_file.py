"""Secrets from files: read, read again after a change, and refused with one sentence that never shows them."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ari.base import file_identity
from ari.base.errors import ConfigurationError
from ari.base.secret_file import MAX_BYTES, SecretFile, find_files


def _parse(text: str) -> str:
    if "bad" in text:
        raise ValueError("must be good.")
    return text


def _open(path: Path) -> SecretFile[str]:
    return SecretFile("ARI_X_FILE", path, _parse)


@pytest.mark.parametrize(
    ("content", "value"), [(b"s\n", "s"), (b"s\r\n", "s"), (b" s ", " s "), (b"\xc3\xa9", "é"), (b"a\n\n", "a\n")]
)
def test_one_line_end_is_no_part_of_the_value(content: bytes, value: str, tmp_path: Path) -> None:
    """Editors and ``echo`` add one; a password may have spaces."""
    (tmp_path / "x").write_bytes(content)
    assert _open(tmp_path / "x").current() == value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file: {}"),
        (b"", "{} is empty"),
        (b" \n", "{} is empty"),
        (b"\xff hunter2", "{} isn't UTF-8 text"),
        (b"hunter2" * MAX_BYTES, "{} is larger than 64 KiB"),
        (b"bad hunter2", "must be good"),
    ],
)
def test_an_unusable_file_is_refused_in_one_sentence(content: bytes | None, words: str, tmp_path: Path) -> None:
    """It names the variable and the file, never the content."""
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        _open(path)
    assert str(refused.value) == f"ARI_X_FILE: {words.format(path)}."


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """What Docker makes of a mount whose source is missing."""
    with pytest.raises(ConfigurationError, match=f"^ARI_X_FILE: can't read {tmp_path}: Is a directory\\.\\Z"):
        _open(tmp_path)


def test_a_changed_file_is_read_at_the_next_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place, and by exchanging a link, as Kubernetes does; a settled file is read once."""
    monkeypatch.setattr(file_identity, "SETTLED_SECONDS", -1.0)
    first, second, link = (tmp_path / name for name in ("first", "second", "link"))
    first.write_text("one")
    second.write_text("two")
    link.symlink_to(first)
    reads: list[str] = []

    def parse(text: str) -> str:
        reads.append(text)
        return text

    file = SecretFile("ARI_X_FILE", link, parse)
    assert (file.current(), file.current(), reads) == ("one", "one", ["one"])
    (tmp_path / "new").symlink_to(second)
    (tmp_path / "new").replace(link)
    assert file.current() == "two"
    second.write_text("three")
    assert file.current() == "three"


def test_a_spoiled_file_keeps_the_last_value_and_warns_once(tmp_path: Path) -> None:
    """A file that is being written must not stop requests; the log says which file, once for each reason."""
    path = tmp_path / "x"
    path.write_text("one")
    file = _open(path)
    with capture_logs() as logs:
        for content in ("bad hunter2", None, "two"):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content)
            values = [file.current(), file.current()]
            assert values == [content if content == "two" else "one"] * 2
    assert [one["event"] for one in logs] == [
        "ARI_X_FILE: must be good. The last value stays in use.",
        f"ARI_X_FILE: no such file: {path}. The last value stays in use.",
    ]


def test_of_two_sources_none_is_chosen() -> None:
    """Neither wins in silence; an empty variable is no source."""
    names = ("ARI_X", "ARI_Y")
    assert find_files(names, {"ARI_X_FILE": "/x ", "ARI_X": " ", "ARI_Y": "y", "ari_y_file": ""}) == {
        "ARI_X": Path("/x")
    }
    assert find_files(names, {"ari_x_file": "/x"}) == {"ARI_X": Path("/x")}
    with pytest.raises(ConfigurationError, match=r"^ARI_X and ARI_X_FILE can't both be set\.\Z"):
        find_files(names, {"ARI_X_FILE": "/x", "ari_x": "hunter2"})
