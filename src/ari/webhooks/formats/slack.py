"""A message for a Slack incoming webhook.

Its text is ``plain_text``, in which Slack finds no mentions and no links; the fallback for notifications is escaped.
Source: https://docs.slack.dev/messaging/formatting-message-text.
"""

import json
from typing import Any

from ari.webhooks.formats.message import MessageFacts, write_sentence

CONTENT_TYPE = "application/json"


def write(facts: MessageFacts) -> str:
    text = write_sentence(facts)
    blocks: list[Any] = [{"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}}]
    if facts.link is not None:
        link = f"<{_escape(facts.link)}|Open in ARI>"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": link, "verbatim": True}]})
    return json.dumps({"text": _escape(text), "mrkdwn": False, "blocks": blocks, "unfurl_links": False})


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
