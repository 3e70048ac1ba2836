"""Keys and their commands on both databases: the contract of ``KeyStore`` and the rules of ``manage``."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ari import keys
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Invalid, NotFound
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.keys.checks import AccessRequest
from ari.keys.model import Granted
from ari.keys.ports import Activity
from ari.keys.verify import verify_digest
from ari.storage.transaction import Transaction
from ari.usage.ports import KeyLookup
from tests.support.commands import change_key, clock_of, create_key, delete_key, events_of, revoke_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def test_a_created_key_is_found_by_its_digest_and_id(instance: Instance) -> None:
    """The secret is stored as a hash; everything else reads back whole."""
    created = create_key(instance, "  Büro 🚀 ", expires="90d", scopes=("usage:read", "api:read"))
    key = created.key
    assert (key.name, key.scopes) == ("Büro 🚀", ("api:read", "usage:read"))
    assert key.expires_at_ms == instance.now_ms() + 90 * DAY_MS
    digest = token.digest(created.secret.encode())
    assert Deps(instance).read_sync(lambda unit: unit.keys.find(digest)) == key
    assert Deps(instance).read_sync(keys.get, key.id) == key


def test_same_names_are_counted_not_refused(instance: Instance) -> None:
    """Names need not be unique; the page warns."""
    assert [create_key(instance, name).same_name for name in ("CI", "ｃｉ", "ci", "other")] == [0, 1, 2, 0]


def test_every_command_writes_its_event(instance: Instance) -> None:
    """Who did what, in the transaction of the change."""
    key = create_key(instance).key
    change_key(instance, key, name="m", scopes=("keys:read",), expires_at_ms=instance.now_ms() + 1, disabled=True)
    change_key(instance, key, name="m")
    change_key(instance, key, disabled=False)
    revoke_key(instance, key, reason="leaked")
    revoke_key(instance, key)
    delete_key(instance, key)
    assert events_of(instance, key)[::-1] == [
        "key_created",
        "key_renamed",
        "key_scopes_changed",
        "key_expiry_changed",
        "key_disabled",
        "key_enabled",
        "key_revoked",
        "key_deleted",
    ]


def test_a_failed_command_leaves_nothing(instance: Instance) -> None:
    """One transaction: the key and its event, or neither."""

    def work(unit: Transaction) -> None:
        keys.create(unit, NewKey("n"))
        raise RuntimeError("later")

    with pytest.raises(RuntimeError):
        Deps(instance).do_sync(work)
    assert Deps(instance).read_sync(lambda unit: (unit.keys.count(0, "all"), unit.events.page(None, None, 9))) == (
        0,
        [],
    )


def test_revoking_is_final_and_repeatable(instance: Instance) -> None:
    """The second time changes nothing and responds the same."""
    key = create_key(instance).key
    first = revoke_key(instance, key, reason="one")
    clock_of(instance).advance(60)
    assert revoke_key(instance, key, reason="two") == first
    for change in ({"disabled": False}, {"name": "x"}, {"expires_at_ms": None}):
        with pytest.raises(Conflict, match="can't be changed or restored"):
            change_key(instance, key, **change)


def test_an_expired_key_is_not_revived(instance: Instance) -> None:
    """Not by another expiry, and not by a clock set back once it was stamped."""
    key = create_key(instance, expires="1h").key
    clock_of(instance).advance(3600)
    with pytest.raises(Conflict):
        change_key(instance, key, expires_at_ms=None)
    with instance.database.writing() as unit:
        assert unit.keys.has_unstamped(instance.now_ms())
        assert unit.keys.stamp_expired(instance.now_ms()) == 1
        assert unit.keys.stamp_expired(instance.now_ms()) == 0
    clock_of(instance).step(-7200)
    assert Deps(instance).read_sync(keys.get, key.id).status(instance.now_ms()) == "expired"


def test_only_the_inactive_can_be_deleted_and_a_tombstone_stays(instance: Instance) -> None:
    """Later calls with a deleted key are still recognised as its own, and refused."""
    created = create_key(instance, expires="1h")
    with pytest.raises(Conflict) as caught:
        delete_key(instance, created.key)
    assert caught.value.code == "key_active"
    clock_of(instance).advance(3600)
    delete_key(instance, created.key)
    with pytest.raises(NotFound):
        Deps(instance).read_sync(keys.get, created.key.id)
    with pytest.raises(NotFound):
        delete_key(instance, created.key)
    clock_of(instance).step(-7200)
    tombstone = Deps(instance).read_sync(lambda unit: unit.keys.find(token.digest(created.secret.encode())))
    assert tombstone is not None
    assert (tombstone.name, tombstone.status(instance.now_ms())) == ("n", "expired")


def test_pages_are_newest_first_and_filtered(instance: Instance) -> None:
    """Cursor paging over ids, which sort by time."""
    keys = []
    for number in range(5):
        clock_of(instance).advance(1)
        keys.append(create_key(instance, f"k{number}", expires="1h" if number == 1 else None).key)
    revoke_key(instance, keys[2])
    clock_of(instance).advance(3600)
    now_ms = instance.now_ms()

    def page(activity: Activity, before: str | None = None, limit: int = 10) -> list[str]:
        return [
            key.name for key in Deps(instance).read_sync(lambda unit: unit.keys.page(now_ms, activity, before, limit))
        ]

    assert page("all") == ["k4", "k3", "k2", "k1", "k0"]
    assert page("active") == ["k4", "k3", "k0"]
    assert page("inactive") == ["k2", "k1"]
    assert page("all", keys[3].id, 2) == ["k2", "k1"]
    assert Deps(instance).read_sync(lambda unit: unit.keys.count(now_ms, "inactive")) == 2


@pytest.mark.parametrize("key_id", ["", "key_1", "x" * 1000, "key_\x00", "' OR 1=1 --"])
def test_unknown_ids_are_not_found(instance: Instance, key_id: str) -> None:
    """Whatever the text."""
    with pytest.raises(NotFound):
        Deps(instance).read_sync(keys.get, key_id)


def test_bad_input_is_refused_before_anything_is_written(instance: Instance) -> None:
    """And names the field."""
    for bad in ({"name": ""}, {"expires": "2m"}, {"scopes": ("nope:read",)}, {"scopes": ()}, {"expires_at_ms": 1}):
        with pytest.raises(Invalid) as caught:
            create_key(instance, **({"name": "n"} | bad))
        assert caught.value.problems[0].location.startswith(next(iter(bad)).removesuffix("_ms"))
    assert Deps(instance).read_sync(lambda unit: unit.keys.count(0, "all")) == 0


def test_a_row_that_claims_to_be_deleted_is_refused_by_every_lookup(instance: Instance) -> None:
    """Somebody who edits the database cannot keep a working key that no list shows: the hot path, and its copies."""
    created = create_key(instance, "planted")
    digest = token.digest(created.secret.encode())

    async def code(lookup: KeyLookup) -> str:
        verdict = await verify_digest(lookup, digest, AccessRequest(None, instance.now_ms()))
        return "ok" if isinstance(verdict, Granted) else verdict.reason.code

    async def codes() -> list[str]:
        lookup = await instance.database.open_lookup()
        try:
            before = await code(lookup)
            with instance.database.main.begin() as connection:
                connection.execute(text("UPDATE api_keys SET deleted_at_ms = 1"))
            return [before, await code(lookup), await code(lookup)]
        finally:
            await lookup.close()

    assert asyncio.run(codes()) == ["ok", "revoked", "revoked"]
    assert Deps(instance).read_sync(lambda unit: unit.keys.page(instance.now_ms(), "all", None, 9)) == []
