"""The formats of messages, one file each. To add one, write its file and list it here."""

from collections.abc import Callable

from ari.webhooks.formats import discord, ntfy, slack, standard
from ari.webhooks.formats.message import MessageFacts
from ari.webhooks.model import Format

__all__ = ["MessageFacts", "content_type_of", "write_body"]

_FORMATS: dict[Format, tuple[Callable[[MessageFacts], str], str]] = {
    "standard": (standard.write, standard.CONTENT_TYPE),
    "slack": (slack.write, slack.CONTENT_TYPE),
    "discord": (discord.write, discord.CONTENT_TYPE),
    "ntfy": (ntfy.write, ntfy.CONTENT_TYPE),
}


def write_body(name: Format, facts: MessageFacts) -> str:
    """The body of a request about this event."""
    return _FORMATS[name][0](facts)


def content_type_of(name: Format) -> str:
    """The media type of its bodies."""
    return _FORMATS[name][1]
