"""The definition of a kind of notice."""

from collections.abc import Callable
from dataclasses import dataclass

from ari.base.clock import DAY_MS
from ari.base.events import Event
from ari.notifications.context import NoticeContext
from ari.notifications.model import EmailContent

MAX_PER_DAY_FROM_STRANGERS = 3
"""Emails per day of a kind that anyone on the network can trigger."""


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind of notice; ``kinds`` has a file for each.

    - ``events``: names of the events it reports; ``applies`` may skip some of them.
    - ``title`` and ``description``: shown in settings, the API and the command line.
    - ``fixed``: can't be turned off, because someone is waiting for the email.
    - ``secret``: posted with ``outbox.post_secret``, because the email contains a secret link.
    - ``about_account``: warns about access to the owner's account, so no API key may turn it off.
    - ``recipient``: another address than the owner's.
    - ``expires_after_ms``: the email is not sent later than this after the event.
    - ``max_per_day``: further notices of a day (UTC) are in the digest (security.md 40).
    """

    name: str
    events: tuple[str, ...]
    title: str
    description: str
    write: Callable[[Event, NoticeContext], EmailContent]
    fixed: bool = False
    secret: bool = False
    about_account: bool = False
    applies: Callable[[Event], bool] = lambda _: True
    recipient: Callable[[Event], str | None] = lambda _: None
    expires_after_ms: int = 30 * DAY_MS
    max_per_day: int = 20
