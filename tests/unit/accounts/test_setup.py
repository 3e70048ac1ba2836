import pytest

from ari.accounts import sessions, setup, sign_in
from ari.accounts.model import Account
from ari.accounts.password import Verdict, verify_password
from ari.base.caller import SYSTEM, Caller
from ari.base.errors import ConfigurationError, Invalid, NotFound, RateLimited
from ari.base.events import Origin
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

CLI = Caller("cli:alice", Origin("cli"))


@pytest.fixture
def token(tx: MemoryTransaction, clock: FrozenClock) -> str:
    """The setup token of this start."""
    made = setup.new_setup_token(tx)
    assert made is not None
    return made


def make(tx: MemoryTransaction, clock: FrozenClock, token: str, email: str = "owner@example.com") -> Account:
    return setup.make_owner(tx, token, email, "a hash")


def test_the_token_makes_the_owner(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """Anyone who holds the setup token makes the owner, with one event that says from where."""
    owner = make(tx, clock, token, "Owner@Example.com")
    assert tx.accounts.owner() == owner
    assert owner.email == "owner@example.com"
    (event,) = tx.events.all
    assert (event.name, event.actor, event.subject) == ("owner_created", "visitor", owner.id)
    assert event.origin.client_address == "192.0.2.7"


def test_only_a_digest_of_the_token_is_stored(tx: MemoryTransaction, token: str) -> None:
    """The token has 256 bits and cannot be read back from the key-value entries."""
    assert len(token) == 43
    assert token not in repr(tx)


def test_the_token_works_once(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """Once there is an owner the setup is gone, for the same token too."""
    make(tx, clock, token)
    assert not setup.token_is_good(tx, token)
    with pytest.raises(NotFound):
        make(tx, clock, token, "second@example.com")
    assert [one.email for one in tx.accounts.accounts.values()] == ["owner@example.com"]
    assert setup.new_setup_token(tx) is None


def test_the_token_lives_an_hour(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """After an hour the token opens nothing."""
    clock.advance(3_599.999)
    assert setup.token_is_good(tx, token)
    clock.advance(0.001)
    assert not setup.token_is_good(tx, token)
    with pytest.raises(NotFound):
        make(tx, clock, token)


def test_a_later_start_voids_the_earlier_token(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """Only the token printed last is good."""
    later = setup.new_setup_token(tx)
    assert later is not None
    assert not setup.token_is_good(tx, token)
    assert setup.token_is_good(tx, later)


@pytest.mark.parametrize("other", ["", "x" * 43, "é", "\ud800", "\x00"])
def test_no_other_text_opens_the_setup(tx: MemoryTransaction, clock: FrozenClock, token: str, other: str) -> None:
    """A wrong token is refused as if there were no such page, and none breaks the comparison."""
    assert not setup.token_is_good(tx, other)
    with pytest.raises(NotFound):
        make(tx, clock, other)
    assert tx.accounts.owner() is None


def test_without_a_start_nothing_is_open(tx: MemoryTransaction, clock: FrozenClock) -> None:
    """Before any token was made no text is one."""
    assert not setup.token_is_good(tx, "")


def test_a_wrong_address_keeps_the_token(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """Who mistypes the email address may try again."""
    with pytest.raises(Invalid):
        make(tx, clock, token, "owner")
    assert make(tx, clock, token).email == "owner@example.com"


@pytest.mark.parametrize("forgetful", ["note", "directory"])
def test_an_instance_that_had_an_owner_opens_no_setup(
    tx: MemoryTransaction, clock: FrozenClock, token: str, forgetful: str
) -> None:
    """A database without the owner it once had does not open itself to the next comer, unless a setting allows it."""
    make(tx, clock, token)
    tx.accounts.accounts.clear()
    if forgetful == "directory":
        tx.key_value.values.clear()
    had_owner = forgetful == "directory"
    with pytest.raises(ConfigurationError, match="--new-instance"):
        setup.new_setup_token(tx, had_owner=had_owner)
    anew = setup.new_setup_token(tx, had_owner=had_owner, new_instance=True)
    assert anew is not None
    assert make(tx, clock, anew, "second@example.com").email == "second@example.com"


def test_the_settings_make_the_owner(tx: MemoryTransaction, clock: FrozenClock, token: str) -> None:
    """ARI_ADMIN_* make the owner without a browser and close the setup that may be open."""
    email, password_hash = setup.admin_credentials("Owner@Example.com", "winter morning kettle song")
    owner = setup.bootstrap_owner(tx.by(SYSTEM), email, password_hash)
    assert owner is not None
    assert owner.email == "owner@example.com"
    assert verify_password(owner.password_hash, "winter morning kettle song")
    assert not setup.token_is_good(tx, token)
    assert [(event.name, event.actor) for event in tx.events.all] == [("owner_created", "system")]


def test_the_settings_are_ignored_once_there_is_an_owner(
    tx: MemoryTransaction, clock: FrozenClock, account: Account
) -> None:
    """A second start with other ARI_ADMIN_* changes nothing."""
    assert setup.bootstrap_owner(tx.by(SYSTEM), "second@example.com", "another hash") is None
    assert tx.accounts.owner() == account
    assert tx.events.all == []


@pytest.mark.parametrize(
    ("email", "password", "setting"),
    [
        ("owner", "winter morning kettle song", "ARI_ADMIN_EMAIL"),
        ("owner@example.com", "short", "ARI_ADMIN_PASSWORD"),
        ("owner@example.com", "password1234", "ARI_ADMIN_PASSWORD"),
    ],
)
def test_settings_that_will_not_do_stop_the_start(email: str, password: str, setting: str) -> None:
    """A weak password or no address stops the start with a sentence that names the setting and not its value."""
    with pytest.raises(ConfigurationError, match=setting) as caught:
        setup.admin_credentials(email, password)
    assert password not in str(caught.value)


def test_a_reset_ends_every_session(
    tx: MemoryTransaction, account: Account, clock: FrozenClock, origin: Origin
) -> None:
    """Another password ends all sessions and forgets all browsers, with one event that says who did it."""
    attempt = sign_in.begin(tx, account.email)
    done = sign_in.finish(tx, attempt, Verdict(True))
    assert done is not None
    setup.reset_password(tx.by(CLI), None, "another hash")
    assert sessions.find(tx, done.token) is None
    assert tx.accounts.accounts[account.id].password_hash == "another hash"
    assert tx.accounts.devices == {}
    event = tx.events.all[-1]
    assert (event.name, event.actor, event.subject) == ("password_changed", "cli:alice", account.id)
    assert event.detail == {"sessions_ended": 1}


def test_the_caller_keeps_its_own_session(
    tx: MemoryTransaction, account: Account, clock: FrozenClock, origin: Origin
) -> None:
    """Who changes the password in the browser stays signed in there, and only there."""
    mine, other = (sessions.start(tx, account) for _ in range(2))
    me = Caller(account.id, origin, session_digest=sessions.digest_of(mine), confirmed_at_ms=clock.now_ms())
    setup.reset_password(tx.by(me), account.email, "another hash")
    assert sessions.find(tx, mine)
    assert sessions.find(tx, other) is None


def test_a_reset_ends_the_waiting(tx: MemoryTransaction, account: Account, clock: FrozenClock, origin: Origin) -> None:
    """An owner locked out by wrong attempts may sign in with the new password at once."""
    for _ in range(5):
        sign_in.begin(tx, account.email)
    with pytest.raises(RateLimited):
        sign_in.begin(tx, account.email)
    setup.reset_password(tx.by(CLI), account.email, "another hash")
    assert sign_in.begin(tx, account.email).password_hash == "another hash"


@pytest.mark.parametrize("email", [None, "nobody@example.com"])
def test_a_reset_of_nobody(tx: MemoryTransaction, clock: FrozenClock, email: str | None) -> None:
    """Without an account there is nothing to reset."""
    with pytest.raises(NotFound):
        setup.reset_password(tx.by(CLI), email, "a hash")
