"""Scopes: a key may do what is written down and nothing else."""

import pytest

from ari.base.errors import Invalid
from ari.keys import scopes
from ari.keys.token import mint


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        (("*",), "keys:write", True),
        (("*",), "*", True),
        (("keys:*",), "keys:write", True),
        (("keys:*",), "keys:*", True),
        (("keys:*",), "usage:read", False),
        (("keys:*",), "*", False),
        (("keys:read", "keys:write"), "keys:*", False),
        (("keys:read",), "keys:read", True),
        (("keys:read",), "keys:write", False),
        ((), "keys:read", False),
    ],
)
def test_holding(held: tuple[str, ...], wanted: str, expected: bool) -> None:
    """A wildcard is contained only in the same or a wider wildcard."""
    assert scopes.holds(held, wanted) is expected


@pytest.mark.parametrize("bad", [[], ["keys:delete"], ["keys"], ["k*:read"], ["*:read"], ["keys:re*"], [""], ["**"]])
def test_what_does_not_exist_is_refused(bad: list[str]) -> None:
    """Unknown scopes are refused, so a later feature cannot give an old key a meaning it was not granted."""
    with pytest.raises(Invalid):
        scopes.parse_scopes(bad)


def test_everything_is_written_alone() -> None:
    """With * the rest is said already."""
    assert scopes.parse_scopes(["keys:read", "*"]) == ("*",)
    assert scopes.parse_scopes(["usage:read", "api:read", "api:read"]) == ("api:read", "usage:read")


def test_an_unknown_scope_is_named_unless_it_may_be_a_secret() -> None:
    """Which of several is wrong; a key that was pasted by mistake is in no message (security.md 7)."""
    with pytest.raises(Invalid, match="Unknown scope “order:read”"):
        scopes.parse_scopes(("api:read", "order:read"))
    for secret in (mint(), "sk:proj-0123456789abcdef", "hunter2"):
        with pytest.raises(Invalid, match=r"^Unknown scope\.") as refused:
            scopes.parse_scopes((secret,))
        assert secret not in str(refused.value)
