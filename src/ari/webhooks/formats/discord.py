"""A message for a Discord webhook; it may mention nobody, and its markdown is escaped.

Source: https://discord.com/developers/docs/resources/webhook#execute-webhook.
"""

import json
import re

from ari.webhooks.formats.message import MessageFacts, write_sentence

CONTENT_TYPE = "application/json"
_NO_EMBEDS = 4
_MARKDOWN = re.compile(r"([\\`*_~|<>#\[\]()\-:@])")


def write(facts: MessageFacts) -> str:
    text = _MARKDOWN.sub(r"\\\1", write_sentence(facts))
    content = text if facts.link is None else f"{text}\n<{facts.link}>"
    return json.dumps({"content": content, "allowed_mentions": {"parse": []}, "flags": _NO_EMBEDS})
