"""Characters have the same category on every version of Python."""

import pytest

from ari.base.characters import category


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("a", "Ll"),
        ("\u202e", "Cf"),
        ("\x00", "Cc"),
        ("\U0001f680", "So"),
        ("\U0001fae8", "So"),  # shaking face, Unicode 15
        ("\U0001faff", "So"),  # unassigned pictograph
        ("\U0003134f", "Lo"),  # an ideograph of Unicode 15
        ("\U0002fffd", "Lo"),
        ("\u0378", "Cn"),
        ("\U0002ffff", "Cn"),  # a noncharacter stays one
    ],
)
def test_new_pictographs_and_ideographs_count_as_assigned(letter: str, expected: str) -> None:
    """A name with an emoji of 2022 must not be refused by Python 3.11 and accepted by 3.13."""
    assert category(letter) == expected
