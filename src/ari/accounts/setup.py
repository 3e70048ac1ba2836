"""The first run: create exactly one owner, with the setup token from the terminal or with ``ARI_ADMIN_*``.

The setup token is printed once; its digest is stored until the token is used, an hour has passed or ARI restarts.
"""

import hmac

from ari.accounts import sessions, sign_in
from ari.accounts.model import Account, check_email
from ari.accounts.password import check_new_password, hash_password
from ari.accounts.ports import AccountTransaction
from ari.accounts.sign_in import NewSession
from ari.base.clock import HOUR_MS
from ari.base.errors import ConfigurationError, Invalid, NotFound
from ari.base.ids import new_id
from ari.base.transaction import record

SETUP_TOKEN_LIVES_MS = HOUR_MS

_OPEN_KEY = "setup_token"
_OWNER_KEY = "had_owner"


def has_owner(tx: AccountTransaction) -> bool:
    """Whether somebody owns this instance."""
    return tx.accounts.owner() is not None


def new_setup_token(tx: AccountTransaction, *, new_instance: bool = False, had_owner: bool = False) -> str | None:
    """A new setup token (256 bits, one hour), which replaces the previous one; ``None`` if an owner exists.

    Call it once per start, in the parent of the workers. ``had_owner``: the data directory records an earlier owner.
    Raises ``ConfigurationError`` in that case unless ``new_instance`` is set: otherwise, with a lost database or a
    wrong database URL, the first visitor could take over the instance.
    """
    if has_owner(tx):
        tx.key_value.put(_OPEN_KEY, None)
        return None
    if (had_owner or tx.key_value.get(_OWNER_KEY) is not None) and not new_instance:
        raise ConfigurationError(
            "This instance had an owner, but its database has none. Check ARI_DATA_DIR and ARI_DATABASE_URL, restore a "
            "backup, or start with --new-instance to set it up again."
        )
    token = sessions.new_token()
    tx.key_value.put(_OPEN_KEY, f"{sessions.digest_of(token).hex()} {tx.now_ms + SETUP_TOKEN_LIVES_MS}")
    return token


def token_is_good(tx: AccountTransaction, token: str) -> bool:
    """Whether this token opens the setup now. Ask before hashing the password of a setup form."""
    stored = tx.key_value.get(_OPEN_KEY)
    if stored is None or has_owner(tx):
        return False
    digest, ends_at_ms = stored.split()
    return hmac.compare_digest(sessions.digest_of(token).hex(), digest) and tx.now_ms < int(ends_at_ms)


def make_owner(tx: AccountTransaction, token: str, email: str, password_hash: str) -> Account:
    """Make the owner and use the token up; of several at once exactly one succeeds.

    Raises ``NotFound`` for a wrong, used or old token and once an owner exists, ``Invalid`` for the email address.
    """
    if not token_is_good(tx, token):
        raise NotFound
    owner = _add_owner(tx, email, password_hash)
    if owner is None:
        raise NotFound
    return owner


def make_owner_and_sign_in(tx: AccountTransaction, token: str, email: str, password_hash: str) -> NewSession:
    """``make_owner``, with a session for the new owner."""
    return sign_in.open_session(tx, make_owner(tx, token, email, password_hash))


def admin_credentials(email: str, password: str) -> tuple[str, str]:
    """``ARI_ADMIN_*`` as email address and password hash. Ask only where ``has_owner`` says no.

    Raises ``ConfigurationError`` naming the setting whose value will not do.
    """
    try:
        email = check_email(email)
    except Invalid as error:
        raise ConfigurationError(f"ARI_ADMIN_EMAIL: {error}") from None
    try:
        check_new_password(password, email)
    except Invalid as error:
        raise ConfigurationError(f"ARI_ADMIN_PASSWORD: {error}") from None
    return email, hash_password(password)


def bootstrap_owner(
    tx: AccountTransaction, email: str, password_hash: str, *, new_instance: bool = False, had_owner: bool = False
) -> Account | None:
    """Make the owner from ``ARI_ADMIN_*`` and close the setup; ``None`` if there is an owner, who stays as is.

    Raises ``ConfigurationError`` as ``new_setup_token`` does.
    """
    new_setup_token(tx, new_instance=new_instance, had_owner=had_owner)
    if has_owner(tx):
        return None
    return _add_owner(tx, email, password_hash)


def reset_password(tx: AccountTransaction, email: str | None, password_hash: str) -> Account:
    """Give an account (``None``: the owner) another password.

    All its sessions end but the caller's own, its known browsers are forgotten, emailed links are void, and
    nobody has to wait for failed attempts any longer: they were made against the old password. Two-factor stays.
    Raises ``NotFound`` if there is no such account, ``ReauthRequired`` unless the session entered it recently.
    """
    tx.caller.require_confirmed(tx.now_ms)
    found = tx.accounts.owner() if email is None else tx.accounts.by_email(check_email(email))
    account = tx.accounts.lock(found.id) if found else None
    if account is None:
        raise NotFound("No such account." if email else "There's no owner yet.")
    tx.accounts.set_password_hash(account.id, password_hash)
    ended = tx.accounts.end_sessions(account.id, except_digest=tx.caller.session_digest)
    tx.second_step.forget_halves(account.id)
    tx.accounts.forget_devices(account.id)
    tx.accounts.drop_links(account.id)
    sign_in.forgive_everybody(tx)
    record(tx, "password_changed", account.id, {"sessions_ended": ended})
    return account


def change_password(tx: AccountTransaction, account: Account, password_hash: str) -> str:
    """``reset_password`` of the calling account; returns a new device token for its browser."""
    reset_password(tx, account.email, password_hash)
    return sign_in.know_browser(tx, account)


def _add_owner(tx: AccountTransaction, email: str, password_hash: str) -> Account | None:
    owner = Account(new_id("usr", tx.now_ms), check_email(email), password_hash, tx.now_ms)
    if not tx.accounts.add_owner(owner):
        return None
    tx.key_value.put(_OPEN_KEY, None)
    tx.key_value.put(_OWNER_KEY, str(tx.now_ms))
    record(tx, "owner_created", owner.id, {})
    return owner
