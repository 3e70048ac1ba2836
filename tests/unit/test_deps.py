"""security.md 12: a command runs for its caller as the caller is in the command's own transaction."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari import keys
from ari.accounts import sessions
from ari.accounts.model import Account
from ari.base.caller import Caller
from ari.base.errors import CallerRevoked, Forbidden
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey
from ari.storage.transaction import Transaction
from tests.support.commands import as_caller, change_key, create_key, revoke_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


def _count_keys(tx: Transaction) -> int:
    return len(keys.get_page(tx, "all", None, 100))


def _scopes_of_caller(tx: Transaction) -> tuple[str, ...]:
    return tx.caller.scopes


def test_a_command_sees_the_scopes_that_its_key_has_now(instance: Instance) -> None:
    """A key that was narrowed after its request was let in grants nothing that it no longer holds."""
    key = create_key(instance, scopes=("*",)).key
    caller = as_caller(key)
    change_key(instance, key, scopes=("api:read",))
    assert Deps(instance, caller).do_sync(_scopes_of_caller) == ("api:read",)
    with pytest.raises(Forbidden):
        Deps(instance, caller).do_sync(keys.create, NewKey("child", scopes=("*",)))


def test_a_revoked_key_writes_nothing(instance: Instance) -> None:
    """Promise 1, for a request that was already under way."""
    key = create_key(instance, scopes=("*",)).key
    revoke_key(instance, key)
    with pytest.raises(CallerRevoked) as refused:
        Deps(instance, as_caller(key)).do_sync(keys.create, NewKey("child", scopes=("api:read",)))
    assert refused.value.code == "revoked"
    assert Deps(instance).read_sync(_count_keys) == 1


def test_a_rehearsal_obeys_every_rule_and_writes_nothing(instance: Instance) -> None:
    """Its result is that of the command; a caller that may not do it may not rehearse it either."""
    key = create_key(instance, scopes=("keys:write",)).key
    made = Deps(instance).rehearse_sync(keys.create, NewKey("child"))
    assert made.key.name == "child"
    assert Deps(instance).read_sync(_count_keys) == 1
    with pytest.raises(Forbidden):
        asyncio.run(Deps(instance, as_caller(key)).rehearse(keys.create, NewKey("child", scopes=("*",))))
    revoke_key(instance, key)
    with pytest.raises(CallerRevoked):
        Deps(instance, as_caller(key)).rehearse_sync(_count_keys)


def test_a_session_that_ended_writes_nothing(instance: Instance) -> None:
    """Signing out everywhere stops a request of the other browser that was already let in."""
    account = Account("usr_1", "owner@example.com", "a hash", instance.now_ms())

    def sign_in(tx: Transaction) -> str:
        tx.accounts.add_owner(account)
        return sessions.start(tx, account)

    digest = sessions.digest_of(Deps(instance).do_sync(sign_in))
    caller = Caller("usr_1", Origin("web"), session_digest=digest)
    assert Deps(instance, caller).do_sync(_scopes_of_caller) == ("*",)
    Deps(instance).do_sync(lambda tx: tx.accounts.end_session(digest))
    with pytest.raises(CallerRevoked):
        Deps(instance, caller).do_sync(_scopes_of_caller)


def test_a_command_that_fails_writes_nothing(instance: Instance) -> None:
    """Not even what it did before it failed."""

    def fail_late(tx: Transaction) -> None:
        keys.create(tx, NewKey("a"))
        raise Forbidden("no")

    with pytest.raises(Forbidden):
        asyncio.run(Deps(instance).do(fail_late))
    assert asyncio.run(Deps(instance).read(_count_keys)) == 0
