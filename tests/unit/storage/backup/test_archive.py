"""The file of a backup: what goes in comes out, and nothing damaged is believed."""

import gzip
import io
import json
import tarfile
import tracemalloc
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.errors import Invalid, Unavailable
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


def _zip_pax_bomb(megabytes: int) -> bytes:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, megabytes * 1_000_000
    return gzip.compress(info.tobuf() + b"\0" * 1_000_000 * megabytes, 1)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_SPARSE])
def test_headers_of_other_kinds_are_refused_unread(kind: bytes) -> None:
    """A header of three gigabytes took nine of memory before any check of the signature."""
    info = tarfile.TarInfo("a/000000.jsonl")
    info.type, info.size = kind, 3_000_000_000
    with pytest.raises(Invalid, match="can't be read"):
        _read(gzip.compress(info.tobuf() + b"\0" * 10_000))


def _row_of(value: str) -> bytes:
    return _pack({"a/000000.jsonl": f'{{"a":{value}}}\n'.encode()})


def _make_bombs() -> dict[str, bytes]:
    whole = _write(a=[{"x": 1}])
    lists = f"[{'[],' * 660_000}[]]"
    members = {f"a/{number:06}.jsonl": b"[]\n" * 1_000_000 for number in range(30)}
    return {
        "pax": _zip_pax_bomb(300),
        "lists": _row_of(lists),
        "nesting": _row_of("[" * 200_000 + "]" * 200_000),
        "digits": _row_of("9" * 6_000),
        "one row": _row_of('"' + "x" * 2_500_000 + '"'),
        "empty lines": _pack({"a/000000.jsonl": b"\n" * 2_900_000}),
        "manifest": _pack({"manifest.json": b"[" * 200_000}),
        "members": _pack(members),
        "after the end": gzip.compress(gzip.decompress(whole) + b"\0" * 300_000_000, 1),
    }


def test_no_file_takes_much_memory() -> None:
    """Whatever it claims or unpacks to: it is refused with a sentence, in 80 MB at most."""
    for name, body in _make_bombs().items():
        tracemalloc.start()
        try:
            with pytest.raises(Invalid, match="isn't a complete ARI backup"):
                deque(Reader(io.BytesIO(body)).rows(), maxlen=0)
            assert tracemalloc.get_traced_memory()[1] < 80_000_000, name
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("text", ["\U0001f600" * 1024, "x" * 8_000, "\x00" * 1024, "\ud800" * 1024])
def test_rows_that_compress_best_come_back(text: str) -> None:
    """A caller chooses paths and user agents: none makes later backups unreadable, however far they unpack."""
    row = {"path": text, "user_agent": text, "metadata": json.dumps({"a": text})}
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")
    count = 80_000_000 // len(line) + 1
    body = _write(a=[row] * count)
    assert 70_000_000 / len(body) > 200
    found = Reader(io.BytesIO(body)).rows()
    assert sum(one == ("a", row) for one in found) == count


def test_the_largest_member_comes_back() -> None:
    """A row of the largest size after almost a whole member."""
    rows = [{"a": "x" * (archive.MEMBER_BYTES - 100)}, {"a": "x" * (archive.MAX_ROW_BYTES - 9)}]
    assert _read(_write(a=rows)) == [("a", row) for row in rows]


def test_rows_of_ascii_are_read() -> None:
    """Backups of earlier versions wrote other characters as escapes."""
    lines = {"a/000000.jsonl": b'{"a":"\\ud83d\\ude00 \\u00fc"}\n'}
    assert next(Reader(io.BytesIO(_pack(lines))).rows()) == ("a", {"a": "\U0001f600 ü"})


def test_the_bound_of_tables_holds_on_both_sides() -> None:
    """Each table takes memory, also without rows."""
    tables: dict[str, list[Row]] = {f"t{number}": [] for number in range(archive.MAX_TABLES)}
    assert _read(_write(**tables)) == []
    with pytest.raises(Unavailable, match="too many tables"):
        _write(**tables, more=[])
    with pytest.raises(Invalid, match="can't be read"):
        _read(_pack({f"t{number}/000000.jsonl": b"" for number in range(archive.MAX_TABLES + 1)}))


def test_a_row_that_could_not_be_restored_is_not_written() -> None:
    """The bound of a row holds on both sides."""
    with pytest.raises(Unavailable, match="too large"):
        _write(a=[{"text": "x" * archive.MAX_ROW_BYTES}])


@pytest.mark.parametrize(
    "facts",
    [
        {"created_at": 5},
        {"created_at": "yesterday"},
        {"created_at": None},
        {"created_at": ["2026-01-01T00:00:00Z"]},
        {"version": "1\x1b[31m"},
        {"version": "\u202e1"},
        {"migrations": {"main": 1}},
        {"migrations": []},
    ],
)
def test_a_manifest_of_other_types_is_refused(facts: dict[str, Any]) -> None:
    """The author of an untrusted backup chose its facts, and its checksum."""
    manifest = replace(Manifest("1", "2026-01-01T00:00:00Z", "sqlite", {}), **facts)
    file = io.BytesIO()
    writer = Writer(file, manifest, 0)
    list(writer.add("a", [{"x": 1}]))
    writer.close()
    with pytest.raises(Invalid, match="can't be read"):
        _read(file.getvalue())
