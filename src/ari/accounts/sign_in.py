"""Signing in with e-mail and password, in three steps (hashing is slow and stays outside transactions)::

    attempt = begin(unit, …)                                    counts it, or raises Limited; commit
    verdict = await pool.verify(attempt.password_hash, password)
    outcome = finish(unit, attempt, now_ms, verdict)            a session, half of one, or None = refused; commit all

Half of one is what an account with two-factor gets: five minutes to give its code (``second_step``).

Limits (security.md 25), kept in the database so that all processes share them: 5 attempts in any 5 minutes per address;
for one e-mail address, whether or not it has an account, a delay from 1 s up to 30 s that grows once 5 attempts failed
within 5 minutes. No account is ever locked: a browser that signed in before carries a device cookie and has 5 attempts
of its own, whatever strangers do. Attempts that are refused by a limit test no password and count nowhere.
"""

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from ari.accounts import sessions
from ari.accounts.model import Account, HalfSignIn, check_email, spell_email
from ari.accounts.password import Verdict
from ari.accounts.ports import AccountUnit
from ari.base.clock import DAY_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import Invalid, Limited
from ari.base.events import Event, Origin
from ari.base.ids import new_id

ATTEMPTS = 5
WINDOW_SECONDS = 300
DELAYS_SECONDS = (1, 2, 4, 8, 16, 30)
"""After the fifth, sixth, … failed attempt within the window. One browser meets the limit of its address first."""
DEVICE_DAYS = 180
HALF_MINUTES = 5

