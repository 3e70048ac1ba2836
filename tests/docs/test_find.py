"""The command that finds a module's tests, which CONTRIBUTING.md names."""

from pathlib import Path

from tests.find import ROOT, SOURCE, find_tests_of


def test_the_mirrored_file_comes_first() -> None:
    """A module with a mirrored test file; the others that import it follow."""
    found = find_tests_of(SOURCE / "ari" / "keys" / "token.py")
    assert found[0] == Path("tests/unit/keys/test_token.py")
    assert len(found) > 1
    assert all((ROOT / test).exists() for test in found)


def test_a_module_that_no_test_imports_has_those_with_its_name() -> None:
    """Some modules are tested through their door, by files with the name of the package."""
    found = find_tests_of(SOURCE / "ari" / "gateway" / "forward.py")
    assert Path("tests/doors/test_gateway.py") in found
