import hashlib

import pytest

from ari.accounts import sessions
from ari.accounts.model import Account
from ari.base.caller import Caller
from ari.base.events import Origin
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

THIRTY_DAYS = 30 * 86_400


@pytest.fixture
def token(tx: MemoryTransaction, account: Account, origin: Origin, clock: FrozenClock) -> str:
    """The token of a session of the owner."""
    return sessions.start(tx, account)


def caller(tx: MemoryTransaction, token: str, clock: FrozenClock, origin: Origin) -> Caller:
    found = sessions.find(tx, token)
    assert found is not None
    return sessions.caller_of(found, origin)


def test_a_session_proves_its_account(tx: MemoryTransaction, account: Account, token: str, clock: FrozenClock) -> None:
    """The token of a session leads to its account and to where it was made."""
    found = sessions.find(tx, token)
    assert found is not None
    assert found.account == account
    assert (found.session.client_address, found.session.user_agent) == ("192.0.2.7", "a browser")


def test_only_the_digest_is_stored(tx: MemoryTransaction, token: str) -> None:
    """A token has 256 random bits; the store holds its SHA-256 and nothing that leads back to it."""
    assert len(token) == 43
    assert list(tx.accounts.sessions) == [hashlib.sha256(token.encode()).digest()]
    assert token not in repr(tx)


def test_each_session_is_new(tx: MemoryTransaction, account: Account, origin: Origin, clock: FrozenClock) -> None:
    """No two sessions share a token."""
    assert len({sessions.start(tx, account) for _ in range(50)}) == 50


def test_a_session_lives_thirty_days(tx: MemoryTransaction, token: str, clock: FrozenClock) -> None:
    """A session lives until the millisecond before its thirty days are over."""
    clock.advance(THIRTY_DAYS - 0.001)
    assert sessions.find(tx, token)
    clock.advance(0.001)
    assert sessions.find(tx, token) is None


@pytest.mark.parametrize("nothing", ["", "x" * 43, "x" * 44, "é" * 43, "\ud800" * 43, "\x00" * 43])
def test_other_texts_prove_nothing(tx: MemoryTransaction, token: str, clock: FrozenClock, nothing: str) -> None:
    """Anything but a session token, of whatever characters, finds no session."""
    assert sessions.find(tx, nothing) is None


def test_signing_out(tx: MemoryTransaction, account: Account, token: str, clock: FrozenClock, origin: Origin) -> None:
    """Signing out ends this session at once, with one event, and doing it again changes nothing."""
    me = caller(tx, token, clock, origin)
    sessions.end(tx.by(me))
    sessions.end(tx.by(me))
    assert sessions.find(tx, token) is None
    (event,) = tx.events.all
    assert (event.name, event.actor, event.subject) == ("signed_out", account.id, account.id)


def test_signing_out_everywhere(
    tx: MemoryTransaction, account: Account, token: str, clock: FrozenClock, origin: Origin
) -> None:
    """Signing out everywhere ends every session of the account, or every other one."""
    other = sessions.start(tx, account)
    me = caller(tx, token, clock, origin)
    assert sessions.end_all(tx.by(me), keep_own=True) == 1
    assert sessions.find(tx, other) is None
    assert sessions.find(tx, token)
    assert sessions.end_all(tx.by(me)) == 1
    assert sessions.find(tx, token) is None
    assert tx.events.names() == ["sessions_ended", "sessions_ended"]
    assert tx.events.all[0].detail == {"sessions": 1, "kept_own": True}


def test_a_session_may_do_everything(tx: MemoryTransaction, token: str, clock: FrozenClock, origin: Origin) -> None:
    """As a caller a session holds all scopes and limits no key's expiry to its own."""
    me = caller(tx, token, clock, origin)
    assert me.scopes == ("*",)
    assert me.expires_at_ms is None
    assert me.session_digest == sessions.digest_of(token)


def test_the_form_proof_belongs_to_its_cookie() -> None:
    """A form's proof is valid with the cookie it was made for and with no other, and does not give it away."""
    mine, theirs = sessions.new_token(), sessions.new_token()
    proof = sessions.csrf_token(mine)
    assert sessions.csrf_matches(mine, proof)
    assert not sessions.csrf_matches(theirs, proof)
    assert proof not in (mine, hashlib.sha256(mine.encode()).hexdigest())


@pytest.mark.parametrize("given", ["", "x", "é", "\ud800", "\x00" * 43])
def test_any_text_as_form_proof_is_refused(given: str) -> None:
    """No text but the proof itself is accepted, and none breaks the comparison."""
    token = sessions.new_token()
    assert not sessions.csrf_matches(token, given)
    assert not sessions.csrf_matches(token, sessions.csrf_token(token) + given) or given == ""
