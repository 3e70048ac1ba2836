"""The second step of a sign-in, and proving again who sits at a session. All of it counts as attempts to sign in.

::

    begin → verify → finish → HalfSignedIn      the password was right; five minutes for the code (``sign_in``)
    finish_with_code(unit, …)                   a session, or None = refused; commit both

    begin → verify → confirm(unit, …)           the session may do what is sensitive for 15 minutes (security.md 29)
"""

from ari.accounts import sessions, sign_in, two_factor
from ari.accounts.model import Account, HalfSignIn
from ari.accounts.password import Verdict
from ari.accounts.ports import AccountTransaction
from ari.accounts.sign_in import Attempt, NewSession
from ari.base.caller import Caller
from ari.base.errors import NotFound
from ari.base.events import Event, Origin
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys


def waits_for_code(unit: AccountTransaction, half_token: str | None, now_ms: int) -> bool:
    """Whether this browser has given its password and has time left for its code."""
    return _half(unit, half_token, now_ms) is not None


def finish_with_code(
    unit: AccountTransaction,
    keys: MasterKeys,
    origin: Origin,
    now_ms: int,
    half_token: str | None,
    code: str,
    device_token: str | None = None,
    replaced_token: str | None = None,
) -> NewSession | None:
    """Make the session, or write down the refusal and return ``None``; commit in both cases.

    Raises ``NotFound`` where the five minutes are over, ``Limited``, ``CannotOpen``.
    """
    account = _account_of(unit, half_token, now_ms)
    if account is None or half_token is None:
        raise NotFound("The code expired. Sign in again.")
    attempt = sign_in.begin(unit, origin, now_ms, account.email, device_token, code=True)
    step = two_factor.accept(unit, keys, account, now_ms, code)
    if step is None:
        sign_in.tell(unit, "code_refused", "visitor", account.id, attempt, now_ms)
        return None
    if replaced_token is not None:
        unit.accounts.end_session(sessions.digest_of(replaced_token))
    unit.second_step.end_half(sessions.digest_of(half_token))
    sign_in.forgive(unit, attempt, now_ms)
    return sign_in.open_session(unit, account, origin, now_ms, attempt.device_token, step)


def turn_off_with_code(
    unit: AccountTransaction,
    keys: MasterKeys,
    caller: Caller,
    now_ms: int,
    account: Account,
    code: str,
    device_token: str | None = None,
) -> bool:
    """Turn two-factor off for whoever gave the password just now and a right code; else write the refusal down.

    Raises ``Limited``, ``Unconfirmed``, ``CannotOpen``.
    """
    caller.require_confirmed(now_ms)
    attempt = sign_in.begin(unit, caller.origin, now_ms, account.email, device_token, code=True)
    if two_factor.accept(unit, keys, account, now_ms, code) is None:
        sign_in.tell(unit, "code_refused", account.id, account.id, attempt, now_ms)
        return False
    sign_in.forgive(unit, attempt, now_ms)
    two_factor.turn_off(unit, caller, now_ms, account.id)
    return True


def confirm(unit: AccountTransaction, caller: Caller, attempt: Attempt, now_ms: int, verdict: Verdict) -> bool:
    """Let the calling session do what is sensitive from now on, or write the refusal down; commit in both cases."""
    account, digest = attempt.account, caller.session_digest
    assert digest is not None  # keys and the command line are never asked
    if account is None or account.id != caller.actor or not sign_in.is_right(unit, account, verdict):
        sign_in.tell(unit, "confirmation_refused", caller.actor, caller.actor, attempt, now_ms)
        return False
    sign_in.forgive(unit, attempt, now_ms)
    unit.accounts.confirm_session(digest, now_ms)
    event_id = new_id("evt", now_ms)
    unit.events.append(Event(event_id, now_ms, "identity_confirmed", caller.actor, caller.actor, caller.origin))
    return True


def _account_of(unit: AccountTransaction, half_token: str | None, now_ms: int) -> Account | None:
    half = _half(unit, half_token, now_ms)
    return None if half is None else unit.accounts.locked(half.account_id)


def _half(unit: AccountTransaction, half_token: str | None, now_ms: int) -> HalfSignIn | None:
    if half_token is None or len(half_token) != sessions.TOKEN_LENGTH:
        return None
    return unit.second_step.half(sessions.digest_of(half_token), now_ms)
