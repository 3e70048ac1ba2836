"""Emailed links: to reset a forgotten password or to confirm a new email address (security.md 40).

A link carries 256 random bits in its fragment, which no server and no log ever sees; their SHA-256 is stored. It works
once, for 30 minutes, and is replaced by a newer one of the same purpose. The response doesn't reveal whether the
account exists.

All strangers together can trigger three emails to an account and then one every four hours: at most eight on the
first day and six on each day after. Each contains a working link for the owner. A browser or an address that signed
in before has its own limit, which strangers don't use up.
"""

import hashlib
from dataclasses import dataclass, field, replace

from ari.accounts import sessions, setup
from ari.accounts.attempt_counts import count_attempt, read_recent, require_wait
from ari.accounts.model import Account, MailLink, Purpose, check_email, spell_email
from ari.accounts.networks import network_of, site_of
from ari.accounts.ports import AccountTransaction
from ari.accounts.sign_in import find_known_bucket, is_device, know_address
from ari.base.caller import Caller
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS
from ari.base.errors import Invalid, NotFound, Problem
from ari.base.events import Event
from ari.base.transaction import new_event, record

LIVES_MS = 30 * MINUTE_MS
AT_ONCE = 3
PAUSE_MS = 4 * HOUR_MS
"""Between the emails after the immediate ones, until a day without any has passed."""
PER_HOUR = 3
PER_DAY = 6
"""For links requested from a browser or address that has signed in before."""
PER_HOUR_AND_ADDRESS = 10
PER_HOUR_AND_SITE = 20
"""Of one IPv6 /48."""
GONE = "This link is no longer valid: it was already used, has expired, or was replaced by a newer one."
_SALT_KEY = "reset_salt"
_TOO_MANY = "Too many links requested."


@dataclass(frozen=True, slots=True)
class Mailed:
    """A link to email: its event, and the token, which exists nowhere else."""

    event: Event
    token: str = field(repr=False)


def ask_for_reset(tx: AccountTransaction, email: str, device_token: str | None = None) -> Mailed | None:
    """A link to reset this account's password; ``None`` if there is no account, which the caller must not reveal.

    Raises ``RateLimited``, alike for known and unknown accounts.
    """
    address = spell_email(email)
    account = _account_of(tx, address)
    _count_reset(tx, address, find_known_bucket(tx, account, device_token))
    event = new_event(tx, "password_reset_requested", account.id if account else None)
    token = sessions.new_token()
    if account is None:
        tx.events.append_bounded(event)
        return None
    tx.events.append(event)
    tx.accounts.lock(account.id)  # one after the other: the newest link is the one that works
    tx.accounts.keep_link(_link(token, account.id, "reset", account.email, tx.now_ms))
    return Mailed(event, token)


def account_behind(tx: AccountTransaction, purpose: Purpose, token: str) -> Account | None:
    """Whose link it is, while it works."""
    link = _find(tx, purpose, token)
    return None if link is None else tx.accounts.lock(link.account_id)


def reset(tx: AccountTransaction, token: str, password_hash: str) -> Account:
    """Use a link up for another password. All sessions of the account end; two-factor stays on (security.md 29).

    Raises ``NotFound`` for a link that does not work.
    """
    link = _use(tx, "reset", token)
    account = setup.reset_password(tx, link.email, password_hash)
    know_address(tx, account)  # the sign-in that follows waits for no stranger
    return account


def ask_for_address(tx: AccountTransaction, email: str) -> Mailed:
    """A link that, followed from the mailbox of the new address, makes it the account's.

    Raises ``Invalid`` for what is no address or is the present one, ``RateLimited``, ``ReauthRequired``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    account = _lock_account(tx, tx.caller.actor)
    address = _another(account, email)
    count_attempt(tx, f"reset:email:{account.id}", _TOO_MANY, (HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY))
    detail = {"email": address, "old_email": account.email}
    event = record(tx, "email_change_requested", account.id, detail)
    token = sessions.new_token()
    tx.accounts.keep_link(_link(token, account.id, "email", address, tx.now_ms))
    return Mailed(event, token)


def confirm_address(tx: AccountTransaction, token: str) -> Account:
    """Use a link up: its address is the account's from now on. Raises ``NotFound`` for one that does not work."""
    link = _use(tx, "email", token)
    return _set_address(tx, link.account_id, link.email, caller=replace(tx.caller, actor=link.account_id))


