"""The formats of messages, one file each. To add one, write its file and list it here."""

from collections.abc import Callable

from ari.webhooks.formats import discord, ntfy, slack, standard
from ari.webhooks.formats.message import MessageFacts
from ari.webhooks.model import Format

__all__ = ["MessageFacts", "list_format_headers", "write_body"]

_FORMATS: dict[Format, tuple[Callable[[MessageFacts], str], str]] = {
    "standard": (standard.write, standard.CONTENT_TYPE),
    "slack": (slack.write, slack.CONTENT_TYPE),
    "discord": (discord.write, discord.CONTENT_TYPE),
    "ntfy": (ntfy.write, ntfy.CONTENT_TYPE),
}


def write_body(name: Format, facts: MessageFacts) -> str:
    """The body of a request about this event."""
    return _FORMATS[name][0](facts)


def list_format_headers(name: Format, event_type: str, body: str) -> list[tuple[str, str]]:
    """The headers that say what a body is, and those in which the format has more of the message."""
    more = ntfy.list_headers(event_type, body) if name == "ntfy" else []
    return [("content-type", _FORMATS[name][1]), *more]
