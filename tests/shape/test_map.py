"""A newcomer finds the tests of a module by its path, or through the map."""

from tests import map as test_map

CONTRACT = test_map.TESTS / "contract"


def test_most_modules_have_tests_at_their_own_path() -> None:
    """The others are listed in tests/README.md."""
    assert test_map.measure_share() >= test_map.WANTED_SHARE


def test_contract_tests_mirror_the_modules_that_they_test() -> None:
    """``storage/stores/keys.py`` on real databases: ``contract/storage/stores/test_keys.py``; packages likewise."""
    paths = [path.relative_to(CONTRACT) for path in CONTRACT.rglob("test_*.py")]
    assert len(paths) > 20
    mirrored = [test_map.SRC / path.parent / path.stem.removeprefix("test_") for path in paths]
    assert [path for path in mirrored if not (path.with_suffix(".py").is_file() or path.is_dir())] == []


def test_the_map_is_current() -> None:
    """``make docs`` writes it."""
    assert test_map.README.read_text() == test_map.render()
