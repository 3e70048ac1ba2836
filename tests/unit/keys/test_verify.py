"""The hot path: malformed text is refused without a lookup, and an error is never a yes."""

import asyncio
from dataclasses import replace

import pytest

from ari.base.caller import Caller
from ari.base.errors import Unavailable
from ari.base.events import Origin
from ari.keys import KeyChange, NewKey, change, create, revoke, token
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Refused, Verdict
from ari.keys.verify import reread_key, verify
from tests.unit.keys.memory import NOW_MS, MemoryTransaction


class Finder:
    """Looks keys up in memory, and counts. ``imported`` says whether there are keys of other systems."""

    imported = False

    def __init__(self, tx: MemoryTransaction) -> None:
        self._tx = tx
        self.lookups = 0

    async def find(self, digest: bytes) -> ApiKey | None:
        self.lookups += 1
        return self._tx.keys.find(digest)

    async def has_imported(self) -> bool:
        return self.imported


class BrokenFinder:
    """Fails every call."""

    async def find(self, digest: bytes) -> ApiKey | None:
        raise Unavailable("down")

    async def has_imported(self) -> bool:
        raise Unavailable("down")


def _verify(finder: Finder | BrokenFinder, text: str, scope: str | None = None, now_ms: int = NOW_MS) -> Verdict:
    return asyncio.run(verify(finder, text.encode(), AccessRequest(scope, now_ms)))


def _code(verdict: Verdict) -> str:
    return verdict.reason.code if isinstance(verdict, Refused) else "ok"


def test_a_revoked_key_is_dead_at_the_next_call() -> None:
    """Promise 1: every call asks the store."""
    tx = MemoryTransaction()
    made, finder = create(tx, NewKey("n", scopes=("api:read",))), Finder(tx)
    assert _code(_verify(finder, made.secret, "api:read")) == "ok"
    assert _code(_verify(finder, made.secret, "keys:read")) == "insufficient_scope"
    revoke(tx, made.key.id)
    assert _code(_verify(finder, made.secret, "api:read")) == "revoked"
    assert finder.lookups == 3


@pytest.mark.parametrize("text", ["", "ari_k_", "x" * 55, "ari_k_" + "0" * 49])
def test_malformed_text_is_refused_without_a_lookup(text: str) -> None:
    """Guessing costs the database nothing."""
    finder = Finder(MemoryTransaction())
    assert _code(_verify(finder, text)) == "malformed"
    assert finder.lookups == 0


def test_a_well_formed_token_of_nobody_is_unknown() -> None:
    """One lookup decides."""
    finder = Finder(MemoryTransaction())
    assert _code(_verify(finder, token.mint())) == "unknown"
    assert finder.lookups == 1


def test_a_store_that_cannot_respond_is_never_a_yes() -> None:
    """Promise 1: 503, never 200."""
    with pytest.raises(Unavailable):
        _verify(BrokenFinder(), token.mint())


def test_a_command_reads_its_caller_again() -> None:
    """Security rule 12: with the scopes of now, and not at all once it is dead."""
    tx = MemoryTransaction()
    key = create(tx, NewKey("n", scopes=("keys:read", "api:read"))).key
    caller = Caller(key.id, Origin("api"), key.scopes)
    change(tx, key.id, KeyChange(scopes=("api:read",)))
    assert reread_key(replace(tx, caller=caller)).scopes == ("api:read",)
    for gone in (replace(caller, actor="key_01JD7W0000000000000000000"), caller):
        revoke(tx, key.id)
        with pytest.raises(Exception, match="ended"):
            reread_key(replace(tx, caller=gone))
