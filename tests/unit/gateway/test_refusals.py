"""The key never shows in a provider's words (security.md 37)."""

from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.refusals import masked

SECRET = "sk-proj-Qw7e0Rt4Yu8Io2Pa6Sd1Fg5Hj9Kl3Zx7Cv0Bn4Mq8"


def test_the_key_and_parts_of_it_are_masked() -> None:
    """What is left shows which key it was."""
    body = f'{{"message": "key {SECRET} and {SECRET[5:30]}, {SECRET}{SECRET}"}}'.encode()
    assert (
        masked(body, SECRET)
        == b'{"message": "key sk-p\xe2\x80\xa64Mq8 and sk-p\xe2\x80\xa64Mq8, sk-p\xe2\x80\xa64Mq8"}'
    )


def test_other_words_stay() -> None:
    """Byte for byte; short likenesses are chance."""
    body = b"\xff sk-proj- is how keys begin; not sk-proj-Aw7e0"
    assert masked(body, SECRET) == body
    assert masked(body, "") == body


@given(st.binary(max_size=80), st.integers(0, 40), st.integers(10, 60), st.binary(max_size=80))
def test_no_ten_characters_of_the_key_survive(before: bytes, start: int, length: int, after: bytes) -> None:
    """Wherever they stand."""
    part = SECRET[start : start + length].encode()
    clean = masked(before + part + after, SECRET)
    assert not any(SECRET[at : at + 10].encode() in clean for at in range(len(SECRET) - 9))
