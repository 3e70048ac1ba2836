"""The file of a backup: a gzip-compressed tar of JSON lines, one object a row, the same for both databases.

Members are ``<table>/<number>.jsonl`` and last ``manifest.json``, which holds how many rows each table has and the
SHA-256 of its lines. Both directions stream: neither needs the backup in memory. How far a file may unpack has no
limit of its own: callers choose what is logged, so a real backup may reach any ratio that deflate has.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from ari.base.clock import from_rfc3339
from ari.base.errors import Invalid, Problem, Unavailable
from ari.integrations.ai_rules.model import MAX_PART_BYTES

FORMAT = 1
MANIFEST = "manifest.json"
MEMBER_BYTES = 1_000_000
MAX_ROW_BYTES = 2 * MAX_PART_BYTES + 200_000
"""Of a row as JSON, in which JSON doubles its quotes: more than any change may have. Read JSON takes up to 45 times as
much memory."""
MAX_TABLES = 500
"""Each takes memory, also without rows."""
_MAX_FACT_LENGTH = 100

Row = dict[str, Any]


@dataclass(slots=True)
class TableSum:
    """What proves that a table's rows came through whole."""

    rows: int = 0
    sha256: str = ""


@dataclass(slots=True)
class Manifest:
    """A backup's metadata; ``migrations`` are the numbers of the chains ``main`` and ``log``."""

    version: str
    created_at: str
    database: str
    migrations: dict[str, str]
    format: int = FORMAT
    tables: dict[str, TableSum] = field(default_factory=dict)

    def to_json(self) -> bytes:
        facts = asdict(self)
        return json.dumps(facts | {"checksum": _checksum(facts)}, indent=1, sort_keys=True).encode()


class Writer:
    """Writes a backup to ``file``; complete only after ``close``."""

    def __init__(self, file: io.RawIOBase | IO[bytes], manifest: Manifest, at_seconds: int) -> None:
        self._manifest = manifest
        self._at_seconds = at_seconds
        self._zip = gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=file, mtime=at_seconds)
        self._tar = tarfile.TarFile(fileobj=self._zip, mode="w", format=tarfile.PAX_FORMAT)

    def add(self, table: str, rows: Iterable[Row]) -> Iterator[int]:
        """Write the table's rows; yields how many are written so far, at each member. Raises ``Unavailable``."""
        if len(self._manifest.tables) >= MAX_TABLES:
            raise Unavailable("There are too many tables for a backup.")
        digest, count, number, lines = hashlib.sha256(), 0, 0, io.BytesIO()
        for row in rows:
            line = _encode(row)
            if len(line) > MAX_ROW_BYTES:
                raise Unavailable(f"A row of the table {table} is too large for a backup.")
            lines.write(line)
            count += 1
            if lines.tell() >= MEMBER_BYTES:
                self._member(f"{table}/{number:06}.jsonl", lines.getvalue(), digest)
                number, lines = number + 1, io.BytesIO()
                yield count
        self._member(f"{table}/{number:06}.jsonl", lines.getvalue(), digest)
        self._manifest.tables[table] = TableSum(count, digest.hexdigest())
        yield count

    def close(self) -> None:
        """Write the manifest and end the file."""
        self._member(MANIFEST, self._manifest.to_json(), hashlib.sha256())
        self._tar.close()
        self._zip.close()

    def _member(self, name: str, body: bytes, digest: "hashlib._Hash") -> None:
        digest.update(body)
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = len(body), self._at_seconds, 0o600
        self._tar.addfile(info, io.BytesIO(body))


