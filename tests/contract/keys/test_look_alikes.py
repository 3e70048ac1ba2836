"""A new key whose name looks like that of another: storage finds it on both databases."""

from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.caller import command_line_caller
from ari.deps import Deps
from ari.keys import NewKey
from tests.support.instances import opened


def _create(instance: Any, name: str) -> keys.Created:
    new = NewKey(name, None, None, None)
    made: keys.Created = Deps(instance, command_line_caller()).do_sync(keys.create, new)
    return made


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("CI deploy", "СI deploy", (0, 1)),
        ("СI deploy", "CI deploy", (0, 1)),
        ("CI deploy", "Cl deploy", (0, 1)),
        ("modern 10", "modem lO", (0, 1)),
        ("CI\u200bdeploy", "CIdeploy", (0, 1)),
        ("АВС", "ΑΒС", (0, 1)),
        ("CI deploy", "ci DEPLOY", (1, 0)),
        ("CI deploy", "CD deploy", (0, 0)),
        ("100% _a\\", "1OO% _a\\", (0, 1)),
    ],
)
def test_a_look_alike_is_counted(data_dir: Path, database_url: str | None, first: str, second: str, found: Any) -> None:
    """Apart from names that are the same; a revoked key deceives nobody."""
    with opened(data_dir, database_url) as instance:
        key = _create(instance, first).key
        made = _create(instance, second)
        assert (made.same_name, made.look_alikes) == found
        for one in (key, made.key):
            Deps(instance, command_line_caller()).do_sync(keys.revoke, one.id)
        again = _create(instance, first)
        assert (again.same_name, again.look_alikes) == (0, 0)
