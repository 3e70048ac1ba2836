"""Whatever keeps accounts and key-value entries keeps them like this: in memory, in SQLite and in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from ari.accounts import mail_links, sessions, setup, sign_in
from ari.accounts.model import Account, MailLink, Session, SignedIn
from ari.accounts.password import Verdict
from ari.accounts.ports import AccountTransaction
from ari.base.caller import Caller
from ari.base.errors import NotFound, RateLimited
from ari.base.events import Origin
from ari.base.settings import Settings
from ari.storage.engine import Database
from tests.support.clock import FrozenClock
from tests.support.instances import prepare
from tests.unit.accounts.memory import MemoryTransaction

T = TypeVar("T")
NOW = 1_764_000_000_000
OWNER = Account("usr_1", "owner@example.com", "a hash", NOW)
SESSION = Session(b"s" * 32, OWNER.id, NOW, NOW + 1_000, "192.0.2.7", "a browser é", NOW)
VISITOR = Caller("visitor", Origin("web", "192.0.2.7"), scopes=())


Begin = Callable[[], AbstractContextManager[AccountTransaction]]


@contextmanager
def database_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database of this kind."""
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else None
    prepare(folder, url)
    opened = Database.open(Settings(data_dir=folder, database_url=url))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Begin]:
    """Begins transactions on each kind of real database."""
    with database_of(request.param, data_dir, request) as opened:
        opened.clock = FrozenClock(NOW)
        yield lambda: opened.writing(VISITOR)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def begin(request: pytest.FixtureRequest, data_dir: Path) -> Iterator[Begin]:
    """Begins transactions on each kind of store."""
    if request.param == "memory":
        kept = MemoryTransaction(FrozenClock(NOW))
        yield lambda: nullcontext(kept)
        return
    with database_of(request.param, data_dir, request) as opened:
        opened.clock = FrozenClock(NOW)
        yield lambda: opened.writing(VISITOR)


@pytest.fixture
def tx(begin: Begin) -> Iterator[AccountTransaction]:
    """One open transaction."""
    with begin() as opened:
        yield opened


def test_there_is_one_owner(tx: AccountTransaction) -> None:
    """The first owner stays; a second one is not stored, whatever its address."""
    assert tx.accounts.owner() is None
    assert tx.accounts.add_owner(OWNER)
    assert not tx.accounts.add_owner(replace(OWNER, id="usr_2", email="second@example.com"))
    assert not tx.accounts.add_owner(OWNER)
    assert tx.accounts.owner() == tx.accounts.by_email(OWNER.email) == tx.accounts.lock(OWNER.id) == OWNER
    assert tx.accounts.by_email("second@example.com") is None
    assert tx.accounts.lock("usr_2") is None


def test_links_that_were_emailed(tx: AccountTransaction) -> None:
    """One of each purpose an account; found while its time lasts, used up once, dropped together."""
    tx.accounts.add_owner(OWNER)
    first = MailLink(b"1" * 32, OWNER.id, "reset", OWNER.email, NOW + 10)
    other = MailLink(b"2" * 32, OWNER.id, "email", "new@example.org", NOW + 10)
    newer = replace(first, digest=b"3" * 32)
    for link in (first, other, newer):
        tx.accounts.keep_link(link)
    assert tx.accounts.link(first.digest, NOW) is None
    assert (tx.accounts.link(newer.digest, NOW), tx.accounts.link(other.digest, NOW)) == (newer, other)
    assert tx.accounts.link(newer.digest, NOW + 10) is None
    assert [tx.accounts.end_link(newer.digest) for _ in range(2)] == [True, False]
    tx.accounts.drop_links(OWNER.id)
    assert tx.accounts.link(other.digest, NOW) is None


def test_an_address_changes(tx: AccountTransaction) -> None:
    """The account is found by the new one alone."""
    tx.accounts.add_owner(OWNER)
    tx.accounts.set_email(OWNER.id, "new@example.org")
    assert tx.accounts.by_email("new@example.org") == replace(OWNER, email="new@example.org")
    assert tx.accounts.by_email(OWNER.email) is None


@pytest.mark.parametrize("stored", ["a@bücher.example", "a@xn--bcher-kva.example"])
def test_an_address_is_found_by_either_form_of_its_host(tx: AccountTransaction, stored: str) -> None:
    """A browser's field for addresses sends the ASCII form of what people type."""
    tx.accounts.add_owner(replace(OWNER, email=stored))
    for typed in ("a@bücher.example", "a@xn--bcher-kva.example"):
        found = tx.accounts.by_email(typed)
        assert found is not None
        assert found.id == OWNER.id


def test_whether_an_event_was_ever_written(tx: AccountTransaction) -> None:
    """Of this subject and name, however long ago."""
    tx.accounts.add_owner(OWNER)
    assert not tx.events.has(OWNER.id, "signed_in")
    sign_in.open_session(tx, OWNER)
    assert tx.events.has(OWNER.id, "signed_in")
    assert not tx.events.has("usr_2", "signed_in")
    assert not tx.events.has(OWNER.id, "signed_out")


