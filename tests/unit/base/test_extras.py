"""A missing package is explained by the command that installs it, and a bug is not taken for one."""

import pytest

from ari.base.extras import explain_missing, how_to_install, importing


@pytest.mark.parametrize("name", ["sqlalchemy", "sqlalchemy.orm"])
def test_a_missing_package_has_its_command(name: str) -> None:
    """The sentence names the package and the extra."""
    sentence = explain_missing(ModuleNotFoundError(f"No module named {name!r}", name=name), "server")
    assert sentence == "The Python package sqlalchemy is missing. Run: pip install ari-keys"


@pytest.mark.parametrize(("has_server", "distribution"), [(True, "ari-keys"), (False, "ari-keys-core")])
def test_an_extra_is_that_of_the_installed_distribution(
    monkeypatch: pytest.MonkeyPatch, has_server: bool, distribution: str
) -> None:
    """Both have the same modules, so an environment must not get the second one."""
    monkeypatch.setattr("ari.base.extras.find_spec", lambda name: name if has_server else None)
    assert how_to_install("guard-flask") == f'Run: pip install "{distribution}[guard-flask]"'


@pytest.mark.parametrize("name", ["ari.keys.gone", "ari", None])
def test_a_missing_part_of_ari_is_not_explained(name: str | None) -> None:
    """Installing an extra would not help."""
    assert explain_missing(ModuleNotFoundError("No module", name=name), "server") is None


def test_an_import_that_fails_is_explained_and_other_errors_are_not() -> None:
    """A part of ARI that is missing, and any other exception, come through as they are."""
    with pytest.raises(ModuleNotFoundError, match="package flask is missing") as raised, importing("guard-flask"):
        raise ModuleNotFoundError("No module named 'flask'", name="flask")
    assert raised.value.name == "flask"
    own = ModuleNotFoundError("No module named 'ari.gone'", name="ari.gone")
    with pytest.raises(ModuleNotFoundError) as raised, importing("guard-flask"):
        raise own
    assert raised.value is own
