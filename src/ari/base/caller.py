"""Who asks for a command to be done."""

import getpass
import os
from dataclasses import dataclass

from ari.base.events import Origin

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True)
class Caller:
    """A living key, a signed-in account, the command line or ARI itself.

    ``actor`` is what events store: ``key_…``, ``usr_…``, ``cli:alice`` or ``system``. ``session_digest`` is set for a
    browser session, so that a command can re-read it in its own transaction (security.md 12).
    """

    actor: str
    origin: Origin
    scopes: tuple[str, ...] = EVERYTHING
    expires_at_ms: int | None = None
    session_digest: bytes | None = None

    @property
    def key_id(self) -> str | None:
        """The id of the calling key, if a key calls."""
        return self.actor if self.actor.startswith("key_") else None


SYSTEM = Caller("system", Origin("system"))


def command_line_caller() -> Caller:
    """The operating system's user at the command line."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid{os.getuid()}"
    return Caller(f"cli:{user}", Origin("cli"))
