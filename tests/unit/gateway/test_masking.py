"""The key never shows in what a provider sends (security.md 37)."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.masking import KeyMask, mask_key

SECRET = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"


def test_the_key_and_parts_of_it_are_masked() -> None:
    """The rest shows which key it was."""
    body = f'{{"message": "key {SECRET} and {SECRET[5:30]}, {SECRET}{SECRET}"}}'.encode()
    assert (
        mask_key(body, SECRET)
        == b'{"message": "key sk-p\xe2\x80\xa64Mq8 and sk-p\xe2\x80\xa64Mq8, sk-p\xe2\x80\xa64Mq8"}'
    )


def test_other_words_stay() -> None:
    """Byte for byte; short likenesses are chance."""
    body = b"\xff sk-proj- is how keys begin; not sk-proj-Aw7e0"
    assert mask_key(body, SECRET) == body
    assert mask_key(body, "") == body


@given(st.binary(max_size=80), st.integers(0, 40), st.integers(10, 60), st.binary(max_size=80))
def test_no_ten_characters_of_the_key_survive(before: bytes, start: int, length: int, after: bytes) -> None:
    """Wherever they are."""
    part = SECRET[start : start + length].encode()
    clean = mask_key(before + part + after, SECRET)
    assert not any(SECRET[at : at + 10].encode() in clean for at in range(len(SECRET) - 9))


KEYS = st.text("abcDEF019-_./+=:~", min_size=8, max_size=40)


def _spell(key: str, spelling: str) -> bytes:
    return {
        "plain": key.encode(),
        "json": json.dumps(key).replace("/", "\\/").encode(),
        "unicode": "".join(f"\\u{ord(one):04x}" for one in key).encode(),
        "UNICODE": "".join(f"\\u{ord(one):04X}" if at % 2 else one for at, one in enumerate(key)).encode(),
        "url": quote(key, safe="").encode(),
        "URL": "".join(f"%{ord(one):02X}" for one in key).encode(),
    }[spelling]


@given(KEYS, st.sampled_from(["plain", "json", "unicode", "UNICODE", "url", "URL"]), st.data())
def test_a_stream_is_masked_however_it_is_cut(key: str, spelling: str, data: st.DataObject) -> None:
    """Every spelling of JSON and URLs, cut at any bytes; the length stays, so a Content-Length is right."""
    form = _spell(key, spelling)
    body = data.draw(st.binary(max_size=20)) + b" " + form + data.draw(st.binary(max_size=20)) + b" " + form
    mask, out, at = KeyMask(key), b"", 0
    while at < len(body):
        size = data.draw(st.integers(1, 9))
        out += mask.mask(body[at : at + size])
        at += size
    out += mask.flush()
    assert len(out) == len(body)
    assert form not in out
    assert out == KeyMask(key).whole(body)


@given(st.lists(st.binary(max_size=30)))
def test_other_bodies_stay_byte_for_byte(chunks: list[bytes]) -> None:
    """Whatever they are."""
    mask = KeyMask(SECRET)
    assert b"".join([*(mask.mask(chunk) for chunk in chunks), mask.flush()]) == b"".join(chunks)


@pytest.mark.parametrize(
    "chunk",
    [b'data: {"a": 1}\n\n', b": keep-alive\n\n", b"50%\n", b'{"text": "sk-proj-"}', b"\x00\xff", b"sk-proj-0"],
)
def test_nothing_else_is_held_back(chunk: bytes) -> None:
    """An event is there when it comes."""
    assert KeyMask(SECRET).mask(chunk) == chunk


@pytest.mark.parametrize(("chunk", "held"), [(b"x sk-p", 4), (b"\\u0073\\u00", 10), (b"%73%6", 5), (b"task", 2)])
def test_only_a_beginning_of_the_key_is_held_back(chunk: bytes, held: int) -> None:
    """And goes on once it is known to be none."""
    mask = KeyMask(SECRET)
    assert mask.mask(chunk) == chunk[: len(chunk) - held]
    assert mask.mask(b"!") == chunk[len(chunk) - held :] + b"!"


def test_keys_that_overlap_leave_nothing() -> None:
    """A key that ends as it begins, twice."""
    mask = KeyMask("abcd-xyz-abcd")
    out = b"".join(mask.mask(bytes([byte])) for byte in b"_abcd-xyz-abcd-xyz-abcd_") + mask.flush()
    assert out == b"_" + b"*" * 22 + b"_"


def test_a_word_of_a_local_server_is_no_secret() -> None:
    """``ollama`` as a key may be in any response."""
    assert KeyMask("ollama").whole(b'{"owned_by": "ollama"}') == b'{"owned_by": "ollama"}'
    assert mask_key(b"no such model in ollama", "ollama") == b"no such model in ollama"
