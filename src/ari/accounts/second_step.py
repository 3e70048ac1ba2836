"""The second step of a sign-in, and proving again who sits at a session. All of it counts as attempts to sign in.

::

    begin → verify → finish → HalfSignedIn      the password was right; five minutes for the code (``sign_in``)
    finish_with_code(tx, …)                   a session, or None = refused; commit both

    begin → verify → confirm(tx, …)           the session may do what is sensitive for 15 minutes (security.md 29)
"""

from ari.accounts import sessions, sign_in, two_factor
from ari.accounts.model import Account, HalfSignIn
from ari.accounts.password import Verdict
from ari.accounts.ports import AccountTransaction
from ari.accounts.sign_in import NewSession, SignInAttempt
from ari.base.errors import NotFound
from ari.base.transaction import record


def waits_for_code(tx: AccountTransaction, half_token: str | None) -> bool:
    """Whether this browser has given its password and has time left for its code."""
    return _half(tx, half_token) is not None


def finish_with_code(
    tx: AccountTransaction,
    half_token: str | None,
    code: str,
    device_token: str | None = None,
    replaced_token: str | None = None,
) -> NewSession | None:
    """Make the session, or write down the refusal and return ``None``; commit in both cases.

    Raises ``NotFound`` where the five minutes are over, ``RateLimited``, ``CannotOpen``.
    """
    account = _account_of(tx, half_token)
    if account is None or half_token is None:
        raise NotFound("The code expired. Sign in again.")
    attempt = sign_in.begin(tx, account.email, device_token, code=True)
    step = two_factor.accept(tx, account, code)
    if step is None:
        sign_in.record_refusal(tx, "code_refused", account.id, attempt)
        return None
    if replaced_token is not None:
        tx.accounts.end_session(sessions.digest_of(replaced_token))
    tx.second_step.end_half(sessions.digest_of(half_token))
    sign_in.forgive(tx, attempt)
    return sign_in.open_session(tx, account, attempt.device_token, step)


def turn_off_with_code(tx: AccountTransaction, account: Account, code: str, device_token: str | None = None) -> bool:
    """Turn two-factor off after a recent password check and with a correct code; otherwise record the refusal.

    Raises ``RateLimited``, ``ReauthRequired``, ``CannotOpen``.
    """
    tx.caller.require_confirmed(tx.now_ms)
    attempt = sign_in.begin(tx, account.email, device_token, code=True)
    if two_factor.accept(tx, account, code) is None:
        sign_in.record_refusal(tx, "code_refused", account.id, attempt)
        return False
    sign_in.forgive(tx, attempt)
    two_factor.turn_off(tx, account.id)
    return True


def confirm(tx: AccountTransaction, attempt: SignInAttempt, verdict: Verdict) -> bool:
    """Let the calling session do what is sensitive from now on, or write the refusal down; commit in both cases."""
    account, caller = attempt.account, tx.caller
    digest = caller.session_digest
    assert digest is not None  # keys and the command line are never asked
    if account is None or account.id != caller.actor or not sign_in.is_right(tx, account, verdict):
        sign_in.record_refusal(tx, "confirmation_refused", caller.actor, attempt)
        return False
    sign_in.forgive(tx, attempt)
    tx.accounts.confirm_session(digest, tx.now_ms)
    record(tx, "identity_confirmed", caller.actor)
    return True


def _account_of(tx: AccountTransaction, half_token: str | None) -> Account | None:
    half = _half(tx, half_token)
    return None if half is None else tx.accounts.lock(half.account_id)


def _half(tx: AccountTransaction, half_token: str | None) -> HalfSignIn | None:
    if half_token is None or len(half_token) != sessions.TOKEN_LENGTH:
        return None
    return tx.second_step.half(sessions.digest_of(half_token), tx.now_ms)