def test_a_password_hash_changes(tx: AccountTransaction) -> None:
    """The new hash is what everybody reads from then on."""
    tx.accounts.add_owner(OWNER)
    tx.accounts.set_password_hash(OWNER.id, "another hash")
    assert tx.accounts.owner() == tx.accounts.lock(OWNER.id) == replace(OWNER, password_hash="another hash")


def test_a_session_lives_until_its_end(tx: AccountTransaction) -> None:
    """A session is found with its account until the very millisecond in which it ends."""
    tx.accounts.add_owner(OWNER)
    tx.accounts.add_session(SESSION)
    assert tx.accounts.session(SESSION.digest, NOW + 999) == SignedIn(OWNER, SESSION)
    assert tx.accounts.session(SESSION.digest, NOW + 1_000) is None
    assert tx.accounts.session(b"t" * 32, NOW) is None


def test_sessions_end(tx: AccountTransaction) -> None:
    """One session, all but one, or all of an account end, and their number is returned."""
    tx.accounts.add_owner(OWNER)
    for letter in (b"a", b"b", b"c", b"d"):
        tx.accounts.add_session(replace(SESSION, digest=letter * 32, client_address=None, user_agent=None))
    assert tx.accounts.end_session(b"a" * 32)
    assert not tx.accounts.end_session(b"a" * 32)
    assert tx.accounts.end_sessions("usr_2") == 0
    assert tx.accounts.end_sessions(OWNER.id, except_digest=b"b" * 32) == 2
    assert tx.accounts.session(b"b" * 32, NOW)
    assert tx.accounts.end_sessions(OWNER.id) == 1
    assert tx.accounts.session(b"b" * 32, NOW) is None


def test_attempts_are_kept_by_bucket(tx: AccountTransaction) -> None:
    """A bucket gives back the instants that it was given last; none removes it."""
    assert tx.accounts.attempts("address:192.0.2.7") == ()
    tx.accounts.keep_attempts("address:192.0.2.7", (NOW, NOW, NOW + 1), NOW + 10)
    tx.accounts.keep_attempts("account:beef", (NOW,), NOW + 10)
    assert tx.accounts.attempts("address:192.0.2.7") == (NOW, NOW, NOW + 1)
    assert tx.accounts.attempts("address:192.0.2.7") == (NOW, NOW, NOW + 1)
    tx.accounts.keep_attempts("address:192.0.2.7", (), NOW)
    assert tx.accounts.attempts("address:192.0.2.7") == ()
    assert tx.accounts.attempts("account:beef") == (NOW,)
    tx.accounts.keep_attempts("form:1", (NOW,), NOW + 10)
    tx.accounts.forget_attempts("account:")
    assert tx.accounts.attempts("account:beef") == ()
    assert tx.accounts.attempts("form:1") == (NOW,)


def test_the_longest_bucket_fits(tx: AccountTransaction) -> None:
    """A device's bucket is named by 64 hexadecimal digits, an address's by a whole IPv6 network."""
    for bucket in ("device:" + "f" * 64, "address:ffff:ffff:ffff:ffff::/64"):
        tx.accounts.keep_attempts(bucket, tuple(NOW + second for second in range(11)), NOW)
        assert len(tx.accounts.attempts(bucket)) == 11


def test_devices_belong_to_an_account(tx: AccountTransaction) -> None:
    """A device leads to its account until it expires or is forgotten; keeping it again prolongs it."""
    tx.accounts.add_owner(OWNER)
    tx.accounts.keep_device(b"d" * 32, OWNER.id, NOW + 10)
    assert tx.accounts.device_account(b"d" * 32, NOW + 9) == OWNER.id
    assert tx.accounts.device_account(b"d" * 32, NOW + 10) is None
    tx.accounts.keep_device(b"d" * 32, OWNER.id, NOW + 20)
    assert tx.accounts.device_account(b"d" * 32, NOW + 10) == OWNER.id
    assert tx.accounts.device_account(b"e" * 32, NOW) is None
    tx.accounts.forget_devices("usr_2")
    assert tx.accounts.device_account(b"d" * 32, NOW) == OWNER.id
    tx.accounts.forget_devices(OWNER.id)
    assert tx.accounts.device_account(b"d" * 32, NOW) is None


def test_what_is_over_is_dropped(tx: AccountTransaction) -> None:
    """Sessions, devices and attempts whose time is over are gone; the others stay."""
    tx.accounts.add_owner(OWNER)
    for letter, ends_at_ms in ((b"a", NOW), (b"b", NOW + 1)):
        tx.accounts.add_session(replace(SESSION, digest=letter * 32, expires_at_ms=ends_at_ms))
        tx.accounts.keep_device(letter * 32, OWNER.id, ends_at_ms)
        tx.accounts.keep_attempts(letter.decode(), (NOW,), ends_at_ms)
    tx.accounts.forget_expired(NOW)
    assert tx.accounts.session(b"a" * 32, NOW - 1) is None
    assert tx.accounts.session(b"b" * 32, NOW)
    assert tx.accounts.device_account(b"a" * 32, NOW - 1) is None
    assert tx.accounts.device_account(b"b" * 32, NOW) == OWNER.id
    assert tx.accounts.attempts("a") == ()
    assert tx.accounts.attempts("b") == (NOW,)


