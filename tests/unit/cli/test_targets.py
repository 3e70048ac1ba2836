"""Both kinds of target have the same parts, with the same methods and signatures."""

import inspect
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.cli.chosen_instance import choose_remote, find_remote, require_data_dir
from ari.cli.local import LocalTarget
from ari.cli.remote import RemoteTarget
from ari.cli.remote.connection import Connection

PARTS = sorted(name for name, one in vars(LocalTarget).items() if isinstance(one, cached_property))


class Nothing:
    """A stand-in for an instance: every attribute is a number."""

    def __getattr__(self, name: str) -> Any:
        return Nothing()

    def __call__(self) -> int:
        return 0

    def __rmul__(self, other: int) -> int:
        return other


def list_methods(part: object) -> dict[str, str]:
    found = {name: value for name, value in inspect.getmembers(type(part), inspect.isfunction) if name[0] != "_"}
    return {name: str(inspect.signature(value)) for name, value in found.items()}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_has_the_same_methods(name: str) -> None:
    """Commands call them without knowing which target they have; only lookups of consumers are additional."""
    with Connection("http://127.0.0.1:1", "k") as connection:
        local = list_methods(getattr(LocalTarget(Nothing()), name))  # type: ignore[arg-type]  # no instance is needed
        remote = list_methods(getattr(RemoteTarget(connection), name))
    assert local
    assert {one: remote.get(one) for one in local} == local
    assert remote.keys() - local.keys() <= {"find_id", "find_id_of_keys"}


def test_all_parts_are_compared() -> None:
    """The lists of parts are the same."""
    assert len(PARTS) >= 10
    assert {*PARTS, "me"} == {name for name, one in vars(RemoteTarget).items() if isinstance(one, cached_property)}


def test_options_choose_the_instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``--data-dir`` wins over the variable, and contradicts the option."""
    monkeypatch.delenv("ARI_URL", raising=False)
    choose_remote(None, None)
    assert find_remote(None) is None
    with pytest.raises(ConfigurationError, match="--key-file needs"):
        choose_remote(None, tmp_path)
    monkeypatch.setenv("ARI_URL", "https://a.example")
    choose_remote(None, None)
    place = find_remote(None)
    assert place is not None
    assert place.url == "https://a.example"
    assert find_remote(tmp_path) is None
    require_data_dir(tmp_path)
    with pytest.raises(ConfigurationError, match="works on a data directory only"):
        require_data_dir(None)
    choose_remote("https://b.example", tmp_path)
    assert find_remote(None) is not None
    with pytest.raises(ConfigurationError, match="not both"):
        find_remote(tmp_path)
    monkeypatch.delenv("ARI_URL")
    choose_remote(None, None)
