"""Names that look the same have a skeleton in common; names that nobody can see are found."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.keys.look_alikes import is_visible, rough, skeletons
from ari.keys.names import fold_name

SAME = [
    ("CI deploy", "СI deploy"),  # Cyrillic С
    ("ci deploy", "СІ deploy"),  # all Cyrillic capitals against lower case
    ("CI deploy", "Cl deploy"),  # a small l
    ("CI deploy", "C1 deploy"),
    ("prod O1", "prod 0l"),
    ("modern", "modem"),
    ("vvorker", "worker"),
    ("paypal", "раураӏ"),
    ("ΑΒΕ", "ABE"),  # Greek
    ("ＣＩ deploy", "CI deploy"),
    ("CI\u200bdeploy", "CIdeploy"),
    ("CI\u3164deploy", "CIdeploy"),
    ("CI  deploy", "CI deploy"),
    ("CI\u00a0deploy", "CI deploy"),
    ("ci‐deploy", "ci-deploy"),
    ("𝐜𝐢 deploy", "ci deploy"),
    ("ᏟᎪ", "CA"),
]
DIFFERENT = [
    "CI deploy",
    "CD deploy",
    "CI deploys",
    "Café",
    "Cafe",
    "Мобильное приложение",
    "移动应用",
    "🚀",
    "🛰",
    "worker 1",
    "worker 2",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_look_alikes_share_a_skeleton(one: str, other: str) -> None:
    """Other scripts, widths, digits, joiners and spaces; storage finds the ASCII one by its rough form."""
    assert not skeletons(one).isdisjoint(skeletons(other))
    for name, against in ((one, other), (other, one)):
        if name.isascii():
            assert rough(fold_name(name)) in set(map(rough, skeletons(against)))


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_others_do_not(one: str, other: str) -> None:
    """A warning that comes at every name says nothing."""
    assert skeletons(one).isdisjoint(skeletons(other))


@given(st.text(alphabet="Il1|0OoiIrnmvVwW CaL", max_size=12), st.text(alphabet="Il1|0OoiIrnmvVwW CaL", max_size=12))
def test_the_rough_form_misses_no_pair(one: str, other: str) -> None:
    """What storage leaves out by the rough form does not look alike."""
    if not skeletons(one).isdisjoint(skeletons(other)):
        assert rough(fold_name(one)) in set(map(rough, skeletons(other)))


@pytest.mark.parametrize(
    "name",
    [
        "\u200b",
        "\u2060\ufeff",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800\u2800",
        "\u0301",
        "\u00ad",
        "\ufe0f",
        "\u034f",
        "\U000e0041",
        "\U000e0100",
        "\u17b4",
        "\u180e",
        "\U0001d159",
        "\u200b \u2800",
        "\u2003\u200d",
        "\ufffc",
        "\u20e3",
    ],
)
def test_what_nobody_can_see(name: str) -> None:
    """Zero-width characters, marks without a letter, fillers, blanks, tags."""
    assert not is_visible(name)


@pytest.mark.parametrize("name", ["a", "\u0643", "می\u200cخواهم", "👩\u200d💻", "é", "1", "-", "🫩", "\U0001fae8"])
def test_what_is_seen(name: str) -> None:
    """Joiners within words and emoji are part of them."""
    assert is_visible(name)
