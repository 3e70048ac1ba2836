"""Files with copies of the audit log: compressed or not, in bounded memory, whatever is in them."""

import gzip
import io

import pytest

from ari.base import audit_copies
from ari.base.audit_copies import verify
from ari.base.audit_verification import AuditCopy, BrokenCopy
from tests.support.audit_copies import make_chain, to_lines

DATA = b"".join(to_lines(make_chain(6)))


def read(*contents: bytes) -> AuditCopy:
    copy = AuditCopy()
    verify(copy, [(f"{number}.jsonl", io.BufferedReader(io.BytesIO(one))) for number, one in enumerate(contents)])
    return copy


def test_rotated_files_are_read_in_order() -> None:
    """Some compressed; the last line may lack its end, and a file may be empty."""
    cut = DATA.index(b"\n", len(DATA) // 2) + 1
    assert read(gzip.compress(DATA[:cut]), b"", DATA[cut:].rstrip()).count == 6
    with pytest.raises(BrokenCopy, match=r"1\.jsonl line 1: .* begins another log|1\.jsonl line 1: .*missing"):
        read(DATA[cut:], DATA[:cut])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(DATA)[:-9], "it can't be decompressed"),
        (gzip.compress(DATA)[:200] + b"x" * 99, "it can't be decompressed"),
        (b"\x1f\x8bxxxx", "it can't be decompressed"),
        (DATA[:-9], "line 6 isn't valid JSON, or is cut off"),
        (b"PK\x03\x04", "line 1 has no JSON object"),
        (DATA + b"\xff{\xff\n", "line 7 isn't valid UTF-8"),
    ],
)
def test_a_wrong_or_damaged_file_is_one_sentence(content: bytes, words: str) -> None:
    """It names the file and the line."""
    with pytest.raises(BrokenCopy) as error:
        read(content)
    assert words in str(error.value)
    assert str(error.value).startswith("0.jsonl")


def test_a_line_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a huge one nor one that a small file decompresses to."""
    monkeypatch.setattr(audit_copies, "MAX_LINE_BYTES", 2**20)
    for content in (b"x" * 2**21, gzip.compress(b"x" * 2**27)):
        with pytest.raises(BrokenCopy, match="line 1 is longer than 1 MB"):
            read(content)


def test_a_source_that_fails_is_one_sentence() -> None:
    """Such as a folder, or a disk with an error."""

    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise IsADirectoryError(21, "Is a directory")

    with pytest.raises(BrokenCopy, match=r"Can't read here: Is a directory\."):
        verify(AuditCopy(), [("here", io.BufferedReader(Failing()))])
