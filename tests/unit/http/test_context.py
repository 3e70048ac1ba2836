"""Who calls, as the stages found out, and what an endpoint gets of it."""

import pytest

from ari.accounts.model import Account, Session, SignedIn
from ari.http.context import attach, context_of, deps_of, session_of
from tests.support.contexts import a_context, a_key
from tests.support.instances import START_MS

SIGNED_IN = SignedIn(
    Account("usr_1", "owner@example.com", "a hash", START_MS),
    Session(b"digest", "usr_1", START_MS, START_MS + 1, None, None, START_MS),
)


class Request:
    """Anything around an ASGI scope."""

    def __init__(self, **fields: object) -> None:
        self.scope = dict(fields)


def test_a_key_calls_with_its_own_scopes() -> None:
    """The event of what it does names the key, its address and the request."""
    context = a_context(key=a_key("usage:read"))
    caller = context.caller
    assert caller is not None
    assert (caller.actor, caller.scopes, caller.key_id) == ("key_1", ("usage:read",), "key_1")
    assert (caller.origin.door, caller.origin.client_address) == ("api", "192.0.2.7")
    assert caller.origin.request_id == context.request_id


def test_a_session_calls_as_its_account() -> None:
    """Its digest lets each command look whether the session still lives (security.md 12)."""
    context = a_context()
    context.signed_in, context.door = SIGNED_IN, "web"
    caller = context.caller
    assert caller is not None
    assert (caller.actor, caller.session_digest, caller.origin.door) == ("usr_1", b"digest", "web")


def test_a_visitor_has_no_commands_of_a_caller() -> None:
    """A route that was declared open by mistake fails instead of acting for nobody."""
    context = a_context()
    request = Request()
    attach(request.scope, context)
    assert context_of(request) is context
    assert context.caller is None
    with pytest.raises(RuntimeError):
        deps_of(request)
    with pytest.raises(RuntimeError):
        session_of(request)


def test_an_open_page_grants_nothing_to_who_is_signed_in() -> None:
    """The sign-in page acts for a visitor without scopes, whatever key or session came with the request."""
    context = a_context(key=a_key("*"))
    context.signed_in = SIGNED_IN
    assert context.visitor_deps.caller.scopes == ()
    assert context.visitor_deps.caller.actor == "visitor"


def test_each_response_has_a_nonce_of_its_own() -> None:
    """security.md 30: one that repeats would let an injected script run."""
    context = a_context()
    assert context.nonce == context.nonce
    assert len(context.nonce) == 22
    assert context.nonce != a_context().nonce
