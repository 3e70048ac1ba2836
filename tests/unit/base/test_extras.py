"""A missing package is explained by the command that installs it, and a bug is not taken for one."""

import pytest

from ari.base.extras import explain_missing


@pytest.mark.parametrize("name", ["sqlalchemy", "sqlalchemy.orm"])
def test_a_missing_package_has_its_command(name: str) -> None:
    """The sentence names the package and the extra."""
    sentence = explain_missing(ModuleNotFoundError(f"No module named {name!r}", name=name), "server")
    assert sentence == 'The Python package sqlalchemy is missing. Run: pip install "ari-keys[server]"'


@pytest.mark.parametrize("name", ["ari.keys.gone", "ari", None])
def test_a_missing_part_of_ari_is_not_explained(name: str | None) -> None:
    """Installing an extra would not help."""
    assert explain_missing(ModuleNotFoundError("No module", name=name), "server") is None
