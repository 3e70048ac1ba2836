"""``ari migrate``."""

from pathlib import Path

from tests.unit.cli.conftest import Ari


def test_it_says_what_it_applied_and_may_be_repeated(ari: Ari, tmp_path: Path) -> None:
    """A deployment runs it each time."""
    fresh = tmp_path / "fresh"
    assert ari("migrate", "--data-dir", str(fresh)).out.startswith("Applied: ")
    assert ari("migrate", "--data-dir", str(fresh)).out == "The database is up to date.\n"
