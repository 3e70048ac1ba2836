"""What the guard found out about a request; the doors read it with ``call_of``."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol

from ari.accounts.model import SignedIn
from ari.base.caller import Caller
from ari.base.events import Origin
from ari.keys.model import ApiKey

_PLACE = "ari.call"


@dataclass(slots=True)
class Call:
    """Who calls and from where.

    ``caller`` is ``None`` on open pages without a session. ``csrf`` is the token that this visitor's forms carry,
    ``nonce`` the one of this answer's Content-Security-Policy, ``form`` the fields of a form body.
    """

    request_id: str
    client_address: str | None
    user_agent: str | None
    caller: Caller | None = None
    key: ApiKey | None = None
    signed_in: SignedIn | None = None
    csrf: str = ""
    nonce: str = ""
    form: dict[str, list[str]] | None = None

    def origin(self, door: str) -> Origin:
        """Where this request came from, for events."""
        return Origin(door, self.client_address, self.user_agent, self.request_id)


class HasScope(Protocol):
    """A Starlette request, or anything else around an ASGI scope."""

    @property
    def scope(self) -> MutableMapping[str, Any]: ...


def attach(scope: MutableMapping[str, Any], call: Call) -> None:
    """Put the call where ``call_of`` finds it."""
    scope[_PLACE] = call


def call_of(request: HasScope) -> Call:
    """The call of this request; every request behind the guard has one."""
    call: Call = request.scope[_PLACE]
    return call
