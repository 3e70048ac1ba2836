from collections.abc import Callable

import pytest

from ari.accounts import new_networks, sessions, sign_in
from ari.accounts.model import Account
from ari.accounts.password import Verdict
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction
from tests.unit.accounts.sign_in_form import RIGHT, Desk


@pytest.fixture
def desk(tx: MemoryTransaction, account: Account, clock: FrozenClock) -> Desk:
    return Desk(tx, clock)


def test_a_right_password_makes_a_session(desk: Desk, account: Account) -> None:
    """A successful sign-in yields a new session and a device cookie, and an event in the audit log."""
    done = desk.sign_in()
    found = sessions.find(desk.tx, done.token)
    assert found is not None
    assert found.account == account
    (event,) = desk.tx.events.all
    assert (event.name, event.actor, event.subject, event.origin.client_address) == (
        "signed_in",
        account.id,
        account.id,
        "192.0.2.7",
    )
    assert done.token not in repr(done)
    assert done.device_token not in repr(done)


@pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com", "no address", "a\x00b@example.com", ""])
def test_refusals_read_alike(desk: Desk, email: str) -> None:
    """Known, unknown and impossible addresses are refused alike, and the typed text is stored nowhere."""
    desk.fail(email=email)
    (event,) = desk.tx.events.all
    assert (event.name, event.actor) == ("sign_in_refused", "visitor")
    assert event.detail == {"known_device": False}
    assert desk.tx.accounts.sessions == {}
    assert "nobody" not in repr(desk.tx)


def test_an_unknown_account_has_no_hash(desk: Desk) -> None:
    """An attempt on no account goes to the dummy hash, and even a "right" verdict lets nobody in."""
    attempt = desk.begin(email="nobody@example.com")
    assert attempt.password_hash is None
    assert desk.finish(attempt, RIGHT) is None


def test_the_new_owner_is_signed_in_without_an_attempt(desk: Desk, account: Account) -> None:
    """Anyone who made the owner account in a browser has a session and a known device there."""
    done = sign_in.open_session(desk.tx, account)
    assert sessions.find(desk.tx, done.token)
    assert desk.begin(device=done.device_token).device_token == done.device_token
    assert desk.tx.events.names() == ["signed_in"]


def test_the_address_may_be_typed_in_any_case(desk: Desk) -> None:
    """The email address is matched in its one spelling."""
    attempt = desk.begin(email=" Owner@Example.com ")
    assert attempt.password_hash == "a hash"


def test_five_attempts_in_five_minutes(desk: Desk) -> None:
    """The sixth attempt from an address within five minutes waits until the first is five minutes old."""
    for _ in range(5):
        desk.fail()
        desk.clock.advance(10)
    assert desk.wait_seconds() == 250
    desk.clock.advance(249.5)
    assert desk.wait_seconds() == 1
    desk.clock.advance(0.5)
    assert desk.wait_seconds() == 0
    assert desk.wait_seconds() == 10


def test_attempts_count_before_the_password_is_looked_at(desk: Desk) -> None:
    """Attempts whose hashing has not ended count: many at once are no way around the limit."""
    for _ in range(5):
        desk.begin()
    assert desk.wait_seconds() == 300


def test_refused_attempts_do_not_prolong_the_wait(desk: Desk) -> None:
    """Who knocks on during the wait does not wait longer, and writes nothing."""
    for _ in range(5):
        desk.fail()
    for _ in range(100):
        assert desk.wait_seconds() == 300
    assert len(desk.tx.events.all) == 5
    desk.clock.advance(300)
    assert desk.wait_seconds() == 0


@pytest.mark.parametrize(
    ("addresses", "same"),
    [
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), True),
        (("2001:db8:1:2::1", "2001:db8:1:3::1"), False),
        (("192.0.2.7", "::ffff:192.0.2.7"), True),
        (("192.0.2.7", "192.0.2.8"), False),
        ((None, "no address"), True),
    ],
)
def test_whose_attempts_count_together(desk: Desk, addresses: tuple[str, str], same: bool) -> None:
    """IPv4 counts by address, IPv6 by /64, and clients without an address share one count."""
    first, second = addresses
    for number in range(5):
        desk.fail(first, f"{number}@example.com")
    assert (desk.wait_seconds(second, "another@example.com") > 0) is same


@pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com"])
def test_the_delay_of_an_account_grows_to_thirty_seconds(desk: Desk, email: str) -> None:
    """From networks that tried before, an account takes five attempts, then one after 1, 2, 4, 8, 16, 30, 30 … s."""
    for number in range(5):
        desk.fail(f"192.0.2.{number}", email)
    for number, delay in enumerate((1, 2, 4, 8, 16, 30, 30, 30)):
        assert desk.delay_seconds(f"198.51.100.{number}", email) == delay
        desk.clock.advance(delay)
        desk.fail(f"198.51.100.{number}", email)


