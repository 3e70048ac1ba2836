"""A group without a command runs its default."""

import pytest

from tests.unit.cli.conftest import Ari


@pytest.mark.parametrize("words", [(), ("--limit", "5"), ("list",), ("list", "--limit", "5")])
def test_the_default_runs_with_its_options(ari: Ari, words: tuple[str, ...]) -> None:
    """`ari events --limit 5` was a command before there were several."""
    ari.create()
    assert [event["name"] for event in ari.json("events", *words)["items"]] == ["key_created"]


def test_help_shows_the_commands(ari: Ari) -> None:
    """And not the help of the default alone."""
    for word in ("-h", "--help"):
        assert "export" in ari("events", word).out


def test_an_unknown_command_is_a_usage_error(ari: Ari) -> None:
    """It must not list everything."""
    assert ari("events", "delete", check=False).code == 2
