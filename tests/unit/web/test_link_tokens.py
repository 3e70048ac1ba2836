"""The token in what people paste from a setup or email link."""

from pathlib import Path

import pytest
from starlette.requests import Request

from ari.web.forms import Form
from ari.web.link_tokens import find_link_token, link_token
from tests.support.instances import settings_for


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


@pytest.mark.parametrize(
    ("pasted", "cookie", "found"),
    [("", "kept", "kept"), ("#token=new", "kept", "new"), ("", "", ""), ("new", "", "new")],
)
def test_a_token_that_is_pasted_counts_before_the_kept_one(
    tmp_path: Path, pasted: str, cookie: str, found: str
) -> None:
    """Nobody has to paste the link again for a short password."""
    headers = [(b"cookie", f"ari_link_3000={cookie}".encode())] if cookie else []
    request = Request({"type": "http", "headers": headers})
    assert find_link_token(request, settings_for(tmp_path, None), Form({"token": pasted})) == found
