"""Searching in chunks finds what searching the whole text finds: each key once, with its line."""

import io

import pytest

from ari.cli.scan.token_stream import CHUNK_BYTES, find_in_chunks, read_chunks
from ari.keys.token import mint


@pytest.mark.parametrize("size", [1, 7, 49, 55, 68, 69, 70, 200, 10_000])
def test_chunks_of_any_size_hide_nothing(size: int) -> None:
    """Keys across the edges of chunks, next to each other, of the longest and the shortest prefix."""
    longest, shortest = mint("abcdefghijklmnopqrs_"), mint("a_")
    tokens = [mint(), longest, shortest, mint(), longest]
    text = "\n".join(["head", f"{tokens[0]} {tokens[1]}", "", f"x{tokens[2]}y", *tokens[3:], "tail"]).encode()
    chunks = (text[start : start + size] for start in range(0, len(text), size))
    found = list(find_in_chunks(chunks))
    assert found == [(2, tokens[0]), (2, tokens[1]), (4, tokens[2]), (5, tokens[3]), (6, tokens[4])]


def test_a_long_file_is_read_to_its_end() -> None:
    """Longer than a chunk, with the key across the edge, and another at the very end."""
    first, last = mint(), mint()
    text = b"\n" * (CHUNK_BYTES - 20) + first.encode() + b"\n" + b"x" * CHUNK_BYTES + b"\n" + last.encode()
    found = list(find_in_chunks(read_chunks(io.BytesIO(text))))
    assert found == [(CHUNK_BYTES - 19, first), (CHUNK_BYTES - 17, last)]


def test_only_a_right_checksum_is_a_key() -> None:
    """One letter off, one letter missing, the prefix of another key."""
    token = mint()
    off = token[:20] + ("a" if token[20] != "a" else "b") + token[21:]
    other = token.replace("ari_k_", "acme_")
    assert list(find_in_chunks([f"{off}\n{token[:-1]}\n{other}\n".encode()])) == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_decoded(encoding: str) -> None:
    """Windows shells write UTF-16 with a byte order mark, in which no byte follows another; chunks cut its letters."""
    token = mint()
    text = f"\ufeffone\nÄ €\U0001f600\n{token}\n".removeprefix("\ufeff" if encoding == "utf-16" else "").encode(
        encoding
    )
    assert list(find_in_chunks([text[:5], text[5:60], text[60:]])) == [(3, token)]


def test_any_bytes_are_searched() -> None:
    """NUL bytes, broken UTF-8 and a file without line ends are no reason to skip a file."""
    token = mint().encode()
    assert list(find_in_chunks([b"\0\xff\xfe" + token + b"\0"])) == [(1, token.decode())]
    assert list(find_in_chunks([])) == []
