"""The caller of a command."""

import getpass
import os
from dataclasses import dataclass

from ari.base.clock import MINUTE_MS
from ari.base.errors import ReauthRequired
from ari.base.events import Origin

EVERYTHING = ("*",)
CONFIRMED_FOR_MS = 15 * MINUTE_MS
"""How long after its password was given a session may do what is sensitive (security.md 29)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A living key, a signed-in account, the command line or ARI itself.

    ``actor`` is what events store: ``key_…``, ``usr_…``, ``cli:alice`` or ``system``. ``session_digest`` is set for a
    browser session, so that a command can re-read it in its own transaction (security.md 12), and ``confirmed_at_ms``
    is when its password was last given. ``addresses`` are the networks that a key is bound to, if any.
    ``secret_number`` is that of the secret that a key was called with. ``revokes_self``: the request only revokes the
    calling key, which may be disabled and at any address.
    """

    actor: str
    origin: Origin
    scopes: tuple[str, ...] = EVERYTHING
    expires_at_ms: int | None = None
    session_digest: bytes | None = None
    confirmed_at_ms: int = 0
    addresses: tuple[str, ...] = ()
    secret_number: int | None = None
    revokes_self: bool = False

    def require_confirmed(self, now_ms: int) -> None:
        """Raise ``ReauthRequired`` for a session whose password was given too long ago, or after the present."""
        if self.session_digest is not None and not 0 <= now_ms - self.confirmed_at_ms < CONFIRMED_FOR_MS:
            raise ReauthRequired

    @property
    def key_id(self) -> str | None:
        """The id of the calling key, if a key calls."""
        return self.actor if is_key(self.actor) else None


def is_key(actor: str) -> bool:
    """Whether this actor is an API key, not the owner, the command line or ARI itself."""
    return actor.startswith("key_")


SYSTEM = Caller("system", Origin("system"))


def command_line_caller() -> Caller:
    """The operating system's user at the command line."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"
    return Caller(f"cli:{user}", Origin("cli"))