class Reader:
    """Reads a backup from its beginning; ``manifest`` is known once ``rows`` is exhausted."""

    def __init__(self, file: io.RawIOBase | IO[bytes]) -> None:
        self._file = file
        self._sums: dict[str, TableSum] = {}
        self.manifest: Manifest | None = None
        self.member = 0
        """Counts the members read so far: rows of one member fit into memory."""

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Every row with its table's name. Raises ``Invalid`` for a file that is not a whole backup of this format."""
        digests: dict[str, hashlib._Hash] = {}
        with _damage_as_invalid(), gzip.GzipFile(fileobj=self._file) as unzipped:
            self._file.seek(0)
            for name, body in _read_members(unzipped):
                self.member += 1
                if name == MANIFEST:
                    self.manifest = _manifest(body)
                    continue
                table = name.partition("/")[0]
                digests.setdefault(table, hashlib.sha256()).update(body)
                counted = self._sums.setdefault(table, TableSum())
                if len(self._sums) > MAX_TABLES:
                    raise ValueError("more tables than ARI writes")
                for line in body.splitlines():
                    counted.rows += 1
                    yield table, _decode(line)
        for table, counted in self._sums.items():
            counted.sha256 = digests[table].hexdigest()
        if self.manifest is None:
            raise make_damaged_error("its end is missing")
        if self.manifest.tables != self._sums:
            raise make_damaged_error("its rows don't match its checksums")


def make_damaged_error(how: str) -> Invalid:
    """The error for a file that cannot be restored."""
    return Invalid(Problem("file", f"This isn't a complete ARI backup: {how}. Nothing was changed."))


@contextmanager
def _damage_as_invalid() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile):
        raise make_damaged_error("the file is damaged, truncated or not a backup") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise make_damaged_error("its contents can't be read") from None


def _take(stream: gzip.GzipFile, size: int) -> bytes:
    """Exactly ``size`` bytes. Raises ``EOFError``."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _read_members(stream: gzip.GzipFile) -> Iterator[tuple[str, bytes]]:
    """The name and content of each plain member.

    ``tarfile`` would read the headers of other kinds into memory, however long they claim to be (PAX, GNU).
    """
    while (header := _take(stream, tarfile.BLOCKSIZE)).count(0) < tarfile.BLOCKSIZE:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        if info.type != tarfile.REGTYPE or not 0 <= info.size <= MEMBER_BYTES + MAX_ROW_BYTES:
            raise ValueError("not a member that ARI writes")
        body = _take(stream, info.size)
        _take(stream, -info.size % tarfile.BLOCKSIZE)
        yield info.name, body
    padding = stream.read(tarfile.RECORDSIZE)
    if padding.strip(b"\0") or stream.read(1):  # the second read also checks the file's own checksum
        raise ValueError("something follows")


def _manifest(body: bytes) -> Manifest:
    facts = json.loads(body)
    checksum = facts.pop("checksum")
    if facts["format"] != FORMAT:
        raise make_damaged_error("its format belongs to a different version of ARI")
    if checksum != _checksum(facts):
        raise make_damaged_error("its manifest doesn't match its checksum")
    sums = {name: TableSum(**counted) for name, counted in facts.pop("tables").items()}
    manifest = Manifest(**facts, tables=sums)
    _check_types(manifest)
    return manifest


def _check_types(manifest: Manifest) -> None:
    """Raise ``ValueError`` for values that no backup has: the author of an untrusted one chose them."""
    from_rfc3339(manifest.created_at)
    texts: list[object] = [manifest.version, manifest.created_at, manifest.database, *manifest.migrations.values()]
    if not all(isinstance(one, str) and one.isprintable() and len(one) <= _MAX_FACT_LENGTH for one in texts):
        raise ValueError("not a text that ARI writes")
    if not all(type(one.rows) is int and isinstance(one.sha256, str) for one in manifest.tables.values()):
        raise ValueError("not a sum that ARI writes")


def _checksum(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _encode(row: Row) -> bytes:
    return _encoder.encode(row).encode("utf-8", "surrogatepass") + b"\n"  # json.loads reads surrogates the same way


def _bytes_as_json(value: object) -> dict[str, str]:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(value).decode()}
    raise TypeError(type(value).__name__)


_encoder = json.JSONEncoder(default=_bytes_as_json, ensure_ascii=False, separators=(",", ":"))


def _decode(line: bytes) -> Row:
    if len(line) > MAX_ROW_BYTES:
        raise ValueError("not a row that ARI writes")
    row = json.loads(line, object_hook=_json_as_bytes)
    if not isinstance(row, dict):
        raise ValueError("not a row")
    return row


def _json_as_bytes(value: dict[str, Any]) -> object:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value
