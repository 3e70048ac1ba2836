import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.accounts.model import Account, check_email, spellings
from ari.base.errors import Invalid


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("owner@example.com", "owner@example.com"),
        ("  Owner@Example.COM \n", "owner@example.com"),
        ("o+tag@localhost", "o+tag@localhost"),
        ("u\u0308ser@example.com", "üser@example.com"),
        ("a" * 242 + "@example.com", "a" * 242 + "@example.com"),
    ],
)
def test_an_address_has_one_spelling(text: str, email: str) -> None:
    """However an address is typed, it is stored and compared trimmed, composed and in lower case."""
    assert check_email(text) == email


@pytest.mark.parametrize(
    "text",
    [
        "",
        "owner",
        "@example.com",
        "owner@",
        "a@b@c",
        "own er@example.com",
        "owner@exam\nple.com",
        "owner@example.com\x00",
        "owner\u202e@example.com",
        "owner\u00a0x@example.com",
        "\ud800@example.com",
        "a" * 243 + "@example.com",
        "é" * 122 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Not one @, nothing next to it, spaces, unprintable characters or more than 254 bytes are refused by field."""
    with pytest.raises(Invalid) as caught:
        check_email(text)
    assert [problem.location for problem in caught.value.problems] == ["email"]


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    """No text raises anything but the refusal, and an accepted spelling is its own spelling."""
    try:
        email = check_email(text)
    except Invalid:
        return
    assert check_email(email) == email


def test_the_hash_is_not_in_the_repr() -> None:
    """An account that lands in a log or a traceback does not show its password hash."""
    assert "argon2" not in repr(Account("usr_1", "owner@example.com", "$argon2id$…", 0))


@pytest.mark.parametrize(
    ("email", "found"),
    [
        ("a@bücher.example", {"a@bücher.example", "a@xn--bcher-kva.example"}),
        ("a@xn--bcher-kva.example", {"a@bücher.example", "a@xn--bcher-kva.example"}),
        ("a@example.net", {"a@example.net"}),
        ("a@xn--\x80", {"a@xn--\x80"}),
        ("a@" + "ü" * 70, {"a@" + "ü" * 70}),
        ("a", {"a"}),
    ],
)
def test_the_host_of_an_address_has_two_spellings(email: str, found: set[str]) -> None:
    """People type one, and browsers send the other."""
    assert set(spellings(email)) == found
    assert spellings(email)[0] == email
