"""Commands on keys below HTTP, one transaction each, for tests."""

from ari import keys
from ari.base.caller import SYSTEM, Caller
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import Created, KeyChange, NewKey
from ari.keys.model import ApiKey
from tests.support.clock import FrozenClock


def create_key(instance: Instance, name: str = "n", caller: Caller = SYSTEM, **more: object) -> Created:
    """Make a key as ``caller``."""
    new = NewKey(name, **more)  # type: ignore[arg-type]  # the tests' own fields
    return Deps(instance, caller).do_sync(keys.create, new)


def change_key(instance: Instance, key: ApiKey, caller: Caller = SYSTEM, **more: object) -> ApiKey:
    """Change a key as ``caller``."""
    change = KeyChange(**more)  # type: ignore[arg-type]  # given more loosely than its type says
    return Deps(instance, caller).do_sync(keys.change, key.id, change)


def revoke_key(
    instance: Instance, key: ApiKey, caller: Caller = SYSTEM, reason: str | None = None, with_made: bool = False
) -> ApiKey:
    """Revoke a key as ``caller``."""
    return Deps(instance, caller).do_sync(keys.revoke, key.id, reason, with_made)


def delete_key(instance: Instance, key: ApiKey, caller: Caller = SYSTEM) -> None:
    """Delete a key as ``caller``."""
    Deps(instance, caller).do_sync(keys.delete, key.id)


def as_caller(key: ApiKey) -> Caller:
    """The key itself as a caller."""
    return Caller(key.id, Origin("api"), key.scopes, key.expires_at_ms)


def clock_of(instance: Instance) -> FrozenClock:
    """The frozen clock of the instance."""
    assert isinstance(instance.clock, FrozenClock)
    return instance.clock


def events_of(instance: Instance, key: ApiKey) -> list[str]:
    """The names of the key's events, newest first."""
    return [event.name for event in Deps(instance).read_sync(lambda unit: unit.events.page(key.id, None, 50))]