def change_address(tx: AccountTransaction, account_id: str, email: str) -> Account:
    """Give an account another address, at which it was proven to be reached or that the command line knows to be right.

    Links emailed before stop working. Raises ``Invalid``, ``NotFound``, ``ReauthRequired``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    return _set_address(tx, account_id, email, caller=tx.caller)


def _set_address(tx: AccountTransaction, account_id: str, email: str, caller: Caller) -> Account:
    account = _lock_account(tx, account_id)
    address = _another(account, email)
    tx.accounts.set_email(account.id, address)
    tx.accounts.drop_links(account.id)
    detail = {"email": address, "old_email": account.email}
    record(tx, "email_changed", account.id, detail, caller=caller)
    return Account(account.id, address, account.password_hash, account.created_at_ms)


def _lock_account(tx: AccountTransaction, account_id: str) -> Account:
    account = tx.accounts.lock(account_id)
    if account is None:
        raise NotFound("No such account.")
    return account


def _another(account: Account, email: str) -> str:
    address = check_email(email)
    if address == account.email:
        raise Invalid(Problem("email", "This is already the account's address."))
    return address


def _account_of(tx: AccountTransaction, address: str) -> Account | None:
    try:
        return tx.accounts.by_email(check_email(address))
    except Invalid:
        return None


def _use(tx: AccountTransaction, purpose: Purpose, token: str) -> MailLink:
    link = _find(tx, purpose, token)
    if link is None or not tx.accounts.end_link(link.digest):
        raise NotFound(GONE)
    return link


def _find(tx: AccountTransaction, purpose: Purpose, token: str) -> MailLink | None:
    if len(token) != sessions.TOKEN_LENGTH or not token.isascii():
        return None
    link = tx.accounts.link(sessions.digest_of(token), tx.now_ms)
    return link if link is not None and link.purpose == purpose else None


def _link(token: str, account_id: str, purpose: Purpose, email: str, now_ms: int) -> MailLink:
    return MailLink(sessions.digest_of(token), account_id, purpose, email, now_ms + LIVES_MS)


def _name_of(tx: AccountTransaction, address: str) -> str:
    """The names of an email address's counters, whether or not it has an account.

    With a salt that strangers do not know, none of them finds two addresses that share a count, which would show
    whether one has an account. 32 bits: what was typed, perhaps a password, cannot be read from it.
    """
    salt = tx.key_value.get(_SALT_KEY)
    if salt is None:
        salt = sessions.new_token()
        tx.key_value.put(_SALT_KEY, salt)
    digest = hashlib.sha256(f"{salt} {address}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:8]


def _count_reset(tx: AccountTransaction, address: str, known: str | None) -> None:
    now_ms, origin = tx.now_ms, tx.caller.origin
    own = (HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY)
    if known is not None and is_device(known):
        count_attempt(tx, f"reset:{known}", _TOO_MANY, *own)
        return
    name = _name_of(tx, address)
    if known is not None:
        count_attempt(tx, f"reset:{known}:{name}", _TOO_MANY, *own)
        count_attempt(tx, f"reset:from:{network_of(origin.client_address)}", _TOO_MANY, (HOUR_MS, PER_HOUR_AND_ADDRESS))
        return
    bucket = f"reset:account:{name}"
    asked = read_recent(tx, bucket, DAY_MS)
    if len(asked) >= AT_ONCE:
        require_wait(tx, asked[-1] + PAUSE_MS, _TOO_MANY)
    count_attempt(tx, f"reset:from:{network_of(origin.client_address)}", _TOO_MANY, (HOUR_MS, PER_HOUR_AND_ADDRESS))
    site = site_of(origin.client_address)
    if site is not None:
        count_attempt(tx, f"reset:from:{site}", _TOO_MANY, (HOUR_MS, PER_HOUR_AND_SITE))
    tx.accounts.keep_attempts(bucket, (*asked, now_ms), now_ms + DAY_MS)
