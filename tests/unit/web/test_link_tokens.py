"""The token in what people paste from a setup or email link."""

import pytest

from ari.web.link_tokens import link_token


@pytest.mark.parametrize(
    "pasted",
    ["abc_-9", "  abc_-9\n", "#token=abc_-9", "http://127.0.0.1:3000/setup#token=abc_-9", "a#token=x#token=abc_-9"],
)
def test_the_whole_link_works_as_well_as_its_token(pasted: str) -> None:
    """The last ``#token=`` counts, white space around doesn't."""
    assert link_token(pasted) == "abc_-9"


def test_nothing_is_no_token() -> None:
    """A link whose token was cut off isn't mistaken for one."""
    assert [link_token(text) for text in ("", " ", "http://127.0.0.1:3000/setup#token=")] == ["", "", ""]
