"""Promise 4, with repeats: a secret is shown to the request that made it and to its repeats, and to nobody else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ari.base import idempotency, seal
from ari.base.clock import DAY_MS
from ari.base.errors import Conflict, Forbidden
from ari.base.idempotency import IdempotentRequest, Outcome
from ari.base.seal import Context
from ari.instance import Instance
from ari.storage import tables
from tests.support.clock import FrozenClock
from tests.support.instances import opened

REQUEST = IdempotentRequest("key_1", "create_key", "7f3c0b5e-0001", b'{"name":"Deploy"}')


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as made:
        yield made


@pytest.fixture
def ask(instance: Instance) -> Callable[..., Outcome]:
    """Sends a request; each that is not a repeat gets another secret."""
    answered: list[bytes] = []

    def respond() -> bytes:
        answered.append(b"secret %d" % len(answered))
        return answered[-1]

    def send(**changed: Any) -> Outcome:
        fields = {name: getattr(REQUEST, name) for name in ("caller", "operation", "key", "body")}
        request = IdempotentRequest(**(fields | changed))
        with instance.database.writing() as unit:
            return idempotency.once(unit, request, respond)

    return send


def test_a_repeat_gets_the_first_response(ask: Callable[..., Outcome]) -> None:
    """However often; another key, caller or operation is another request."""
    assert ask() == Outcome(b"secret 0", is_replay=False)
    assert [ask(), ask()] == [Outcome(b"secret 0", is_replay=True)] * 2
    for number, changed in enumerate(({"key": "another"}, {"caller": "key_2"}, {"operation": "rotate_key"}), 1):
        assert ask(**changed) == Outcome(b"secret %d" % number, is_replay=False)
    assert ask(caller="key_1create_key", operation="") == Outcome(b"secret 4", is_replay=False)


def test_another_body_is_refused(ask: Callable[..., Outcome]) -> None:
    """The first response stays as it is."""
    ask()
    with pytest.raises(Conflict) as refused:
        ask(body=b'{"name":"Other"}')
    assert refused.value.code == "idempotency_key_reused"
    assert ask() == Outcome(b"secret 0", is_replay=True)


def test_after_a_day_the_request_is_new(instance: Instance, ask: Callable[..., Outcome]) -> None:
    """Whether or not the stored response was removed by then."""
    clock = instance.clock
    assert isinstance(clock, FrozenClock)
    ask()
    ask(key="second")
    clock.advance((DAY_MS - 1) / 1000)
    assert ask().is_replay
    clock.advance(0.001)
    assert ask(body=b"another") == Outcome(b"secret 2", is_replay=False)
    with instance.database.writing() as unit:
        assert unit.responses.forget_expired(instance.now_ms()) == 1
        kinds = [one.context.kind for one in unit.sealed.all()]
    assert kinds == ["idempotency", "response"]
    assert ask(key="second") == Outcome(b"secret 3", is_replay=False)


def test_a_failed_request_stores_nothing(instance: Instance, ask: Callable[..., Outcome]) -> None:
    """It can be repeated, and then may succeed."""

    def fail() -> bytes:
        raise Forbidden("no")

    with pytest.raises(Forbidden), instance.database.writing() as unit:
        idempotency.once(unit, REQUEST, fail)
    assert ask() == Outcome(b"secret 0", is_replay=False)


def test_repeats_at_the_same_moment_make_one_response(ask: Callable[..., Outcome]) -> None:
    """A client that gives up waiting repeats while the first request still runs."""
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: ask(), range(16)))
    assert {outcome.body for outcome in outcomes} == {b"secret 0"}
    assert [outcome.is_replay for outcome in outcomes].count(False) == 1


def test_a_new_master_key_changes_nothing(instance: Instance, ask: Callable[..., Outcome]) -> None:
    """The stored responses are wrapped again like every secret."""
    ask()
    with instance.database.writing() as unit:
        seal.reseal_all(unit.sealed, instance.master_keys)
    with instance.database.reading() as unit:
        seal.forget_unused(unit.sealed, instance.master_keys)
    assert ask() == Outcome(b"secret 0", is_replay=True)


def test_the_database_and_the_master_key_reveal_nothing(instance: Instance, ask: Callable[..., Outcome]) -> None:
    """Neither the response nor the Idempotency-Key is stored in a form that opens without the caller's key."""
    ask()
    with instance.database.reading() as unit:
        sealed = [one for one in unit.sealed.all() if one.context.kind == "response"]
        inner = [seal.open_one(instance.master_keys, one) for one in sealed]
    assert len(inner) == 1
    assert b"secret" not in inner[0]
    with instance.database.main.connect() as connection:
        rows = [
            repr(row)
            for table in (tables.idempotent_responses, tables.sealed_secrets)
            for row in connection.execute(select(table))
        ]
    assert not [row for row in rows if REQUEST.key in row or "Deploy" in row or "secret 0" in row]


def test_a_response_that_was_moved_does_not_open(instance: Instance, ask: Callable[..., Outcome]) -> None:
    """Someone with write access to the database can't give one caller another's response."""
    ask()
    ask(caller="key_2")
    with instance.database.writing() as unit:
        one, other = [each for each in unit.sealed.all() if each.context.kind == "response"]
        unit.sealed.put(seal.Sealed(Context("response", one.context.subject), other.envelope))
    with pytest.raises(seal.CannotOpen):
        [ask(caller=caller) for caller in ("key_1", "key_2")]
