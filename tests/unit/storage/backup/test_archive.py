"""The file of a backup: what goes in comes out, and nothing damaged is believed."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.errors import Invalid
from ari.storage.backup import archive
from ari.storage.backup.archive import Manifest, Reader, Row, Writer

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary()
)
ROWS = st.lists(st.dictionaries(st.text(max_size=8), VALUES, max_size=5), max_size=20)


def _write(**tables: list[Row]) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, Manifest("1.0", "2027-01-15T08:00:00.000Z", "sqlite", {"main": "0001"}), 1_800_000_000)
    for name, rows in tables.items():
        assert list(writer.add(name, rows))[-1] == len(rows)
    writer.close()
    return file.getvalue()


def _read(body: bytes) -> list[tuple[str, Row]]:
    return list(Reader(io.BytesIO(body)).rows())


def _members(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        files = {info.name: tar.extractfile(info) for info in tar}
        return {name: file.read() for name, file in files.items() if file is not None}


def _pack(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@given(ROWS, ROWS)
def test_rows_come_back_as_they_were(first: list[Row], second: list[Row]) -> None:
    """Any text, number and bytes, in order, table by table."""
    assert _read(_write(a=first, b=second)) == [("a", row) for row in first] + [("b", row) for row in second]


def test_a_large_table_is_cut_into_members(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing and reading hold about a megabyte of a table at a time, whatever its size."""
    monkeypatch.setattr(archive, "MEMBER_BYTES", 100)
    rows = [{"n": number, "text": "x" * 20} for number in range(50)]
    body = _write(a=rows)
    assert len(_members(body)) > 10
    assert [row for _, row in _read(body)] == rows


def test_the_same_content_is_the_same_file() -> None:
    """Nothing but the content and its time decides the bytes."""
    assert _write(a=[{"x": 1}]) == _write(a=[{"x": 1}])


def test_a_file_cut_short_anywhere_is_refused() -> None:
    """Half a backup is no backup."""
    body = _write(a=[{"x": number} for number in range(100)])
    for length in range(0, len(body) - 1, 7):
        with pytest.raises(Invalid, match="isn't a complete ARI backup"):
            _read(body[:length])


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    """Any single byte of the compressed file that differs is refused, or changes nothing that is read."""
    rows = [{"x": number, "y": "text"} for number in range(20)]
    body = bytearray(_write(a=rows))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    try:
        found = _read(bytes(body))
    except Invalid:
        return
    assert found == [("a", row) for row in rows]


@given(st.binary(max_size=400))
def test_other_files_are_refused(body: bytes) -> None:
    """Whatever the file is, the error is one sentence."""
    for content in (body, gzip.compress(body)):
        with pytest.raises(Invalid):
            _read(content)


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.update(version="9.9"),
        lambda manifest: manifest["tables"]["a"].update(rows=1),
        lambda manifest: manifest["tables"].pop("a"),
        lambda manifest: manifest.pop("checksum"),
        lambda manifest: manifest.update(format=2),
        lambda manifest: manifest.update(tables=[]),
        lambda manifest: manifest.clear(),
    ],
)
def test_a_changed_manifest_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    """The manifest is checked as its rows are."""
    members = _members(_write(a=[{"x": 1}, {"x": 2}]))
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    with pytest.raises(Invalid):
        _read(_pack({**members, "manifest.json": json.dumps(manifest).encode()}))


def test_a_member_more_is_refused() -> None:
    """Rows that no checksum covers are not read as ours."""
    members = _members(_write(a=[{"x": 1}]))
    with pytest.raises(Invalid):
        _read(_pack({"a/000001.jsonl": b'{"x": 3}\n', **members}))
    with pytest.raises(Invalid):
        _read(_pack({"b/000000.jsonl": b'{"x": 3}\n', **members}))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.LNKTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    """Only plain members; nothing is ever unpacked to disk."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo("a/000000.jsonl")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(Invalid):
        _read(file.getvalue())


def test_a_huge_member_is_refused_unread() -> None:
    """A file that claims a giant is not read into memory."""
    file = io.BytesIO()
    info = tarfile.TarInfo("a/000000.jsonl")
    info.size = 10**12
    file.write(gzip.compress(info.tobuf()))
    with pytest.raises(Invalid):
        _read(file.getvalue())
