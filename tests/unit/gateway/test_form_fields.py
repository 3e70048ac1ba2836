"""Fields of a multipart form are read as every server reads them, or not at all."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.form_fields import is_form, list_files, read_form, replace_in_form
from ari.gateway.json_tree import Ambiguous

TYPE = b"multipart/form-data; boundary=XX"
NAMES = frozenset(("model",))


def _part(name: str, content: bytes, *more: bytes) -> bytes:
    head = b"\r\n".join((b'Content-Disposition: form-data; name="%s"' % name.encode(), *more))
    return b"--XX\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


MODEL = _part("model", b"whisper-1")
FILE = _part('file"; filename="a.mp3', b"\x00\xff", b"Content-Type: audio/mpeg")
END = b"--XX--\r\n"


@pytest.mark.parametrize(
    "content_type", [TYPE, b'multipart/form-data; boundary="XX"', b"Multipart/Form-Data;boundary=XX"]
)
def test_a_plain_form_is_read(content_type: bytes) -> None:
    """As browsers, curl and the SDKs write it."""
    assert read_form(content_type, FILE + MODEL + END, NAMES) == {"model": ["whisper-1"]}


def test_a_field_sent_twice_is_found_twice() -> None:
    """The caller decides what that means."""
    assert read_form(TYPE, MODEL + _part("model", b"b") + END, NAMES) == {"model": ["whisper-1", "b"]}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"multipart/form-data", MODEL + END),
        (b"multipart/form-data; boundary=XX; boundary=YY", MODEL + END),
        (b"multipart/mixed; boundary=XX", MODEL + END),
        (b"application/x-www-form-urlencoded", b"model=a"),
        (TYPE, b"preamble\r\n" + MODEL + END),
        (TYPE, MODEL + END + b"epilogue"),
        (TYPE, MODEL),
        (TYPE, END),
        (TYPE, _part("file", b'\n--XX\nContent-Disposition: form-data; name="model"\n\nb') + MODEL + END),
        (TYPE, _part("file", b"--XX") + MODEL + END),
        (TYPE, _part("Model", b"b") + END),
        (TYPE, _part("model[]", b"b") + END),
        (TYPE, _part("model", b"b", b"Content-Type: text/plain; charset=utf-16") + END),
        (TYPE, _part("model", b"b", b"Content-Transfer-Encoding: base64") + END),
        (TYPE, _part("model", b"b", b'Content-Disposition: form-data; name="x"') + END),
        (TYPE, _part("model", b"\xff") + END),
        (TYPE, _part("x", b"b", b' ; name="model"') + END),
        (TYPE, b'--XX\r\nContent-Disposition: form-data; name="x"; name="model"\r\n\r\nb\r\n' + END),
        (TYPE, b"--XX\r\nContent-Disposition: form-data; name*=utf-8''model\r\n\r\nb\r\n" + END),
        (TYPE, b'--XX\r\nContent-Disposition: form-data; name="mod\\el"\r\n\r\nb\r\n' + END),
        (TYPE, b'--XX\nContent-Disposition: form-data; name="model"\n\nb\r\n' + END),
        (TYPE, MODEL * 1_001 + END),
    ],
)
def test_what_servers_could_read_differently_is_ambiguous(content_type: bytes, body: bytes) -> None:
    """Hidden boundaries, other spellings of names, encodings, and everything outside the parts."""
    with pytest.raises(Ambiguous):
        read_form(content_type, body, NAMES)


@pytest.mark.parametrize(
    ("content_type", "form"), [(TYPE, True), (b"application/json; FORM", True), (b"text/json", False)]
)
def test_whatever_a_server_could_take_for_a_form_is_one(content_type: bytes, form: bool) -> None:
    """LiteLLM looks for "form" in the whole header."""
    assert is_form(content_type) is form


_PIECE = st.sampled_from(
    (b"--b", b"--", b"\r\n", b"\r\n\r\n", b'content-disposition: form-data; name="model"', b"x", b":", b"\xff")
)


@given(st.lists(_PIECE, max_size=12).map(b"".join))
def test_pieces_in_any_order_raise_nothing_else(body: bytes) -> None:
    """Pieces of forms in any order are read or ambiguous, by each function alike."""
    content_type, names = b"multipart/form-data; boundary=b", frozenset(("model",))
    for read in (
        lambda: read_form(content_type, body, names),
        lambda: list_files(content_type, body),
        lambda: replace_in_form(content_type, body, names, "x", "y"),
    ):
        with suppress(Ambiguous):
            assert isinstance(read(), dict | list | bytes | None)
