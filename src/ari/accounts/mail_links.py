"""Links that are mailed: to set a forgotten password anew, to confirm another address (security.md 40).

A link carries 256 random bits in its fragment, which no server and no log ever sees; their SHA-256 is stored. It works
once, for 30 minutes, and a newer one of the same purpose takes its place. Who asks learns nothing of whether there is
such an account.

Strangers, however many and from wherever, get an account three mails and then one every four hours: at most eight in
the first day and six in each that follows. Each goes to the owner, so the owner has a link that works whenever one of
them went out. A browser or an address that signed in before has a count of its own, which strangers do not touch.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from ari.accounts import sessions, setup
from ari.accounts.model import Account, MailLink, Purpose, check_email, spell_email
from ari.accounts.networks import network_of, site_of
from ari.accounts.ports import AccountTransaction
from ari.accounts.sign_in import is_device, know_address, known_by
from ari.base.caller import Caller
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, in_words
from ari.base.errors import Invalid, Limited, NotFound, Problem
from ari.base.events import Event, Origin
from ari.base.ids import new_id

LIVES_MS = 30 * MINUTE_MS
AT_ONCE = 3
PAUSE_MS = 4 * HOUR_MS
"""Between the mails that follow those at once, until a day without any has passed."""
PER_HOUR = 3
PER_DAY = 6
"""Of links asked for by somebody whom the account knows."""
PER_HOUR_AND_ADDRESS = 10
PER_HOUR_AND_SITE = 20
"""Of one IPv6 /48."""
GONE = "This link is no longer valid: it was already used, has expired, or was replaced by a newer one."
_VISITOR = "visitor"
_SALT_NOTE = "reset_salt"


@dataclass(frozen=True, slots=True)
class Mailed:
    """What is to be mailed: the event that says so, and the token, which exists nowhere else."""

    event: Event
    token: str = field(repr=False)


def ask_for_reset(
    unit: AccountTransaction, origin: Origin, now_ms: int, email: str, device_token: str | None = None
) -> Mailed | None:
    """A link to set the password of this account anew; ``None`` where there is none, which nobody may notice.

    Raises ``Limited``, alike for known and unknown accounts.
    """
    address = spell_email(email)
    account = _account_of(unit, address)
    _count_reset(unit, now_ms, address, origin, known_by(unit, account, origin, now_ms, device_token))
    event = _event("password_reset_requested", _VISITOR, account.id if account else None, origin, now_ms, {})
    token = sessions.new_token()
    if account is None:
        unit.events.append_bounded(event)
        return None
    unit.events.append(event)
    unit.accounts.locked(account.id)  # one after the other: the newest link is the one that works
    unit.accounts.keep_link(_link(token, account.id, "reset", account.email, now_ms))
    return Mailed(event, token)


def is_good(unit: AccountTransaction, purpose: Purpose, token: str, now_ms: int) -> bool:
    """Whether this link works now. Ask before hashing the password of a form."""
    return _find(unit, purpose, token, now_ms) is not None


def account_behind(unit: AccountTransaction, purpose: Purpose, token: str, now_ms: int) -> Account | None:
    """Whose link it is, while it works."""
    link = _find(unit, purpose, token, now_ms)
    return None if link is None else unit.accounts.locked(link.account_id)


def reset(unit: AccountTransaction, origin: Origin, now_ms: int, token: str, password_hash: str) -> Account:
    """Use a link up for another password. All sessions of the account end; two-factor stays on (security.md 29).

    Raises ``NotFound`` for a link that does not work.
    """
    link = _used(unit, "reset", token, now_ms)
    account = setup.reset_password(unit, Caller(_VISITOR, origin), now_ms, link.email, password_hash)
    know_address(unit, account, origin, now_ms)  # the sign-in that follows waits for no stranger
    return account


def ask_for_address(unit: AccountTransaction, caller: Caller, now_ms: int, email: str) -> Mailed:
    """A link that, followed from the mailbox of the new address, makes it the account's.

    Raises ``Invalid`` for what is no address or is the present one, ``Limited``, ``Unconfirmed``.
    """
    caller.require_confirmed(now_ms)
    account = _locked(unit, caller.actor)
    address = _another(account, email)
    _count(unit, now_ms, f"reset:email:{account.id}", (HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY))
    detail = {"email": address, "old_email": account.email}
    event = _event("email_change_requested", caller.actor, account.id, caller.origin, now_ms, detail)
    unit.events.append(event)
    token = sessions.new_token()
    unit.accounts.keep_link(_link(token, account.id, "email", address, now_ms))
    return Mailed(event, token)


def confirm_address(unit: AccountTransaction, origin: Origin, now_ms: int, token: str) -> Account:
    """Use a link up: its address is the account's from now on. Raises ``NotFound`` for one that does not work."""
    link = _used(unit, "email", token, now_ms)
    return change_address(unit, Caller(link.account_id, origin), now_ms, link.account_id, link.email)


