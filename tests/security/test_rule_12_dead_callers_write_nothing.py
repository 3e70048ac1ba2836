"""security.md 12: every command re-reads its caller in its own transaction; a dead caller writes nothing.

Over HTTP, with the head before the revoke and the body after: tests/seed/test_revoking_a_key.py.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ari import keys
from ari.base.errors import CallerRevoked, Forbidden
from ari.deps import Deps
from ari.instance import Instance
from tests.support.commands import as_caller, clock_of, create_key, revoke_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_a_dead_caller_writes_nothing(instance: Instance) -> None:
    """Headers before the revoke, body after: no key."""
    maker = create_key(instance, scopes=("*",)).key
    caller = as_caller(maker)
    revoke_key(instance, maker)
    with pytest.raises(CallerRevoked) as caught:
        create_key(instance, "late", caller)
    assert caught.value.code == "revoked"
    narrowed = create_key(instance, scopes=("keys:write", "api:read")).key
    stale = replace(as_caller(narrowed), scopes=("*",))
    with pytest.raises(Forbidden):
        create_key(instance, "wide", stale, scopes=("*",))
    assert Deps(instance).read_sync(lambda unit: unit.keys.count(0, "all")) == 2


def test_a_retired_secret_writes_nothing(instance: Instance) -> None:
    """A key that works does not help the secret that it was called with."""
    maker = create_key(instance, scopes=("*",)).key
    old, new = (replace(as_caller(maker), secret_number=number) for number in (1, 2))
    Deps(instance).do_sync(keys.rotate, maker.id, keys.Rotation("1h"))
    create_key(instance, "in the overlap", old)
    clock_of(instance).advance(3_600)
    with pytest.raises(CallerRevoked) as caught:
        create_key(instance, "late", old)
    assert caught.value.code == "retired"
    create_key(instance, "by the new secret", new)
    with pytest.raises(CallerRevoked):
        create_key(instance, "none such", replace(new, secret_number=3))
    assert Deps(instance).read_sync(lambda unit: unit.keys.count(0, "all")) == 3
