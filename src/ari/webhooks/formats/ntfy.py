"""A message for an ntfy topic: plain text, which ntfy shows as it is. Source: https://docs.ntfy.sh/publish."""

from ari.webhooks.formats.message import MessageFacts, write_sentence

CONTENT_TYPE = "text/plain; charset=utf-8"


def write(facts: MessageFacts) -> str:
    text = write_sentence(facts)
    return text if facts.link is None else f"{text}\n{facts.link}"