def change_address(unit: AccountTransaction, caller: Caller, now_ms: int, account_id: str, email: str) -> Account:
    """Give an account another address, at which it was proven to be reached or that the command line knows to be right.

    Links that were mailed before work no longer. Raises ``Invalid``, ``NotFound``, ``Unconfirmed``.
    """
    caller.require_confirmed(now_ms)
    account = _locked(unit, account_id)
    address = _another(account, email)
    unit.accounts.set_email(account.id, address)
    unit.accounts.drop_links(account.id)
    detail = {"email": address, "old_email": account.email}
    unit.events.append(_event("email_changed", caller.actor, account.id, caller.origin, now_ms, detail))
    return Account(account.id, address, account.password_hash, account.created_at_ms)


def _locked(unit: AccountTransaction, account_id: str) -> Account:
    account = unit.accounts.locked(account_id)
    if account is None:
        raise NotFound("No such account.")
    return account


def _another(account: Account, email: str) -> str:
    address = check_email(email)
    if address == account.email:
        raise Invalid(Problem("email", "This is already the account's address."))
    return address


def _account_of(unit: AccountTransaction, address: str) -> Account | None:
    try:
        return unit.accounts.by_email(check_email(address))
    except Invalid:
        return None


def _used(unit: AccountTransaction, purpose: Purpose, token: str, now_ms: int) -> MailLink:
    link = _find(unit, purpose, token, now_ms)
    if link is None or not unit.accounts.end_link(link.digest):
        raise NotFound(GONE)
    return link


def _find(unit: AccountTransaction, purpose: Purpose, token: str, now_ms: int) -> MailLink | None:
    if len(token) != sessions.TOKEN_LENGTH or not token.isascii():
        return None
    link = unit.accounts.link(sessions.digest_of(token), now_ms)
    return link if link is not None and link.purpose == purpose else None


def _link(token: str, account_id: str, purpose: Purpose, email: str, now_ms: int) -> MailLink:
    return MailLink(sessions.digest_of(token), account_id, purpose, email, now_ms + LIVES_MS)


def _name_of(unit: AccountTransaction, address: str) -> str:
    """How the counts of an e-mail address are named, whether or not it has an account.

    With a salt that strangers do not know, none of them finds two addresses that share a count, which would show
    whether one has an account. 32 bits: what was typed, perhaps a password, cannot be read from it.
    """
    salt = unit.notes.get(_SALT_NOTE)
    if salt is None:
        salt = sessions.new_token()
        unit.notes.put(_SALT_NOTE, salt)
    digest = hashlib.sha256(f"{salt} {address}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:8]


def _count_reset(unit: AccountTransaction, now_ms: int, address: str, origin: Origin, known: str | None) -> None:
    own = (HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY)
    if known is not None and is_device(known):
        _count(unit, now_ms, f"reset:{known}", *own)
        return
    name = _name_of(unit, address)
    if known is not None:
        _count(unit, now_ms, f"reset:{known}:{name}", *own)
        _count(unit, now_ms, f"reset:from:{network_of(origin.client_address)}", (HOUR_MS, PER_HOUR_AND_ADDRESS))
        return
    bucket = f"reset:account:{name}"
    asked = _recent(unit, bucket, now_ms, DAY_MS)
    if len(asked) >= AT_ONCE:
        _limit(now_ms, asked[-1] + PAUSE_MS)
    _count(unit, now_ms, f"reset:from:{network_of(origin.client_address)}", (HOUR_MS, PER_HOUR_AND_ADDRESS))
    site = site_of(origin.client_address)
    if site is not None:
        _count(unit, now_ms, f"reset:from:{site}", (HOUR_MS, PER_HOUR_AND_SITE))
    unit.accounts.keep_attempts(bucket, (*asked, now_ms), now_ms + DAY_MS)


def _count(unit: AccountTransaction, now_ms: int, bucket: str, *limits: tuple[int, int]) -> None:
    """Count one, within spans of time (milliseconds) so many. Raises ``Limited``; then nothing is counted."""
    longest_ms = max(span_ms for span_ms, _ in limits)
    recent = _recent(unit, bucket, now_ms, longest_ms)
    for span_ms, most in limits:
        if len(recent) >= most:
            _limit(now_ms, recent[-most] + span_ms)
    unit.accounts.keep_attempts(bucket, (*recent, now_ms), now_ms + longest_ms)


def _recent(unit: AccountTransaction, bucket: str, now_ms: int, span_ms: int) -> tuple[int, ...]:
    return tuple(min(at_ms, now_ms) for at_ms in unit.accounts.attempts(bucket) if at_ms > now_ms - span_ms)


def _limit(now_ms: int, free_at_ms: int) -> None:
    if free_at_ms > now_ms:
        seconds = -((now_ms - free_at_ms) // SECOND_MS)
        raise Limited(f"Too many links requested. Try again in {in_words(seconds)}.", retry_after_seconds=seconds)


def _event(name: str, actor: str, subject: str | None, origin: Origin, now_ms: int, detail: dict[str, Any]) -> Event:
    return Event(new_id("evt", now_ms), now_ms, name, actor, subject, origin, detail)
