"""Emailed links: one use, 30 minutes, the newest alone, few a day; nobody learns whether there is an account."""

import hashlib
from itertools import pairwise

import pytest

from ari.accounts import mail_links, sessions, setup, sign_in
from ari.accounts.mail_links import Mailed
from ari.accounts.model import Account
from ari.base.caller import CONFIRMED_FOR_MS, Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import Invalid, NotFound, RateLimited, ReauthRequired
from ari.base.events import Origin
from tests.support.clock import FrozenClock
from tests.unit.accounts.memory import MemoryTransaction

OWNER = "owner@example.com"


class Desk:
    """A visitor who requests links and follows them."""

    def __init__(self, tx: MemoryTransaction, clock: FrozenClock) -> None:
        self.tx, self.clock = tx, clock

    def ask(self, email: str = OWNER, address: str = "192.0.2.7", device: str | None = None) -> Mailed | None:
        return mail_links.ask_for_reset(self.tx.visit_from(address), email, device)

    def count_emails(self, address: str = "192.0.2.7", device: str | None = None) -> int:
        """How many emails go out until the next is refused."""
        for number in range(100):
            try:
                self.ask(address=address, device=device)
            except RateLimited:
                return number
        raise AssertionError("a hundred emails")

    def link(self) -> str:
        mailed = self.ask()
        assert mailed
        return mailed.token

    def follow(self, token: str) -> Account:
        return mail_links.reset(self.tx.visit_from("192.0.2.9"), token, "new hash")

    def caller(self, confirmed_ago_ms: int = 0) -> Caller:
        now_ms = self.clock.now_ms()
        return Caller("usr_1", Origin("web"), session_digest=b"s" * 32, confirmed_at_ms=now_ms - confirmed_ago_ms)

    def ask_address(self, email: str = "new@example.org", caller: Caller | None = None) -> str:
        return mail_links.ask_for_address(self.tx.by(caller or self.caller()), email).token


@pytest.fixture
def desk(tx: MemoryTransaction, clock: FrozenClock, account: Account) -> Desk:
    return Desk(tx, clock)


def test_a_link_sets_the_password_once(desk: Desk) -> None:
    """All sessions end, no browser is known any more, and anyone who followed it is a visitor, not the owner.

    Only the address from which it was followed is: the sign-in comes next, whatever strangers do.
    """
    owner = desk.tx.accounts.owner()
    assert owner
    sign_in.open_session(desk.tx.visit_from(None), owner)
    token = desk.link()
    assert desk.follow(token).id == "usr_1"
    assert desk.tx.accounts.accounts["usr_1"].password_hash == "new hash"
    assert desk.tx.accounts.sessions == {}
    assert len(desk.tx.accounts.devices) == 1
    attempts = [sign_in.begin(desk.tx.visit_from(f"192.0.2.{n}"), OWNER) for n in (8, 9)]
    assert [one.stranger is None for one in attempts] == [False, True]
    assert desk.tx.events.names() == ["signed_in", "password_reset_requested", "password_changed"]
    assert desk.tx.events.all[-1].actor == "visitor"
    with pytest.raises(NotFound):
        desk.follow(token)


def test_only_the_digest_of_256_bits_is_kept(desk: Desk) -> None:
    """A thief of the database sets no password."""
    token = desk.link()
    assert len(token) == sessions.TOKEN_LENGTH
    [link] = desk.tx.accounts.links.values()
    assert link.digest == hashlib.sha256(token.encode()).digest()
    assert token not in repr(desk.tx)
    assert token not in repr(desk.ask())


def test_a_link_lives_for_thirty_minutes(desk: Desk) -> None:
    """And is nothing from then on."""
    token = desk.link()
    desk.clock.advance(30 * 60 - 1)
    assert mail_links.account_behind(desk.tx, "reset", token) is not None
    desk.clock.advance(1)
    assert mail_links.account_behind(desk.tx, "reset", token) is None
    with pytest.raises(NotFound):
        desk.follow(token)


def test_a_newer_link_voids_the_one_before(desk: Desk) -> None:
    """And a password that was changed otherwise voids them all."""
    old, new = desk.link(), desk.link()
    with pytest.raises(NotFound):
        desk.follow(old)
    desk.follow(new)
    other = desk.link()
    desk.ask_address()
    setup.reset_password(desk.tx.by(Caller("cli:alice", Origin("cli"))), None, "third hash")
    with pytest.raises(NotFound):
        desk.follow(other)
    assert desk.tx.accounts.links == {}


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\udcff" * 43, "é" * 43])
def test_what_is_no_link_is_refused(desk: Desk, token: str) -> None:
    """Guesses and hostile texts alike."""
    desk.link()
    with pytest.raises(NotFound):
        desk.follow(token)


def test_few_links_for_known_and_unknown_alike(desk: Desk) -> None:
    """Per email address, however it is spelled; and ten an hour from one client address."""
    for email in (OWNER, "nobody@example.com", "no address at all"):
        for spelled in (email, email.upper(), f" {email} "):
            desk.ask(spelled, "198.51.100.1")
        with pytest.raises(RateLimited) as limited:
            desk.ask(email, "203.0.113.5")
        assert limited.value.retry_after_seconds == 4 * 3600
        assert str(limited.value) == "Too many links requested. Try again in 4 hours."
    desk.ask("tenth@example.com", "198.51.100.1")
    with pytest.raises(RateLimited):
        desk.ask("eleventh@example.com", "198.51.100.1")
    desk.clock.advance(HOUR_MS / 1000)
    assert desk.ask("eleventh@example.com", "198.51.100.1") is None
    with pytest.raises(RateLimited, match="Try again in 3 hours"):
        desk.ask(OWNER, "198.51.100.2")
    desk.clock.advance(3 * HOUR_MS / 1000)
    assert desk.ask(OWNER, "198.51.100.1")


