"""Two-factor: a code of an authenticator app, or a backup code, after the password.

Turning it on or off ends the account's other sessions (security.md 26). The secret is sealed and bound to the account;
backup codes are stored hashed and open the door also where the master key is lost.
"""

from ari.accounts import backup_codes, totp
from ari.accounts.model import Account, TwoFactor
from ari.accounts.ports import AccountTransaction
from ari.base import seal
from ari.base.caller import Caller
from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys
from ari.base.seal import Context

KIND = "totp"
FEW_CODES = 3
"""With so few backup codes left people are told to make new ones."""


def turn_on(
    unit: AccountTransaction, keys: MasterKeys, caller: Caller, now_ms: int, secret_text: str, code: str
) -> list[str]:
    """Turn it on with a secret that the app already makes codes of; the backup codes, which exist nowhere else.

    Raises ``Invalid`` for a wrong code, ``Conflict`` where it is on, ``Unconfirmed``, ``Unavailable``.
    """
    caller.require_confirmed(now_ms)
    account = _account(unit, caller.actor)
    if unit.second_step.two_factor(account.id) is not None:
        raise Conflict("two_factor_on", "Two-factor authentication is already on. Turn it off to set it up again.")
    secret = totp.secret_bytes(secret_text)
    if secret is None:
        raise Invalid(Problem("form", "The form was incomplete. Set it up again."))
    step = totp.matching_step(secret, clean_code(code), now_ms)
    if step is None:
        raise Invalid(Problem("code", "This isn't the app's current code. Check that your device's clock is right."))
    seal.keep(unit.sealed, keys, Context(KIND, account.id), secret)
    unit.second_step.set_two_factor(TwoFactor(account.id, now_ms, step))
    ended = _end_others(unit, caller, account)
    _tell(unit, "two_factor_enabled", caller, account, now_ms, {"sessions_ended": ended})
    return _new_backup_codes(unit, account, now_ms)


def turn_off(unit: AccountTransaction, caller: Caller, now_ms: int, account_id: str) -> bool:
    """Turn it off; ``False`` if it was. Whoever calls has just proven a code, or acts at the command line.

    Raises ``NotFound``, ``Unconfirmed``.
    """
    caller.require_confirmed(now_ms)
    account = _account(unit, account_id)
    if unit.second_step.two_factor(account.id) is None:
        return False
    unit.second_step.drop_two_factor(account.id)
    unit.sealed.drop(KIND, account.id)
    ended = _end_others(unit, caller, account)
    _tell(unit, "two_factor_disabled", caller, account, now_ms, {"sessions_ended": ended})
    return True


def renew_backup_codes(unit: AccountTransaction, caller: Caller, now_ms: int) -> list[str]:
    """New codes in place of those before. Raises ``Conflict`` where two-factor is off, ``Unconfirmed``."""
    caller.require_confirmed(now_ms)
    account = _account(unit, caller.actor)
    if unit.second_step.two_factor(account.id) is None:
        raise Conflict("two_factor_off", "Two-factor authentication is off, so there are no backup codes.")
    _tell(unit, "backup_codes_made", caller, account, now_ms, {"codes": backup_codes.COUNT})
    return _new_backup_codes(unit, account, now_ms)


def accept(unit: AccountTransaction, keys: MasterKeys, account: Account, now_ms: int, code: str) -> str | None:
    """Use a code up: ``"app"`` or ``"backup"`` for a right one, ``None`` for a wrong or used one.

    Raises ``CannotOpen`` for a code of the app if its sealed secret does not open.
    """
    unit.accounts.locked(account.id)  # one after the other: each time step counts once
    state = unit.second_step.two_factor(account.id)
    if state is None:
        return None
    cleaned = clean_code(code)
    if len(cleaned) == totp.DIGITS and cleaned.isascii() and cleaned.isdigit():
        secret = seal.opened(unit.sealed, keys, Context(KIND, account.id))
        step = None if secret is None else totp.matching_step(secret, cleaned, now_ms, state.last_step)
        if step is None:
            return None
        unit.second_step.set_two_factor(TwoFactor(account.id, state.enabled_at_ms, step))
        return "app"
    digest = backup_codes.digest_of(account.id, code)
    used = digest is not None and unit.second_step.use_backup_code(account.id, digest, now_ms)
    return "backup" if used else None


def clean_code(text: str) -> str:
    """The code of an app as typed, without the spaces that apps show in it."""
    return "".join(text.split())


def _new_backup_codes(unit: AccountTransaction, account: Account, now_ms: int) -> list[str]:
    codes = backup_codes.new_codes()
    digests = [backup_codes.digest_of(account.id, code) for code in codes]
    unit.second_step.replace_backup_codes(account.id, [digest for digest in digests if digest], now_ms)
    return codes


def _account(unit: AccountTransaction, account_id: str) -> Account:
    account = unit.accounts.locked(account_id)
    if account is None:
        raise NotFound("No such account.")
    return account


def _end_others(unit: AccountTransaction, caller: Caller, account: Account) -> int:
    unit.second_step.forget_halves(account.id)
    return unit.accounts.end_sessions(account.id, except_digest=caller.session_digest)


def _tell(
    unit: AccountTransaction, name: str, caller: Caller, account: Account, now_ms: int, detail: dict[str, object]
) -> None:
    unit.events.append(Event(new_id("evt", now_ms), now_ms, name, caller.actor, account.id, caller.origin, detail))
