"""Stored responses to requests with an Idempotency-Key."""

from ari.base.idempotency import IdempotentRequest, StoredResponse, context_of, forget_undecryptable, once
from ari.base.seal import Context, Sealed
from ari.deps import Deps
from ari.instance import Instance
from tests.support.instances import START_MS


def test_a_newer_response_replaces_the_one_before(instance: Instance) -> None:
    """After a day the same key is a new request."""
    first, second = StoredResponse(b"d" * 32, b"1" * 32, START_MS), StoredResponse(b"d" * 32, b"2" * 32, START_MS + 9)
    with instance.database.writing() as unit:
        assert unit.responses.get(first.digest) is None
        unit.responses.put(first)
        unit.responses.put(second)
        assert unit.responses.get(first.digest) == second


def test_an_expired_response_leaves_no_secret(instance: Instance) -> None:
    """Its encrypted body goes with it, and that of no other."""
    over, kept = (StoredResponse(mark * 32, b"b" * 32, START_MS + number) for number, mark in enumerate((b"1", b"2")))
    with instance.database.writing() as unit:
        for one in (over, kept):
            unit.responses.put(one)
            unit.sealed.put(Sealed(context_of(one.digest), b"an envelope"))
        assert unit.responses.forget_expired(START_MS) == 1
        assert unit.responses.forget_expired(START_MS) == 0
        assert [sealed.context for sealed in unit.sealed.all()] == [context_of(kept.digest)]
        assert unit.responses.get(kept.digest) == kept


def test_a_lost_master_key_ends_only_the_replays(instance: Instance) -> None:
    """Stored responses are a cache of a day: without their key they go, and the next request is a new one."""
    request = IdempotentRequest("key_1", "POST /api/keys", "a", b"{}")
    deps, other = Deps(instance), Sealed(Context("totp", "usr_1"), b"\2" + b"x" * 90)
    assert deps.do_sync(once, request, lambda: b"first").is_replay is False
    assert deps.do_sync(forget_undecryptable) == 0
    assert deps.do_sync(once, request, lambda: b"second").body == b"first"
    instance.master_keys.own_file.unlink()
    with instance.database.writing() as unit:
        unit.sealed.put(other)
    assert deps.do_sync(forget_undecryptable) == 2
    with instance.database.writing() as unit:
        assert unit.sealed.all() == [other]
        unit.sealed.drop("totp", "usr_1")
    assert deps.do_sync(once, request, lambda: b"third").body == b"third"
