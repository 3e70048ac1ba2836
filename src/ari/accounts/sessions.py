"""Browser sessions: 256 random bits in a cookie, only their SHA-256 in the database, 30 days.

Also the proof against forged forms (CSRF): derived from the cookie's token, so it needs no storage and no master key.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import replace

from ari.accounts.model import SESSION_DAYS, Account, Session, SignedIn
from ari.accounts.ports import AccountStore, AccountTransaction
from ari.base.caller import Caller
from ari.base.clock import DAY_MS
from ari.base.errors import CallerRevoked
from ari.base.events import Origin
from ari.base.transaction import record

TOKEN_LENGTH = 43
_CSRF_LABEL = b"ari csrf proof 1"


def new_token() -> str:
    """256 random bits as 43 URL-safe characters: for sessions, devices, setup and a visitor's cookie."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> bytes:
    """The digest to store for a token (SHA-256); a fast hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def start(tx: AccountTransaction, account: Account) -> str:
    """Store a new session; its token, which exists nowhere else."""
    token = new_token()
    tx.accounts.add_session(
        Session(
            digest=digest_of(token),
            account_id=account.id,
            created_at_ms=tx.now_ms,
            expires_at_ms=tx.now_ms + SESSION_DAYS * DAY_MS,
            client_address=tx.caller.origin.client_address,
            user_agent=tx.caller.origin.user_agent,
            confirmed_at_ms=tx.now_ms,
        )
    )
    return token


def find(tx: AccountTransaction, token: str) -> SignedIn | None:
    """The living session with this token; what cannot be a token is not looked up."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return None
    return tx.accounts.session(digest_of(token), tx.now_ms)


def caller_of(signed_in: SignedIn, origin: Origin) -> Caller:
    """The account as a caller of commands."""
    session = signed_in.session
    return Caller(signed_in.account.id, origin, session_digest=session.digest, confirmed_at_ms=session.confirmed_at_ms)


def reread_session(accounts: AccountStore, caller: Caller, now_ms: int) -> Caller:
    """A calling session with its present state. Raises ``CallerRevoked`` if it has ended."""
    assert caller.session_digest is not None
    found = accounts.session(caller.session_digest, now_ms)
    if found is None:
        raise CallerRevoked("missing")
    return replace(caller, confirmed_at_ms=found.session.confirmed_at_ms)


def end(tx: AccountTransaction) -> None:
    """Sign out the calling session. A session that has ended already is not an error."""
    digest = tx.caller.session_digest
    if digest is not None and tx.accounts.end_session(digest):
        record(tx, "signed_out", tx.caller.actor)


def end_one(tx: AccountTransaction, session_id: str) -> bool:
    """Sign out another of the calling account's sessions; ``False`` if it has ended already."""
    account_id = tx.caller.actor
    for session in tx.accounts.sessions_of(account_id, tx.now_ms):
        if session.id == session_id and tx.accounts.end_session(session.digest):
            detail = {"client_address": session.client_address, "user_agent": session.user_agent}
            record(tx, "session_ended", account_id, detail)
            return True
    return False


def end_all(tx: AccountTransaction, keep_own: bool = False) -> int:
    """Sign the calling account out everywhere, but for the calling session if ``keep_own``; how many sessions ended."""
    account_id = tx.caller.actor
    ended = tx.accounts.end_sessions(account_id, tx.caller.session_digest if keep_own else None)
    tx.second_step.forget_halves(account_id)
    record(tx, "sessions_ended", account_id, {"sessions": ended, "kept_own": keep_own})
    return ended


def csrf_token(token: str) -> str:
    """The proof that a form came from our own page, for the holder of this session token or visitor's cookie."""
    proof = hmac.digest(token.encode("utf-8", "surrogatepass"), _CSRF_LABEL, "sha256")
    return urlsafe_b64encode(proof).rstrip(b"=").decode()


def csrf_matches(token: str, given: str) -> bool:
    """Whether ``given`` is the proof for this cookie; takes the same time wherever they differ."""
    return hmac.compare_digest(csrf_token(token).encode(), given.encode("utf-8", "surrogatepass"))
