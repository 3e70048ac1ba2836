from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.cursor import decode_cursor, decode_sorted_cursor, encode_cursor, encode_sorted_cursor
from ari.base.errors import Invalid
from ari.base.ids import new_id


@given(st.sampled_from(["key", "req", "evt"]), st.integers(0, 2**48 - 1))
def test_a_cursor_leads_back_to_its_id(kind: str, at_ms: int) -> None:
    """And is safe in a URL, without padding."""
    last_id = new_id(kind, at_ms)
    cursor = encode_cursor(last_id)
    assert decode_cursor(cursor) == last_id
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_anything_else_is_refused_and_never_a_500(text: str) -> None:
    """One plain sentence about the field cursor."""
    with pytest.raises(Invalid) as raised:
        decode_cursor(text)
    assert [problem.location for problem in raised.value.problems] == ["cursor"]


@pytest.mark.parametrize(
    "text", ["x' OR 1=1", "key_01", "key_" + "0" * 26 + "\n", "KEY_" + "0" * 26, "key_" + "U" * 26]
)
def test_what_is_no_id_is_refused_though_it_is_well_encoded(text: str) -> None:
    """Only ids ever come into a query."""
    with pytest.raises(Invalid):
        decode_cursor(urlsafe_b64encode(text.encode()).rstrip(b"=").decode())


@pytest.mark.parametrize("change", ["{}=", "{}==", " {}", "{}\n", "{}A"])
def test_there_is_one_way_to_write_a_cursor(change: str) -> None:
    """Padding, spaces and additions are refused."""
    with pytest.raises(Invalid):
        decode_cursor(change.format(encode_cursor(new_id("key", 1))))


@given(st.none() | st.integers(0, 10**16 - 1), st.integers(0, 2**48 - 1))
def test_a_cursor_of_an_order_is_of_that_order_only(value: int | None, at_ms: int) -> None:
    """It leads back to the number and the id; another order refuses it."""
    last_id = new_id("key", at_ms)
    cursor = encode_sorted_cursor("-requests", value, last_id)
    assert decode_sorted_cursor(cursor, "-requests") == (value, last_id)
    for decode in (decode_cursor, lambda text: decode_sorted_cursor(text, "requests")):
        with pytest.raises(Invalid):
            decode(cursor)
    with pytest.raises(Invalid):
        decode_sorted_cursor(encode_cursor(last_id), "-created")


@given(st.text(st.characters(exclude_categories=()), max_size=120))
def test_no_text_breaks_the_cursor_of_an_order(text: str) -> None:
    """Well encoded or not."""
    for cursor in (text, urlsafe_b64encode(text.encode(errors="replace")).rstrip(b"=").decode()):
        with pytest.raises(Invalid):
            decode_sorted_cursor(cursor, "name")
