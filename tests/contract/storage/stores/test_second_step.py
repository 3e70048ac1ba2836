"""The stores of two-factor, half sign-ins and encrypted secrets: in memory and in both databases alike."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from ari.accounts.model import Account, HalfSignIn, Session, TwoFactor
from ari.base.seal import Context, Sealed
from tests.contract.storage.stores.test_accounts import Begin, database_of
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

NOW = 1_764_000_000_000
OWNER = Account("usr_1", "owner@example.com", "a hash", NOW)
A, B = b"a" * 32, b"b" * 32


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def begin(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Begin]:
    """Begins transactions on each kind of store; there is an owner."""
    if request.param == "memory":
        kept = MemoryTransaction(FrozenClock(NOW))
        kept.accounts.add_owner(OWNER)
        yield lambda: nullcontext(kept)
        return
    with database_of(request.param, data_dir, request) as opened:
        with opened.writing() as unit:
            unit.accounts.add_owner(OWNER)
        yield opened.writing


def test_two_factor_and_what_hangs_on_it(begin: Begin) -> None:
    """Set, replaced, dropped with codes and half sign-ins."""
    with begin() as unit:
        assert unit.second_step.two_factor(OWNER.id) is None
        unit.second_step.set_two_factor(TwoFactor(OWNER.id, NOW, 5))
        unit.second_step.set_two_factor(TwoFactor(OWNER.id, NOW, 6))
        unit.second_step.replace_backup_codes(OWNER.id, [A], NOW)
        unit.second_step.add_half(HalfSignIn(A, OWNER.id, NOW + 1))
    with begin() as unit:
        assert unit.second_step.two_factor(OWNER.id) == TwoFactor(OWNER.id, NOW, 6)
        unit.second_step.drop_two_factor(OWNER.id)
        assert unit.second_step.two_factor(OWNER.id) is None
        assert unit.second_step.count_backup_codes(OWNER.id) == 0
        assert unit.second_step.half(A, NOW) is None


def test_a_backup_code_is_used_once(begin: Begin) -> None:
    """By its account alone; new codes void those before."""
    with begin() as unit:
        unit.second_step.replace_backup_codes(OWNER.id, [A, B], NOW)
        assert unit.second_step.count_backup_codes(OWNER.id) == 2
        assert not unit.second_step.use_backup_code("usr_2", A, NOW)
        assert unit.second_step.use_backup_code(OWNER.id, A, NOW)
        assert not unit.second_step.use_backup_code(OWNER.id, A, NOW)
        assert unit.second_step.count_backup_codes(OWNER.id) == 1
        unit.second_step.replace_backup_codes(OWNER.id, [b"c" * 32], NOW)
        assert not unit.second_step.use_backup_code(OWNER.id, B, NOW)


def test_half_sign_ins_end(begin: Begin) -> None:
    """Each when its time is over, one on its own, or all of an account."""
    with begin() as unit:
        unit.second_step.add_half(HalfSignIn(A, OWNER.id, NOW + 10))
        unit.second_step.add_half(HalfSignIn(B, OWNER.id, NOW + 20))
        assert unit.second_step.half(A, NOW + 9) == HalfSignIn(A, OWNER.id, NOW + 10)
        assert unit.second_step.half(A, NOW + 10) is None
        unit.second_step.end_half(A)
        assert unit.second_step.half(A, NOW) is None
        unit.second_step.forget_halves(OWNER.id)
        assert unit.second_step.half(B, NOW) is None


def test_sessions_are_listed_and_confirmed(begin: Begin) -> None:
    """The living ones of the account, newest first; a confirmation changes one."""
    old, new, over = (
        Session(digest, OWNER.id, NOW + at, NOW + until, "192.0.2.7", "a browser", NOW)
        for digest, at, until in ((A, 0, 100), (B, 1, 100), (b"c" * 32, 2, 5))
    )
    with begin() as unit:
        for session in (old, new, over):
            unit.accounts.add_session(session)
        unit.accounts.confirm_session(B, NOW + 7)
    with begin() as unit:
        first, second = unit.accounts.sessions_of(OWNER.id, NOW + 5)
        assert (first.digest, first.confirmed_at_ms, second) == (B, NOW + 7, old)
        assert unit.accounts.sessions_of("usr_2", NOW) == []


def test_encrypted_secrets(begin: Begin) -> None:
    """One for each kind and subject, with all parts of its context."""
    context = Context("provider", "int_1", ("https://api.example.net", "ü"))
    with begin() as unit:
        unit.sealed.lock()
        unit.sealed.put(Sealed(context, b"\x01one"))
        unit.sealed.put(Sealed(context, b"\x01\x00two"))
        unit.sealed.put(Sealed(Context("totp", "usr_1"), b"x"))
    with begin() as unit:
        assert unit.sealed.get("provider", "int_1") == Sealed(context, b"\x01\x00two")
        assert [one.context.kind for one in unit.sealed.all()] == ["provider", "totp"]
        unit.sealed.drop("provider", "int_1")
        assert unit.sealed.get("provider", "int_1") is None


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_uses_at_once_one_counts(kind: str, data_dir: Path, request: pytest.FixtureRequest) -> None:
    """A backup code given in several browsers at the same moment signs one of them in."""
    with database_of(kind, data_dir, request) as opened:
        with opened.writing() as unit:
            unit.accounts.add_owner(OWNER)
            unit.second_step.replace_backup_codes(OWNER.id, [A], NOW)

        def use(_: int) -> bool:
            with opened.writing() as unit:
                return unit.second_step.use_backup_code(OWNER.id, A, NOW)

        with ThreadPoolExecutor(4) as threads:
            assert sum(threads.map(use, range(4))) == 1
