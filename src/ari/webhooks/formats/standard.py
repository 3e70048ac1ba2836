"""The payload of Standard Webhooks: type, timestamp and data. Source: https://www.standardwebhooks.com."""

import json
from typing import Any

from ari.base.clock import to_rfc3339
from ari.base.events import event_facts
from ari.webhooks.formats.message import MessageFacts

VERSION = 1
"""Of ``data``. Fields are only added; a change that breaks receivers gets another version."""
MAX_DETAIL = 32_000
"""Characters of an event's detail; the API has the whole of a longer one."""
CONTENT_TYPE = "application/json"


def write(facts: MessageFacts) -> str:
    """The event as ``GET /api/events`` has it."""
    event = facts.event
    data = {"version": VERSION, **event_facts(event)}
    data["is_complete"] = len(json.dumps(data["detail"])) <= MAX_DETAIL
    if not data["is_complete"]:
        data["detail"] = {}
    payload: dict[str, Any] = {"type": facts.type, "timestamp": to_rfc3339(event.at_ms), "data": data}
    return json.dumps(payload, ensure_ascii=True, separators=(",", ":"))
