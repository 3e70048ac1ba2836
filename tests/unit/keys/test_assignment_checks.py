"""Facts that a calling key may write about keys: environment, consumer, tags and metadata (security rule 11)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ari.base.errors import Forbidden, Invalid
from ari.keys import (
    ConsumerChange,
    KeyChange,
    KindChange,
    NewConsumer,
    NewKey,
    Rotation,
    add_consumer_credits,
    add_kind,
    change,
    change_consumer,
    change_kind,
    create,
    create_consumer,
    delete,
    delete_consumer,
    import_keys,
    prepare_import,
    remove_kind,
    reset_consumer_limits,
    reset_limits,
    retire_old,
    revoke,
    rotate,
)
from ari.keys.granting import MAX_SHARING
from ari.keys.model import ApiKey
from tests.unit.keys.memory import NOW_MS, MemoryTransaction

MINUTE = {"name": "default", "limit": 5, "window": "1m"}
RIGHTS = ("keys:write", "api:read")


def _make(tx: MemoryTransaction, *scopes: str, **more: Any) -> ApiKey:
    return create(tx, NewKey("n", scopes=scopes or RIGHTS, **more)).key


def _consumers(tx: MemoryTransaction) -> None:
    create_consumer(tx, NewConsumer("Alpha", "alpha", {"plan": "free"}))
    create_consumer(tx, NewConsumer("Beta", "beta", {"plan": "enterprise"}))


def _import(tx: MemoryTransaction, number: int, **more: Any) -> list[ApiKey]:
    return import_keys(tx, prepare_import(tx, _line(number, **more))).keys


def _line(number: int, **more: Any) -> dict[int, dict[str, Any]]:
    line = {"name": "i", "hash": f"{number:064x}", "scheme": "sha256-hex", "scopes": ["api:read"]}
    return {1: line | more}


def _refuse_all(tx: MemoryTransaction, caller: ApiKey, *attempts: Callable[[MemoryTransaction], object]) -> None:
    """Each is a 403, after which nothing differs."""
    before = dict(tx.keys.rows), dict(tx.consumers.rows), dict(tx.kinds.rows)
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt(tx.by(caller))
    assert (tx.keys.rows, tx.consumers.rows, tx.kinds.rows) == before


def test_no_key_changes_what_is_said_about_itself_or_its_maker() -> None:
    """A service decides by these facts whose request it is. The same values again are no change."""
    tx = MemoryTransaction()
    _consumers(tx)
    maker = _make(tx, *RIGHTS, "consumers:read", environment="test", metadata={"plan": "free"}, tags=("untrusted",))
    made = _make(tx.by(maker))
    for caller in (maker, made):
        for wanted in (
            KeyChange(environment="live"),
            KeyChange(consumer="beta"),
            KeyChange(tags=()),
            KeyChange(metadata={"plan": "enterprise"}),
        ):
            _refuse_all(tx, made, partial(change, key_id=maker.id, wanted=wanted))
        _refuse_all(tx, caller, partial(change, key_id=caller.id, wanted=KeyChange(tags=("new",))))
    same = KeyChange(name="renamed", environment="test", tags=("untrusted",), metadata={"plan": "free"})
    assert change(tx.by(maker), maker.id, same).name == "renamed"


def test_a_test_key_gives_nothing_to_live_keys() -> None:
    """It creates test keys by default; it doesn't turn keys live, widen live ones, learn their secrets or choose
    kinds of live keys. It may disable live keys, as every key with their scopes may.
    """
    tx = MemoryTransaction()
    caller = _make(tx, *RIGHTS, "kinds:write", environment="test")
    live, off = _make(tx, "api:read"), _make(tx, "api:read", environment="test")
    add_kind(tx, "live-kind", "lk_", KindChange(scopes=("api:read",)))
    sandbox = KindChange(scopes=("api:read",), environment="test")
    add_kind(tx, "sandbox", "sb_", sandbox)
    assert _make(tx.by(caller), "api:read").environment == "test"
    assert _import(tx.by(caller), 1)[0].environment == "test"
    assert create(tx.by(caller), NewKey("n", kind="sandbox")).key.environment == "test"
    _refuse_all(
        tx,
        caller,
        lambda tx: _make(tx, "api:read", environment="live"),
        lambda tx: _import(tx, 2, environment="live"),
        lambda tx: create(tx, NewKey("n", kind="live-kind", environment="live")),
        lambda tx: change(tx, off.id, KeyChange(environment="live")),
        lambda tx: change(tx, live.id, KeyChange(scopes=RIGHTS)),
        lambda tx: change(tx, live.id, KeyChange(may_rotate=True)),
        lambda tx: rotate(tx, live.id, Rotation()),
        lambda tx: add_kind(tx, "mine", "mine_", KindChange(scopes=("api:read",))),
        lambda tx: change_kind(tx, "live-kind", KindChange(leak_action="notify")),
        lambda tx: change_kind(tx, "sandbox", KindChange(environment=None)),
        lambda tx: remove_kind(tx, "live-kind"),
    )
    assert change(tx.by(caller), live.id, KeyChange(disabled=True)).disabled


def test_a_key_with_a_consumer_speaks_for_that_consumer_only() -> None:
    """Its new keys have its consumer, tags and metadata. It neither sees nor touches keys of others."""
    tx = MemoryTransaction()
    _consumers(tx)
    rights = ("keys:*", "consumers:*", "api:read")
    facts: dict[str, Any] = {"consumer": "alpha", "tags": ("a",), "metadata": {"plan": "free"}}
    alpha = _make(tx, *rights, **facts)
    sibling = _make(tx, "api:read", consumer="alpha", metadata={"plan": "pro"})
    others = [_make(tx, "api:read", consumer="beta", limits=(MINUTE,)), _make(tx, "api:read", limits=(MINUTE,))]
    gone = _make(tx, "api:read", consumer="beta")
    revoke(tx, gone.id)
    for made in (
        _make(tx.by(alpha), "api:read"),
        _make(tx.by(alpha), "api:read", **facts),
        _import(tx.by(alpha), 1)[0],
        _import(tx.by(alpha), 2, consumer=alpha.consumer_id, metadata={"plan": "free"})[0],
    ):
        assert (made.consumer, made.tags, made.metadata) == (alpha.consumer, alpha.tags, alpha.metadata)
    assert rotate(tx.by(alpha), made.id, Rotation()).key.id == made.id
    assert change(tx.by(alpha), sibling.id, KeyChange(disabled=True, metadata={"plan": "free"})).disabled
    sibling = change(tx, sibling.id, KeyChange(disabled=False, metadata={"plan": "pro"}))
    attempts: list[Callable[[MemoryTransaction], object]] = [lambda tx: delete(tx, gone.id)]
    for other in others:
        attempts += [
            partial(revoke, key_id=other.id),
            partial(change, key_id=other.id, wanted=KeyChange(disabled=True)),
            partial(change, key_id=other.id, wanted=KeyChange(consumer="alpha")),
            partial(rotate, key_id=other.id, wanted=Rotation()),
            partial(retire_old, key_id=other.id),
            partial(reset_limits, key_id=other.id),
        ]
    for name in ("beta", "nobody", "con_x"):
        attempts += [
            partial(create, new=NewKey("n", scopes=("api:read",), consumer=name)),
            partial(_import, number=3, consumer=name),
            partial(change, key_id=made.id, wanted=KeyChange(consumer=name)),
        ]
    _refuse_all(
        tx,
        alpha,
        *attempts,
        lambda tx: change(tx, made.id, KeyChange(consumer=None)),
        lambda tx: _make(tx, "api:read", tags=("b",)),
        lambda tx: _make(tx, "api:read", metadata={"plan": "enterprise"}),
        lambda tx: _import(tx, 4, tags=["b"]),
        lambda tx: change(tx, made.id, KeyChange(metadata={"plan": "enterprise"})),
        lambda tx: rotate(tx, sibling.id, Rotation()),
        lambda tx: change_consumer(tx, "alpha", ConsumerChange(metadata={"plan": "enterprise"})),
        lambda tx: change_consumer(tx, "beta", ConsumerChange(external_id=None)),
        lambda tx: create_consumer(tx, NewConsumer("Gamma")),
        lambda tx: delete_consumer(tx, "beta"),
    )


def test_choosing_a_consumer_needs_the_right_to_read_consumers() -> None:
    """Keys without a consumer of their own get the same refusal for each reference, so none is found by trying."""
    tx = MemoryTransaction()
    _consumers(tx)
    clerk, reader = _make(tx), _make(tx, *RIGHTS, "consumers:read")
    key = _make(tx, "api:read", consumer="beta")
    said = set[str]()
    for reference in ("alpha", "beta", "nobody"):
        attempts: list[Callable[[MemoryTransaction], object]] = [
            partial(create, new=NewKey("n", scopes=("api:read",), consumer=reference)),
            partial(_import, number=1, consumer=reference),
            partial(change, key_id=key.id, wanted=KeyChange(consumer=reference)),
        ]
        for attempt in attempts:
            with pytest.raises(Forbidden) as caught:
                attempt(tx.by(clerk))
            assert caught.value.scope == "consumers:read"
            said.add(str(caught.value).removeprefix("Line 1: "))
    assert len(said) == 1
    _refuse_all(
        tx,
        clerk,
        lambda tx: change(tx, key.id, KeyChange(consumer=None)),
        lambda tx: rotate(tx, key.id, Rotation()),
    )
    assert change(tx.by(clerk), key.id, KeyChange(name="renamed")).name == "renamed"
    assert _make(tx.by(reader), "api:read", consumer="alpha").consumer == tx.consumers.find("alpha")
    assert change(tx.by(reader), key.id, KeyChange(consumer="alpha")).consumer == tx.consumers.find("alpha")
    with pytest.raises(Invalid):
        _make(tx.by(reader), "api:read", consumer="nobody")


def test_limits_of_a_consumer_are_changed_like_those_of_each_of_its_keys() -> None:
    """consumers:write alone neither frees keys nor stops them; what is freed is recorded as a grant."""
    tx = MemoryTransaction()
    create_consumer(tx, NewConsumer("Acme", "acme", None, [MINUTE], {"amount": 5}))
    rights = ("consumers:write", "keys:write", "api:read")
    small = _make(tx, "api:read", consumer="acme", expires_at_ms=NOW_MS + 1_000, addresses=("192.0.2.1",))
    changes: list[Callable[[MemoryTransaction], object]] = [
        lambda tx: change_consumer(tx, "acme", ConsumerChange(limits=[])),
        lambda tx: change_consumer(tx, "acme", ConsumerChange(credits={"amount": 99})),
        lambda tx: reset_consumer_limits(tx, "acme"),
        lambda tx: add_consumer_credits(tx, "acme", 1),
    ]
    tighter = ConsumerChange(limits=[MINUTE | {"limit": 4}])
    tighten = partial(change_consumer, reference="acme", wanted=tighter)
    clerk = _make(tx, "consumers:write")
    _refuse_all(tx, clerk, *changes, tighten, lambda tx: create_consumer(tx, NewConsumer("B", limits=[MINUTE])))
    assert change_consumer(tx.by(clerk), "acme", ConsumerChange(name="Acme Inc.")).name == "Acme Inc."
    brief, bound = _make(tx, *rights, expires_at_ms=NOW_MS + 999), _make(tx, *rights, addresses=("192.0.2.2",))
    tester, peer = _make(tx, *rights, environment="test"), _make(tx, *rights)
    _refuse_all(tx, brief, *changes[:2])  # a reset and added credits are amounts, not access
    for caller in (bound, tester):
        _refuse_all(tx, caller, *changes)
    tighten(tx.by(brief))
    wide = _make(tx, "*", consumer="acme")
    _refuse_all(
        tx, peer, *changes, lambda tx: change_consumer(tx, "acme", ConsumerChange(limits=[MINUTE | {"limit": 1}]))
    )
    revoke(tx, wide.id)  # restored by nobody, so in nobody's way
    assert tx.keys.grants == []
    for attempt in changes[1:]:
        attempt(tx.by(peer))
    assert tx.keys.grants == [(peer.id, small.id)]
    tx.keys.rows |= {f"key_{n}": replace(small, id=f"key_{n}") for n in range(MAX_SHARING)}
    _refuse_all(tx, peer, *changes)