def test_key_value_entries(tx: AccountTransaction) -> None:
    """A note is what was put last, or nothing."""
    assert tx.key_value.get("setup_token") is None
    tx.key_value.put("setup_token", "first")
    tx.key_value.put("setup_token", "second é")
    assert tx.key_value.get("setup_token") == "second é"
    tx.key_value.put("setup_token", None)
    tx.key_value.put("setup_token", None)
    assert tx.key_value.get("setup_token") is None


def run_together(works: list[Callable[[], T]]) -> list[T | Exception]:
    """Run each in a thread of its own, all starting together; what each returned or raised."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T | Exception:
        start.wait()
        try:
            return work()
        except (RateLimited, NotFound) as refusal:
            return refusal

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_five_of_many_attempts_at_once_count(database: Begin) -> None:
    """Attempts made at the same moment by several processes are counted one by one: five pass, no more."""

    def attempt() -> sign_in.SignInAttempt:
        with database() as tx:
            return sign_in.begin(tx, "owner@example.com")

    outcomes = run_together([attempt] * 12)
    assert sum(isinstance(outcome, sign_in.SignInAttempt) for outcome in outcomes) == 5
    assert sum(isinstance(outcome, RateLimited) for outcome in outcomes) == 7


def test_one_of_many_setups_at_once_makes_the_owner(database: Begin) -> None:
    """The same token posted at the same moment by several makes exactly one owner."""
    with database() as tx:
        token = setup.new_setup_token(tx)
    assert token is not None

    def post(email: str) -> Account:
        with database() as tx:
            return setup.make_owner(tx, token, email, "a hash")

    outcomes = run_together([partial(post, f"{number}@example.com") for number in range(8)])
    owners = [outcome for outcome in outcomes if isinstance(outcome, Account)]
    assert len(owners) == 1
    assert sum(isinstance(outcome, NotFound) for outcome in outcomes) == 7
    with database() as tx:
        assert tx.accounts.owner() == owners[0]


def test_a_reset_during_a_sign_in_leaves_no_session(database: Begin) -> None:
    """A sign-in with the old password that commits while the password is reset leaves no living session behind."""
    with database() as tx:
        tx.accounts.add_owner(OWNER)
        attempt = sign_in.begin(tx, OWNER.email)
    resetting = threading.Event()

    def reset() -> None:
        resetting.set()
        with database() as tx:
            setup.reset_password(tx, None, "another hash")

    with ThreadPoolExecutor(1) as threads:
        with database() as tx:
            done = sign_in.finish(tx, attempt, Verdict(True))
            waiting = threads.submit(reset)
            resetting.wait()
        waiting.result()
    assert done is not None
    with database() as tx:
        assert sessions.find(tx, done.token) is None
        assert sign_in.finish(tx, attempt, Verdict(True)) is None


def test_a_refused_attempt_leaves_no_row(database: Begin) -> None:
    """Refusing is rolled back, so a flood of refused attempts fills nothing."""
    for number in range(5):
        with database() as tx:
            sign_in.begin(tx, f"{number}@example.com")
    with pytest.raises(RateLimited), database() as tx:
        sign_in.begin(tx, "another@example.com")
    with database() as tx:
        assert len(tx.accounts.attempts("address:192.0.2.7")) == 5


def test_one_link_sets_one_password(database: Begin) -> None:
    """However many follow it at once, exactly one is let through."""
    with database() as tx:
        tx.accounts.add_owner(OWNER)
        mailed = mail_links.ask_for_reset(tx, OWNER.email)
    assert mailed

    def follow(number: int) -> bool:
        try:
            with database() as tx:
                mail_links.reset(tx, mailed.token, f"hash {number}")
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(follow, range(4))) == [False, False, False, True]


def test_links_requested_at_once(database: Begin) -> None:
    """Three get one, the others must wait, and one link works: the newest."""
    with database() as tx:
        tx.accounts.add_owner(OWNER)

    def ask(_: int) -> str | None:
        try:
            with database() as tx:
                mailed = mail_links.ask_for_reset(tx, OWNER.email)
        except RateLimited:
            return None
        return mailed.token if mailed else None

    with ThreadPoolExecutor(6) as pool:
        asked = [token for token in pool.map(ask, range(6)) if token]
    assert len(asked) == 3
    with database() as tx:
        assert [mail_links.account_behind(tx, "reset", token) is not None for token in asked].count(True) == 1
