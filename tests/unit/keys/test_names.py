"""Names: any script, nothing that deceives."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.errors import Invalid
from ari.keys import token
from ari.keys.names import fold_name, is_vague, parse_name, parse_reason


@pytest.mark.parametrize("name", ["Automation Script", "Мобильное приложение", "移动应用", "🚀 deploy", "a", "x" * 100])
def test_any_script_is_welcome(name: str) -> None:
    """1–100 characters of any script."""
    assert parse_name(f"  {name}\t") == name


@pytest.mark.parametrize(
    "name",
    ["", "   ", "x" * 101, "a\x00b", "a\nb", "a\x7fb", "a\u202eb", "a\u2028b", "a\ue000b", "a\udc80b", "a\u200fb"],
)
def test_what_deceives_is_refused(name: str) -> None:
    """Empty, overlong, control, bidi, private, surrogate and separator characters are refused."""
    with pytest.raises(Invalid):
        parse_name(name)


def test_a_byte_order_mark_is_no_part_of_a_name() -> None:
    """It comes with the first line of a file. Inside a name it is invisible, and exports lose it."""
    assert parse_name("\ufeff Deploy\ufeff ") == "Deploy"
    assert parse_reason("\ufeff") is None
    for name in ("\ufeff", "De\ufeffploy"):
        with pytest.raises(Invalid):
            parse_name(name)


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u2800", "\u0301", "\u200d\ufe0f", "\u00ad"])
def test_an_invisible_name_is_refused(name: str) -> None:
    """It would look like no name; as a reason it says nothing."""
    with pytest.raises(Invalid, match="invisible"):
        parse_name(name)
    assert parse_reason(name) is None


@pytest.mark.parametrize(
    "name", ["\U0001fae8 alerts", "\U0001fae9", "\U0001faea", "\U0001faff", "\U0001f6dc", "\U0001fc00", "\U000323b0"]
)
def test_new_emoji_and_ideographs_are_welcome(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of Unicode 15 and later, on a Python that does not know them yet."""
    assert parse_name(name) == name
    monkeypatch.setattr("unicodedata.category", lambda letter: "Cn" if ord(letter) > 0xFFFF else "Ll")
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "letter", ["\u0378", "\ufdd0", "\uffff", "\U0001ffff", "\U0003fffe", "\U000e0000", "\U0010ffff"]
)
def test_what_no_unicode_assigns_is_refused(letter: str) -> None:
    """Gaps in old blocks, and code points that are characters of none."""
    with pytest.raises(Invalid):
        parse_name(f"a{letter}")


def test_a_key_is_no_name() -> None:
    """A secret pasted into the wrong field is not stored (promise 3)."""
    for pasted in (token.mint(), f"my {token.mint()}", "sk-ant-api03-" + "a" * 40):
        with pytest.raises(Invalid) as caught:
            parse_name(pasted)
        assert pasted not in str(caught.value)


def test_look_alikes_fold_to_the_same() -> None:
    """The same-name warning sees through width, ligatures and case."""
    assert fold_name("ＣＩ deﬁne") == fold_name("ci DEFINE")


@given(st.text(max_size=300))
def test_nothing_but_invalid_is_raised(text: str) -> None:
    """Every text is a name or refused with a sentence."""
    name = None
    with suppress(Invalid):
        name = parse_name(text)
    assert name is None or 1 <= len(name) <= 100


def test_an_empty_reason_is_no_reason() -> None:
    """The audit log holds a reason only where one was given."""
    assert parse_reason("  ") is None
    assert parse_reason(None) is None
    assert parse_reason(" leaked ") == "leaked"


@pytest.mark.parametrize(
    "name", ["key", "Test", "asdf", "new key", "My API Key", "test 2", "key-1", "TOKEN", "123", "🔑"]
)
def test_names_that_say_nothing_are_known(name: str) -> None:
    """So that the page can suggest a better one; nothing is refused for it."""
    assert is_vague(name)
    assert parse_name(name)


@pytest.mark.parametrize(
    "name", ["", "  ", "CI", "Automation Script", "Test suite", "Mobile App", "日本", "backup key"]
)
def test_names_that_say_something_are_left_alone(name: str) -> None:
    """Short ones too, in any script; an empty field has its own sentence."""
    assert not is_vague(name)
