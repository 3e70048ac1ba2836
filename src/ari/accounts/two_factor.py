"""Two-factor: a code of an authenticator app, or a backup code, after the password.

Turning it on or off ends the account's other sessions (security.md 26). The secret is encrypted and bound to the
account; backup codes are stored hashed and work even if the master key is lost.
"""

from ari.accounts import backup_codes, totp
from ari.accounts.model import Account, TwoFactor
from ari.accounts.ports import AccountTransaction
from ari.base import seal
from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.seal import Context
from ari.base.transaction import record

KIND = "totp"
FEW_CODES = 3
"""With this many backup codes left or fewer, the page suggests making new ones."""


def is_on(tx: AccountTransaction, account_id: str) -> bool:
    """Whether the account needs a code to sign in."""
    return tx.second_step.two_factor(account_id) is not None


def turn_on(tx: AccountTransaction, secret_text: str, code: str) -> list[str]:
    """Turn it on with a secret that the app already makes codes of; the backup codes, which exist nowhere else.

    Raises ``Invalid`` for a wrong code, ``Conflict`` where it is on, ``ReauthRequired``, ``Unavailable``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    account = _account(tx, tx.caller.actor)
    if is_on(tx, account.id):
        raise Conflict("two_factor_on", "Two-factor authentication is already on. Turn it off to set it up again.")
    secret = totp.secret_bytes(secret_text)
    if secret is None:
        raise Invalid(Problem("form", "The form was incomplete. Set it up again."))
    step = totp.find_step(secret, clean_code(code), tx.now_ms)
    if step is None:
        raise Invalid(Problem("code", "This isn't the app's current code. Check that your device's clock is right."))
    seal.keep(tx.sealed, tx.master_keys, Context(KIND, account.id), secret)
    tx.second_step.set_two_factor(TwoFactor(account.id, tx.now_ms, step))
    ended = _end_others(tx, account)
    record(tx, "two_factor_enabled", account.id, {"sessions_ended": ended})
    return _new_backup_codes(tx, account)


def turn_off(tx: AccountTransaction, account_id: str) -> bool:
    """Turn it off; ``False`` if it was off. The caller has just checked a code, or is the command line.

    Raises ``NotFound``, ``ReauthRequired``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    account = _account(tx, account_id)
    if not is_on(tx, account.id):
        return False
    tx.second_step.drop_two_factor(account.id)
    tx.sealed.drop(KIND, account.id)
    ended = _end_others(tx, account)
    record(tx, "two_factor_disabled", account.id, {"sessions_ended": ended})
    return True


def renew_backup_codes(tx: AccountTransaction) -> list[str]:
    """New codes in place of those before. Raises ``Conflict`` where two-factor is off, ``ReauthRequired``."""
    tx.caller.require_confirmed(tx.now_ms)
    account = _account(tx, tx.caller.actor)
    if not is_on(tx, account.id):
        raise Conflict("two_factor_off", "Two-factor authentication is off, so there are no backup codes.")
    record(tx, "backup_codes_made", account.id, {"codes": backup_codes.COUNT})
    return _new_backup_codes(tx, account)


def accept(tx: AccountTransaction, account: Account, code: str) -> str | None:
    """Use a code up: ``"app"`` or ``"backup"`` for a right one, ``None`` for a wrong or used one.

    Raises ``CannotOpen`` for a code of the app if its secret can't be decrypted.
    """
    tx.accounts.lock(account.id)  # one after the other: each time step counts once
    state = tx.second_step.two_factor(account.id)
    if state is None:
        return None
    cleaned = clean_code(code)
    if len(cleaned) == totp.DIGITS and cleaned.isascii() and cleaned.isdigit():
        secret = seal.open_secret(tx.sealed, tx.master_keys, Context(KIND, account.id))
        step = None if secret is None else totp.find_step(secret, cleaned, tx.now_ms, state.last_step)
        if step is None:
            return None
        tx.second_step.set_two_factor(TwoFactor(account.id, state.enabled_at_ms, step))
        return "app"
    digest = backup_codes.digest_of(account.id, code)
    used = digest is not None and tx.second_step.use_backup_code(account.id, digest, tx.now_ms)
    return "backup" if used else None


def clean_code(text: str) -> str:
    """The code of an app as typed, without the spaces that apps show in it."""
    return "".join(text.split())


def _new_backup_codes(tx: AccountTransaction, account: Account) -> list[str]:
    codes = backup_codes.new_codes()
    digests = [backup_codes.digest_of(account.id, code) for code in codes]
    tx.second_step.replace_backup_codes(account.id, [digest for digest in digests if digest], tx.now_ms)
    return codes


def _account(tx: AccountTransaction, account_id: str) -> Account:
    account = tx.accounts.lock(account_id)
    if account is None:
        raise NotFound("No such account.")
    return account


def _end_others(tx: AccountTransaction, account: Account) -> int:
    tx.second_step.forget_halves(account.id)
    return tx.accounts.end_sessions(account.id, except_digest=tx.caller.session_digest)
