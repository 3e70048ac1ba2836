"""Signing in with email and password, in three steps (hashing is slow and stays outside transactions)::

    attempt = begin(tx, …)                                    counts it, or raises RateLimited; commit
    verdict = await pool.verify(attempt.password_hash, password)
    outcome = finish(tx, attempt, now_ms, verdict)            a session, half of one, or None = refused; commit all

Half of one is what an account with two-factor gets: five minutes to give its code (``second_step``).

Limits (security.md 25), kept in the database so that all processes share them: 5 attempts in any 5 minutes per address
(IPv6: a /64, and 20 for a /48); for one email address, whether or not it has an account, a delay from 1 s up to 30 s
that grows once 5 attempts failed within 5 minutes. No account is ever locked: the delay does not concern a network that
has not tried of late (``new_networks``), and a browser that signed in before, or any browser at an address from which
the account signed in before, has 5 attempts of its own, whatever strangers do. Attempts that are refused by a limit
test no password and count nowhere.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ari.accounts import new_networks, sessions
from ari.accounts.model import Account, HalfSignIn, check_email, spell_email
from ari.accounts.networks import AddressNetworks, network_of, networks_around, site_of
from ari.accounts.password import Verdict
from ari.accounts.ports import AccountTransaction
from ari.base.clock import DAY_MS, MINUTE_MS, SECOND_MS, in_words
from ari.base.errors import Invalid, RateLimited
from ari.base.events import Origin
from ari.base.transaction import new_event, record

ATTEMPTS = 5
ATTEMPTS_OF_A_SITE = 20
"""Of one IPv6 /48, whose 65,536 /64s one customer may have."""
WINDOW_SECONDS = 300
DELAYS_SECONDS = (1, 2, 4, 8, 16, 30)
"""After the fifth, sixth, … failed attempt within the window. One browser meets the limit of its address first."""
DEVICE_DAYS = 180
HALF_MINUTES = 5

_DEVICE, _ADDRESS, _SITE = "device:", "address:", "site:"
_ACCOUNT, _NEWCOMERS, _CODES = "account:", "newcomers:", "codes:"
_WINDOW_MS = WINDOW_SECONDS * SECOND_MS
_KEPT = ATTEMPTS + len(DELAYS_SECONDS)


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """A counted attempt between ``begin`` and ``finish``: in each bucket, as the entry that is kept there.

    ``stranger`` is where it came from, ``None`` for a browser or an address from which the account signed in before.
    """

    account: Account | None
    counted: tuple[tuple[str, int], ...]
    stranger: AddressNetworks | None
    device_token: str | None = field(repr=False)

    @property
    def password_hash(self) -> str | None:
        """What to check the password against; ``None`` for an unknown account, checked all the same."""
        return self.account.password_hash if self.account else None


@dataclass(frozen=True, slots=True)
class NewSession:
    """A successful sign-in: what the two cookies hold."""

    account: Account
    token: str = field(repr=False)
    device_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HalfSignedIn:
    """The password was right and a code is still to come: what the cookie between the two forms holds."""

    token: str = field(repr=False)


def begin(tx: AccountTransaction, email: str, device_token: str | None = None, *, code: bool = False) -> SignInAttempt:
    """Count an attempt before checking a password or a ``code``.

    Codes have their own delay: only attempts with the right password start it, and it has no newcomers, since six
    digits allow fewer guesses than a password.

    Raises ``RateLimited`` with the seconds to wait, alike for known and unknown accounts.
    """
    now_ms, origin = tx.now_ms, tx.caller.origin
    account = _account(tx, email)
    known = find_known_bucket(tx, account, device_token)
    if known is None or not is_device(known):
        device_token = None
    place = networks_around(origin.client_address)
    name = hashlib.sha256(spell_email(email).encode("utf-8", "surrogatepass")).hexdigest()[:4]
    entries = dict.fromkeys(_buckets(f"{_CODES if code else _ACCOUNT}{name}", origin, known), now_ms)
    counted = {bucket: _recent(tx, bucket) for bucket in entries}
    free_at_ms = {bucket: _free_at_ms(bucket, instants) for bucket, instants in counted.items()}
    delayed = f"{_ACCOUNT}{name}"
    if free_at_ms.get(delayed, 0) > now_ms:  # never of a code
        bucket = f"{_NEWCOMERS}{name}"
        counted[bucket] = _recent(tx, bucket)
        if new_networks.may_try(place, counted[bucket]):
            del free_at_ms[delayed], entries[delayed]
            entries[bucket] = new_networks.entry_of(place, now_ms)
    latest_ms = max(free_at_ms.values(), default=0)
    if latest_ms > now_ms:
        seconds = -((now_ms - latest_ms) // SECOND_MS)
        raise RateLimited(f"Too many sign-in attempts. Try again in {in_words(seconds)}.", retry_after_seconds=seconds)
    for bucket, entry in entries.items():
        _keep(tx, bucket, (*counted[bucket], entry))
    return SignInAttempt(account, tuple(entries.items()), place if known is None else None, device_token)


def finish(
    tx: AccountTransaction, attempt: SignInAttempt, verdict: Verdict, replaced_token: str | None = None
) -> NewSession | HalfSignedIn | None:
    """Make the session or half of one, or write down the refusal and return ``None``; commit in all cases.

    A password that changed since ``begin`` refuses. ``replaced_token`` is the session that the browser had: it ends.
    """
    tx.accounts.forget_expired(tx.now_ms)
    account = attempt.account
    if account is None or not is_right(tx, account, verdict):
        subject = account.id if account else None
        record_refusal(tx, "sign_in_refused", subject, attempt)
        return None
    if tx.second_step.two_factor(account.id) is not None:
        withdraw(tx, attempt)  # no guess; but the delay of the account ends only with a right code
        return _half(tx, account)
    if replaced_token is not None:
        tx.accounts.end_session(sessions.digest_of(replaced_token))
    forgive(tx, attempt)
    return open_session(tx, account, attempt.device_token)


def is_right(tx: AccountTransaction, account: Account, verdict: Verdict) -> bool:
    """Whether the password was right and still is; a hash with older parameters is replaced."""
    stored = tx.accounts.lock(account.id)
    if not verdict.right or stored is None or stored.password_hash != account.password_hash:
        return False
    if verdict.new_hash is not None:
        tx.accounts.set_password_hash(account.id, verdict.new_hash)
    return True


def open_session(
    tx: AccountTransaction,
    account: Account,
    device_token: str | None = None,
    second_step: str | None = None,
) -> NewSession:
    """Sign an account in that has proven itself, by its password or by making itself the owner.

    ``second_step`` is what was given besides: a code of the ``app``, a ``backup`` code. The event says ``new_device``
    for a browser that is not known, but for the first sign-in ever.
    """
    kept = know_browser(tx, account, device_token)
    know_address(tx, account)
    detail: dict[str, object] = {"known_device": device_token is not None}
    if device_token is None and tx.events.has(account.id, "signed_in"):
        detail["new_device"] = True
    if second_step:
        detail["second_step"] = second_step
    record(tx, "signed_in", account.id, detail, caller=replace(tx.caller, actor=account.id))
    return NewSession(account, sessions.start(tx, account), kept)


def know_browser(tx: AccountTransaction, account: Account, device_token: str | None = None) -> str:
    """Give a browser its own count of attempts, or keep it for longer; what its cookie holds."""
    kept = device_token or sessions.new_token()
    tx.accounts.keep_device(sessions.digest_of(kept), account.id, tx.now_ms + DEVICE_DAYS * DAY_MS)
    return kept


def know_address(tx: AccountTransaction, account: Account) -> None:
    """Let no browser at this address wait for strangers elsewhere, for as long as a browser is known."""
    origin = tx.caller.origin
    if origin.client_address is not None:
        tx.accounts.keep_device(_address_digest(origin), account.id, tx.now_ms + DEVICE_DAYS * DAY_MS)


def find_known_bucket(tx: AccountTransaction, account: Account | None, device_token: str | None) -> str | None:
    """The bucket of a visitor who is known: by a browser that signed in to this account, or by an address from which
    somebody signed in, to whichever account: who tries from there learns of no account. ``None`` for a stranger.
    """
    origin = tx.caller.origin
    if account is not None and device_token is not None:
        digest = sessions.digest_of(device_token)
        if tx.accounts.device_account(digest, tx.now_ms) == account.id:
            return f"{_DEVICE}{digest.hex()}"
    if tx.accounts.device_account(_address_digest(origin), tx.now_ms) is not None:
        return f"{_ADDRESS}{network_of(origin.client_address)}"
    return None


def is_known(tx: AccountTransaction, email: str, device_token: str | None) -> bool:
    """Whether a person who types this email address is known (``find_known_bucket``); reads only."""
    return find_known_bucket(tx, _account(tx, email), device_token) is not None


def is_device(known: str) -> bool:
    """Whether this is the bucket of a browser, and not of an address."""
    return known.startswith(_DEVICE)


def withdraw(tx: AccountTransaction, attempt: SignInAttempt) -> None:
    """Take the attempt back: its password was never looked at (the hashing queue was full), or was right."""
    for bucket, entry in attempt.counted:
        _give_back(tx, bucket, entry)


def forgive_everybody(tx: AccountTransaction) -> None:
    """Nobody has to wait any longer: what they tried is no password any more."""
    for prefix in (_DEVICE, _ADDRESS, _SITE, _ACCOUNT, _NEWCOMERS, _CODES):
        tx.accounts.forget_attempts(prefix)


def _account(tx: AccountTransaction, email: str) -> Account | None:
    try:
        return tx.accounts.by_email(check_email(email))
    except Invalid:
        return None


def _address_digest(origin: Origin) -> bytes:
    # No token of a device: those have no spaces.
    return sessions.digest_of(f"address {network_of(origin.client_address)}")


def _buckets(delayed: str, origin: Origin, known: str | None) -> Iterator[str]:
    if known is not None:
        yield known
        return
    yield f"{_ADDRESS}{network_of(origin.client_address)}"
    site = site_of(origin.client_address)
    if site is not None:
        yield f"{_SITE}{site}"
    # 16 bits: a password typed into the wrong field leaves nothing to crack, and strangers make at most 65,536 rows
    yield delayed


def _recent(tx: AccountTransaction, bucket: str) -> tuple[int, ...]:
    """The attempts within the window; where the clock stepped back, later ones count as made now."""
    now_ms, kept = tx.now_ms, tx.accounts.attempts(bucket)
    if bucket.startswith(_NEWCOMERS):
        return tuple(one for one in kept if abs(now_ms - new_networks.instant_of(one)) < new_networks.WINDOW_MS)
    return tuple(min(instant, now_ms) for instant in kept if instant > now_ms - _WINDOW_MS)


def _free_at_ms(bucket: str, instants: tuple[int, ...]) -> int:
    """From when on this bucket takes another attempt."""
    most = ATTEMPTS_OF_A_SITE if bucket.startswith(_SITE) else ATTEMPTS
    if len(instants) < most:
        return 0
    if not bucket.startswith((_ACCOUNT, _CODES)):
        return instants[-most] + _WINDOW_MS
    step = min(len(instants) - ATTEMPTS, len(DELAYS_SECONDS) - 1)
    return instants[-1] + DELAYS_SECONDS[step] * SECOND_MS


def _keep(tx: AccountTransaction, bucket: str, entries: tuple[int, ...]) -> None:
    if bucket.startswith(_NEWCOMERS):
        ends_ms = max(map(new_networks.instant_of, entries), default=0) + new_networks.WINDOW_MS
        tx.accounts.keep_attempts(bucket, entries, ends_ms)
        return
    kept = entries[-max(_KEPT, ATTEMPTS_OF_A_SITE) :]
    tx.accounts.keep_attempts(bucket, kept, max(kept, default=0) + _WINDOW_MS)


def _give_back(tx: AccountTransaction, bucket: str, entry: int) -> None:
    entries = list(_recent(tx, bucket))
    if entry in entries:
        entries.remove(entry)
    _keep(tx, bucket, tuple(entries))


def forgive(tx: AccountTransaction, attempt: SignInAttempt) -> None:
    """The right password or code was no guess: it uses up nothing, and the delays of its account end."""
    for bucket, entry in attempt.counted:
        kind, _, name = bucket.partition(":")
        if f"{kind}:" not in (_ACCOUNT, _CODES):
            _give_back(tx, bucket, entry)
        if f"{kind}:" in (_ACCOUNT, _CODES, _NEWCOMERS):
            for delayed in (_ACCOUNT, _CODES):
                _keep(tx, f"{delayed}{name}", ())


def _half(tx: AccountTransaction, account: Account) -> HalfSignedIn:
    token = sessions.new_token()
    expires_at_ms = tx.now_ms + HALF_MINUTES * MINUTE_MS
    tx.second_step.add_half(HalfSignIn(sessions.digest_of(token), account.id, expires_at_ms))
    return HalfSignedIn(token)


def record_refusal(tx: AccountTransaction, name: str, subject: str | None, attempt: SignInAttempt) -> None:
    """Record that an attempt was refused; events beyond the bound are only counted, since strangers cause many."""
    detail = {"known_device": attempt.device_token is not None}
    tx.events.append_bounded(new_event(tx, name, subject, detail))