def flood(desk: Desk, email: str = "owner@example.com") -> None:
    """The account's delay is on."""
    for number in range(5):
        desk.fail(f"192.0.2.{number}", email)
    assert desk.delay_seconds("192.0.2.200", email) > 0


STRANGERS = {
    "one IPv6 /48": lambda number: f"2001:db8:1:{number:x}::1",
    "many IPv6 /48": lambda number: f"2001:db8:{number:x}::1",
    "one IPv4 /24": lambda number: f"198.51.100.{number % 256}",
    "one IPv4 /16": lambda number: f"198.51.{number % 256}.{number * 7 % 256}",
    "one IPv4 /8": lambda number: f"10.{number % 256}.{number * 7 % 256}.{number * 13 % 256}",
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
@pytest.mark.parametrize("owner", ["203.0.113.5", "2a00:1:2:3::5"])
def test_strangers_lock_no_newcomer_out(desk: Desk, stranger: Callable[[int], str], owner: str) -> None:
    """Whatever addresses they have, a browser that never signed in gets in at once; what they tried stays bounded."""
    flood(desk)
    let_in = sum(desk.wait_seconds(stranger(number)) == 0 for number in range(400))
    assert let_in <= 400
    assert desk.wait_seconds(owner) == 0
    desk.sign_in(owner)


@pytest.mark.parametrize("email", ["owner@example.com", "nobody@example.com"])
def test_guesses_are_bounded_wherever_they_come_from(desk: Desk, email: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From everywhere at once, an account takes 1,024 guesses an hour besides the one every thirty seconds."""
    assert new_networks.NEWCOMERS * new_networks.TRIES == 1_024
    monkeypatch.setattr(new_networks, "NEWCOMERS", 100)
    flood(desk, email)
    guesses = 0
    for number in range(150):
        address = f"{number % 200 + 1}.{number // 200 * 3}.{number % 7}.1"
        guesses += sum(desk.wait_seconds(address, email) == 0 for _ in range(3))
    assert (
        guesses == (new_networks.NEWCOMERS - 1) * new_networks.TRIES
    )  # one network is worn by what turned the delay on
    [kept] = [entries for bucket, (entries, _) in desk.tx.accounts.buckets.items() if bucket.startswith("newcomers")]
    assert len(kept) <= new_networks.NEWCOMERS * new_networks.TRIES
    desk.clock.advance(3_600)
    assert desk.wait_seconds("203.0.113.77", email) == 0


def test_an_address_from_which_the_account_signed_in_has_its_own_count(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new browser at home gets in whatever comes from anywhere else, until the password is set again."""
    monkeypatch.setattr(new_networks, "NEWCOMERS", 100)
    desk.sign_in("203.0.113.5")
    desk.clock.advance(86_400)
    for number in range(150):
        desk.wait_seconds(f"{number % 200 + 1}.{number % 97}.{number % 7}.{number % 11}")
    assert desk.wait_seconds("203.0.113.6") > 0
    assert desk.begin("203.0.113.5").stranger is None
    desk.sign_in("203.0.113.5")
    for _ in range(4):
        desk.fail("203.0.113.5")
    assert desk.wait_seconds("203.0.113.5") > 0
    desk.tx.accounts.forget_devices("usr_1")
    assert desk.tx.accounts.devices == {}


def test_one_ipv6_site_has_twenty_attempts(desk: Desk) -> None:
    """A /48 has 65,536 /64s; all of them together have twenty attempts in five minutes, on whichever accounts."""
    waits = [desk.wait_seconds(f"2001:db8:1:{n:x}::1", f"{n}@example.com") for n in range(30)]
    assert [wait == 0 for wait in waits] == [True] * 20 + [False] * 10
    assert desk.wait_seconds("2001:db8:2::1", "x@example.com") == 0


def test_the_delay_ends_with_the_right_password(desk: Desk) -> None:
    """After a successful sign-in the account's delay starts from nothing."""
    for number in range(5):
        desk.fail(f"192.0.2.{number}")
    desk.clock.advance(1)
    desk.sign_in("198.51.100.1")
    for address in ("203.0.113.1", "203.0.113.2"):
        for _ in range(2):
            assert desk.wait_seconds(address) == 0


def test_right_passwords_use_nothing_up(desk: Desk) -> None:
    """A known address may sign in rightly as often as it likes; its failures stay counted."""
    desk.sign_in()
    for _ in range(4):
        desk.fail()
    for _ in range(20):
        desk.sign_in()
    assert desk.wait_seconds() == 0
    assert desk.wait_seconds() == 300


def test_a_flood_does_not_lock_the_owner_out(desk: Desk) -> None:
    """A browser that signed in before has attempts of its own, whatever comes in from elsewhere or its own address."""
    device = desk.sign_in().device_token
    for _ in range(5):
        desk.fail()
    for number in range(5):
        desk.clock.advance(30)
        desk.fail(f"198.51.100.{number}")
    assert desk.delay_seconds("203.0.113.1") > 0
    desk.sign_in(device=device)
    for _ in range(5):
        desk.fail(device=device)
    assert desk.wait_seconds(device=device) == 300


def test_a_device_cookie_counts_for_its_account_alone(desk: Desk) -> None:
    """An invented cookie, a forgotten one, or a good one with another address gives no attempts of its own."""
    device = desk.sign_in().device_token
    for _ in range(5):
        desk.fail(email="nobody@example.com")
    assert desk.wait_seconds(email="nobody@example.com", device=device) == 300
    desk.tx.accounts.forget_devices("usr_1")
    assert desk.wait_seconds(device="x" * 43) == 300
    assert desk.wait_seconds(device=device) == 300


def test_a_device_is_remembered_for_180_days_from_its_last_sign_in(desk: Desk) -> None:
    """Each sign-in renews the device; left alone it is forgotten."""
    device = desk.sign_in().device_token
    desk.clock.advance(179 * 86_400)
    assert desk.sign_in(device=device).device_token == device
    desk.clock.advance(180 * 86_400)
    assert desk.sign_in(device=device).device_token != device


def test_a_password_changed_since_refuses(desk: Desk, account: Account) -> None:
    """A sign-in that was being checked while the password was reset makes no session."""
    attempt = desk.begin()
    desk.tx.accounts.set_password_hash(account.id, "another hash")
    assert desk.finish(attempt, RIGHT) is None
    assert desk.tx.accounts.sessions == {}


def test_a_better_hash_replaces_the_old_one(desk: Desk) -> None:
    """When the parameters changed, signing in stores the new hash; a refusal stores nothing."""
    desk.finish(desk.begin(), Verdict(False, "must not be stored"))
    assert desk.tx.accounts.accounts["usr_1"].password_hash == "a hash"
    assert desk.finish(desk.begin(), Verdict(True, "a better hash"))
    assert desk.tx.accounts.accounts["usr_1"].password_hash == "a better hash"


def test_the_session_before_ends(desk: Desk) -> None:
    """Signing in again in the same browser ends the session that it had."""
    before = desk.sign_in()
    after = desk.finish(desk.begin(), RIGHT, before.token)
    assert after is not None
    assert sessions.find(desk.tx, before.token) is None
    assert sessions.find(desk.tx, after.token)


def test_an_attempt_that_was_never_checked_is_taken_back(desk: Desk) -> None:
    """When the hashing queue was full, the attempt counts nowhere."""
    for _ in range(4):
        desk.fail()
    for _ in range(20):
        sign_in.withdraw(desk.tx, desk.begin())
    assert desk.wait_seconds() == 0
    assert desk.wait_seconds() == 300


def test_a_clock_set_back_prolongs_no_wait(desk: Desk) -> None:
    """When the machine's clock steps back a day, nobody waits for longer than five minutes."""
    for _ in range(5):
        desk.fail()
    desk.clock.step(-86_400)
    assert desk.wait_seconds() == 300
    assert desk.delay_seconds("203.0.113.1") == 1


def test_the_past_is_dropped(desk: Desk) -> None:
    """Each finished attempt drops the sessions, devices and attempts whose time is over."""
    for number in range(5):
        desk.fail(f"192.0.2.{number}", f"{number}@example.com")
    desk.sign_in()
    desk.clock.advance(181 * 86_400)
    desk.fail("203.0.113.1", "another@example.com")
    assert len(desk.tx.accounts.buckets) == 2
    assert desk.tx.accounts.sessions == {}
    assert desk.tx.accounts.devices == {}


def test_a_sign_in_from_a_browser_that_is_not_known_says_so(desk: Desk) -> None:
    """The first sign-in ever does not: there is nothing to compare it with. Emails hang off the event."""
    device = desk.sign_in().device_token
    desk.sign_in(device=device)
    desk.sign_in()
    details = [event.detail for event in desk.tx.events.all if event.name == "signed_in"]
    assert details == [{"known_device": False}, {"known_device": True}, {"known_device": False, "new_device": True}]
