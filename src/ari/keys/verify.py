"""The hot path: may this token do that, now?

parse → find → checks → verdict. Malformed text is refused without a lookup, unless it may be a key of another system
and such keys were imported. The finder asks the store at every call, so a key revoked before the call began cannot be
accepted by it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from ari.base.caller import Caller
from ari.base.errors import CallerRevoked
from ari.keys import reasons, token
from ari.keys.checks import AccessRequest, find_refusal
from ari.keys.imports import foreign_tokens
from ari.keys.model import ApiKey, Granted, Refused, Verdict
from ari.keys.ports import KeyFinder, KeyTransaction

_MALFORMED = Refused(reasons.MALFORMED)
_UNKNOWN = Refused(reasons.UNKNOWN)


Rehash = Callable[[bytes], Awaitable[bool]]
"""Finds the salted hash of a text and stores its digest instead; whether there was one."""


async def verify(finder: KeyFinder, text: bytes, ask: AccessRequest, rehash: Rehash | None = None) -> Verdict:
    """Decide about the token ``text``. ``rehash`` is for keys of other systems that are used for the first time.

    Raises ``Unavailable`` if the store can't be read; callers must then refuse.
    """
    digest = token.parse(text)
    if digest is not None:
        return await verify_digest(finder, digest, ask)
    if not foreign_tokens.is_possible(text) or not await finder.has_imported():
        return _MALFORMED
    key = await foreign_tokens.find_foreign(finder, text)
    if key is None and rehash is not None and await rehash(text):
        key = await foreign_tokens.find_foreign(finder, text)
    return _UNKNOWN if key is None else decide(key, ask)


async def verify_digest(finder: KeyFinder, digest: bytes, ask: AccessRequest) -> Verdict:
    """Decide about the well-formed token that has this digest. Raises ``Unavailable`` likewise."""
    key = await finder.find(digest)
    return _UNKNOWN if key is None else decide(key, ask)


def decide(key: ApiKey, ask: AccessRequest) -> Verdict:
    """The first refusal of the ordered checks, or the grant."""
    reason = find_refusal(key, ask)
    return Granted(key) if reason is None else Refused(reason, key)


def must_stamp(verdict: Verdict) -> bool:
    """Whether this refusal is the first to find the key expired or its secret retired, which must be written down."""
    if isinstance(verdict, Granted) or verdict.key is None:
        return False
    if verdict.reason is reasons.EXPIRED:
        return verdict.key.expired_seen_at_ms is None
    secret = verdict.key.secret
    return verdict.reason is reasons.RETIRED and secret is not None and secret.retired_seen_at_ms is None


def reread_key(tx: KeyTransaction) -> Caller:
    """The calling key with its present scopes and expiry.

    Raises ``CallerRevoked`` if the key no longer works, or the secret that it was called with.
    """
    caller = tx.caller
    key = tx.keys.get(caller.actor)
    if key is None:
        raise CallerRevoked(reasons.REVOKED.code)
    if caller.secret_number is not None:
        secret = tx.key_secrets.get_secret(key.id, caller.secret_number)
        if secret is None:
            raise CallerRevoked(reasons.RETIRED.code)
        key = replace(key, secret=secret)
    address = caller.origin.client_address
    ask = AccessRequest(None, tx.now_ms, client_address=address, revokes_self=caller.revokes_self)
    verdict = decide(key, ask)
    if not verdict:
        raise CallerRevoked(verdict.reason.code)
    return replace(caller, scopes=key.scopes, expires_at_ms=key.expires_at_ms, addresses=key.policy.addresses)
