"""A newcomer finds the tests of a module by its path, or through the map."""

from tests import map as test_map


def test_most_modules_have_tests_at_their_own_path() -> None:
    """The others are listed in tests/README.md."""
    assert test_map.share() >= test_map.WANTED_SHARE


def test_the_map_is_current() -> None:
    """``make docs`` writes it."""
    assert test_map.README.read_text() == test_map.render()