def test_strangers_have_few_emails_sent_a_day(desk: Desk) -> None:
    """Eight in the first day, six in each that follows, however many ask; the owner is never without one for long."""
    days, sent = [], []
    for hour in range(72):
        asked = sum(desk.count_emails(f"2001:db8:{hour:x}:{number:x}::1") for number in range(4))
        sent += [hour] * asked
        desk.clock.advance(HOUR_MS / 1000)
    days = [sum(day * 24 <= hour < day * 24 + 24 for hour in sent) for day in range(3)]
    assert days == [8, 6, 6]
    assert max(later - hour for hour, later in pairwise(sent)) == 4


def test_a_known_browser_has_links_of_its_own(desk: Desk) -> None:
    """A known browser, or a browser at a known address, whatever strangers used up; and these are few too."""
    owner = desk.tx.accounts.owner()
    assert owner
    device = sign_in.open_session(desk.tx.visit_from("203.0.113.5"), owner).device_token
    assert desk.count_emails() == 3
    assert desk.count_emails("203.0.113.5") == 3
    assert desk.count_emails("192.0.2.99", device) == 3
    desk.clock.advance(HOUR_MS / 1000)
    assert desk.count_emails("203.0.113.5") == 3
    desk.clock.advance(HOUR_MS / 1000)
    assert (desk.count_emails(), desk.count_emails("203.0.113.5")) == (0, 0)
    assert desk.ask("nobody@example.com", "192.0.2.98", device) is None
    assert not sign_in.is_known(desk.tx.visit_from("192.0.2.98"), "nobody@example.com", device)


@pytest.mark.parametrize("email", [OWNER, "nobody@example.com"])
def test_who_shares_an_address_with_the_owner_learns_of_no_account(desk: Desk, email: str) -> None:
    """The limits at an address from which the owner signed in are the same for any email address."""
    owner = desk.tx.accounts.owner()
    assert owner
    sign_in.open_session(desk.tx.visit_from("203.0.113.5"), owner)
    for other in (OWNER, "nobody@example.com", email.upper()):
        for _ in range(3 if other != email.upper() else 0):
            desk.ask(other, "203.0.113.5")
        with pytest.raises(RateLimited, match="60 minutes"):
            desk.ask(other, "203.0.113.5")
    assert sign_in.is_known(desk.tx.visit_from("203.0.113.5"), email, None)
    for _ in range(5):
        sign_in.begin(desk.tx.visit_from("203.0.113.5"), email)
    for other in (OWNER, "nobody@example.com"):
        with pytest.raises(RateLimited):
            sign_in.begin(desk.tx.visit_from("203.0.113.5"), other)


def test_a_site_asks_twenty_times_an_hour(desk: Desk) -> None:
    """An IPv6 /48 has 65,536 /64s, which count together, whatever addresses they type."""
    refused = 0
    for number in range(30):
        try:
            desk.ask(f"{number}@example.com", f"2001:db8:1:{number:x}::1")
        except RateLimited:
            refused += 1
    assert refused == 10


def test_an_unknown_account_is_written_down_and_nothing_more(desk: Desk) -> None:
    """No link; the event does not repeat what was typed, which may be a password."""
    assert desk.ask("not.mine@example.com") is None
    [event] = desk.tx.events.all
    assert (event.name, event.subject, event.detail) == ("password_reset_requested", None, {})
    assert desk.tx.accounts.links == {}


def test_a_new_address_counts_once_its_link_is_followed(desk: Desk) -> None:
    """Both events name the old address, which gets an email; an older reset link is void."""
    reset = desk.link()
    token = desk.ask_address(" New@Example.org ")
    assert desk.tx.accounts.accounts["usr_1"].email == OWNER
    changed = mail_links.confirm_address(desk.tx, token)
    assert changed.email == desk.tx.accounts.accounts["usr_1"].email == "new@example.org"
    asked, done = (event for event in desk.tx.events.all if event.name.startswith("email_"))
    assert asked.detail == done.detail == {"email": "new@example.org", "old_email": OWNER}
    assert mail_links.account_behind(desk.tx, "reset", reset) is None
    assert mail_links.account_behind(desk.tx, "email", token) is None


def test_a_link_does_only_what_it_is_for(desk: Desk) -> None:
    """One that confirms an address sets no password, and the other way round."""
    address, reset = desk.ask_address(), desk.link()
    with pytest.raises(NotFound):
        desk.follow(address)
    with pytest.raises(NotFound):
        mail_links.confirm_address(desk.tx, reset)


def test_another_address_needs_the_password_of_late(desk: Desk) -> None:
    """security.md 29; and it must be another, an address, and not the fourth within the hour."""
    with pytest.raises(ReauthRequired):
        desk.ask_address(caller=desk.caller(CONFIRMED_FOR_MS))
    for wrong in (OWNER, f" {OWNER.upper()}", "no address"):
        with pytest.raises(Invalid):
            desk.ask_address(wrong)
    for number in range(3):
        desk.ask_address(f"new{number}@example.org")
    with pytest.raises(RateLimited):
        desk.ask_address("new3@example.org")
