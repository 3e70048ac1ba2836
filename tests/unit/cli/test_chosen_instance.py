"""An empty address, as a script's unset variable gives, never makes a command work on this machine instead."""

import pytest

from tests.unit.cli.conftest import Ari


@pytest.mark.parametrize("words", [("--url", ""), ("--url", " "), ("--key-file", ""), ("--url", "", "--key-file", "k")])
def test_an_empty_option_is_an_error(ari: Ari, words: tuple[str, ...]) -> None:
    """Nothing is read or changed."""
    assert "is empty" in ari.refuse(*words, "keys", "list")


def test_an_empty_variable_is_an_error(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--data-dir`` still says that this machine is meant."""
    monkeypatch.setenv("ARI_URL", "")
    assert "ARI_URL is empty" in ari.refuse("keys", "list")
    ari("keys", "list", "--data-dir", str(ari.data_dir))