_DEVICE, _ADDRESS, _ACCOUNT = "device:", "address:", "account:"
_WINDOW_MS = WINDOW_SECONDS * SECOND_MS
_KEPT = ATTEMPTS + len(DELAYS_SECONDS)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A counted attempt between ``begin`` and ``finish``."""

    account: Account | None
    origin: Origin
    at_ms: int
    buckets: tuple[str, ...]
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


def begin(unit: AccountUnit, origin: Origin, now_ms: int, email: str, device_token: str | None = None) -> Attempt:
    """Count an attempt before any password is looked at.

    Raises ``Limited`` with the seconds to wait, alike for known and unknown accounts.
    """
    account = _account(unit, email)
    if not _is_known(unit, account, device_token, now_ms):
        device_token = None
    buckets = tuple(_buckets(spell_email(email), origin, device_token))
    counted = {bucket: _recent(unit, bucket, now_ms) for bucket in buckets}
    free_at_ms = max(_free_at_ms(bucket, instants) for bucket, instants in counted.items())
    if free_at_ms > now_ms:
        seconds = -((now_ms - free_at_ms) // SECOND_MS)
        raise Limited(f"Too many sign-in attempts. Try again in {seconds} s.", retry_after_seconds=seconds)
    for bucket, instants in counted.items():
        _keep(unit, bucket, (*instants, now_ms))
    return Attempt(account, origin, now_ms, buckets, device_token)


def finish(
    unit: AccountUnit, attempt: Attempt, now_ms: int, verdict: Verdict, replaced_token: str | None = None
) -> NewSession | HalfSignedIn | None:
    """Make the session or half of one, or write down the refusal and return ``None``; commit in all cases.

    A password that changed since ``begin`` refuses. ``replaced_token`` is the session that the browser had: it ends.
    """
    unit.accounts.forget_expired(now_ms)
    account = attempt.account
    if account is None or not is_right(unit, account, verdict):
        subject = account.id if account else None
        tell(unit, "sign_in_refused", "visitor", subject, attempt, now_ms)
        return None
    if unit.second_step.two_factor(account.id) is not None:
        withdraw(unit, attempt, now_ms)  # no guess; but the delay of the account ends only with a right code
        return _half(unit, account, now_ms)
    if replaced_token is not None:
        unit.accounts.end_session(sessions.digest_of(replaced_token))
    forgive(unit, attempt, now_ms)
    return open_session(unit, account, attempt.origin, now_ms, attempt.device_token)


def is_right(unit: AccountUnit, account: Account, verdict: Verdict) -> bool:
    """Whether the password was right and still is; a hash with older parameters is replaced."""
    stored = unit.accounts.locked(account.id)
    if not verdict.right or stored is None or stored.password_hash != account.password_hash:
        return False
    if verdict.new_hash is not None:
        unit.accounts.set_password_hash(account.id, verdict.new_hash)
    return True


def open_session(
    unit: AccountUnit,
    account: Account,
    origin: Origin,
    now_ms: int,
    device_token: str | None = None,
    second_step: str | None = None,
) -> NewSession:
    """Sign an account in that has proven itself, by its password or by making itself the owner.

    ``second_step`` is what was given besides: a code of the ``app``, a ``backup`` code. The event says ``new_device``
    for a browser that is not known, but for the first sign-in ever.
    """
    kept = know_browser(unit, account, now_ms, device_token)
    detail: dict[str, object] = {"known_device": device_token is not None}
    if device_token is None and unit.events.has(account.id, "signed_in"):
        detail["new_device"] = True
    if second_step:
        detail["second_step"] = second_step
    event_id = new_id("evt", now_ms)
    unit.events.append(Event(event_id, now_ms, "signed_in", account.id, account.id, origin, detail))
    return NewSession(account, sessions.start(unit, account, origin, now_ms), kept)


def know_browser(unit: AccountUnit, account: Account, now_ms: int, device_token: str | None = None) -> str:
    """Give a browser its own count of attempts, or keep it for longer; what its cookie holds."""
    kept = device_token or sessions.new_token()
    unit.accounts.keep_device(sessions.digest_of(kept), account.id, now_ms + DEVICE_DAYS * DAY_MS)
    return kept


def withdraw(unit: AccountUnit, attempt: Attempt, now_ms: int) -> None:
    """Take the attempt back: its password was never looked at (the hashing queue was full), or was right."""
    for bucket in attempt.buckets:
        _give_back(unit, bucket, attempt, now_ms)


def forgive_everybody(unit: AccountUnit) -> None:
    """Nobody has to wait any longer: what they tried is no password any more."""
    for prefix in (_DEVICE, _ADDRESS, _ACCOUNT):
        unit.accounts.forget_attempts(prefix)


def _account(unit: AccountUnit, email: str) -> Account | None:
    try:
        return unit.accounts.by_email(check_email(email))
    except Invalid:
        return None


def _is_known(unit: AccountUnit, account: Account | None, device_token: str | None, now_ms: int) -> bool:
    if device_token is None:
        return False
    account_id = unit.accounts.device_account(sessions.digest_of(device_token), now_ms)
    return account is not None and account_id == account.id


def _buckets(email: str, origin: Origin, device_token: str | None) -> Iterator[str]:
    if device_token is not None:
        yield f"{_DEVICE}{sessions.digest_of(device_token).hex()}"
        return
    yield f"{_ADDRESS}{network_of(origin.client_address)}"
    # 16 bits: a password typed into the wrong field leaves nothing to crack, and strangers make at most 65,536 rows
    yield f"{_ACCOUNT}{hashlib.sha256(email.encode('utf-8', 'surrogatepass')).hexdigest()[:4]}"


def network_of(client_address: str | None) -> str:
    """The address, or for IPv6 its /64: one customer has at least that many."""
    try:
        address = ipaddress.ip_address(client_address or "")
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def _recent(unit: AccountUnit, bucket: str, now_ms: int) -> tuple[int, ...]:
    """The attempts within the window; where the clock stepped back, later ones count as made now."""
    return tuple(min(instant, now_ms) for instant in unit.accounts.attempts(bucket) if instant > now_ms - _WINDOW_MS)


def _free_at_ms(bucket: str, instants: tuple[int, ...]) -> int:
    """From when on this bucket takes another attempt."""
    if len(instants) < ATTEMPTS:
        return 0
    if not bucket.startswith(_ACCOUNT):
        return instants[-ATTEMPTS] + _WINDOW_MS
    step = min(len(instants) - ATTEMPTS, len(DELAYS_SECONDS) - 1)
    return instants[-1] + DELAYS_SECONDS[step] * SECOND_MS


def _keep(unit: AccountUnit, bucket: str, instants: tuple[int, ...]) -> None:
    unit.accounts.keep_attempts(bucket, instants[-_KEPT:], max(instants, default=0) + _WINDOW_MS)


def _give_back(unit: AccountUnit, bucket: str, attempt: Attempt, now_ms: int) -> None:
    instants = list(_recent(unit, bucket, now_ms))
    if attempt.at_ms in instants:
        instants.remove(attempt.at_ms)
    _keep(unit, bucket, tuple(instants))


def forgive(unit: AccountUnit, attempt: Attempt, now_ms: int) -> None:
    """The right password was no guess: it uses up nothing, and the delay of its account ends."""
    for bucket in attempt.buckets:
        if bucket.startswith(_ACCOUNT):
            _keep(unit, bucket, ())
        else:
            _give_back(unit, bucket, attempt, now_ms)


def _half(unit: AccountUnit, account: Account, now_ms: int) -> HalfSignedIn:
    token = sessions.new_token()
    expires_at_ms = now_ms + HALF_MINUTES * MINUTE_MS
    unit.second_step.add_half(HalfSignIn(sessions.digest_of(token), account.id, expires_at_ms))
    return HalfSignedIn(token)


def tell(unit: AccountUnit, name: str, actor: str, subject: str | None, attempt: Attempt, now_ms: int) -> None:
    """Write down how an attempt ended."""
    detail = {"known_device": attempt.device_token is not None}
    unit.events.append(Event(new_id("evt", now_ms), now_ms, name, actor, subject, attempt.origin, detail))
