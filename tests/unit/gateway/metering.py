"""Runs a meter over a response, for the tests of each format."""

import json
from typing import Any

from ari.gateway.json_members import SMALL_BYTES
from ari.gateway.meter import Meter, meter_for
from ari.usage.ai import TokenUsage

JSON, EVENTS, LINES = b"application/json", b"text/event-stream", b"application/x-ndjson"
LARGE = "x" * (SMALL_BYTES + 10)
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}}


def event(document: Any, name: str = "") -> bytes:
    """A server-sent event with a JSON document."""
    return (f"event: {name}\n" if name else "").encode() + f"data: {json.dumps(document)}\n\n".encode()


def feed(kind: bytes, *chunks: bytes, hides: bool = False) -> Meter:
    """A meter that has seen these chunks."""
    meter = meter_for(kind, encoded=False, hides=hides)
    for chunk in chunks:
        meter.see(chunk)
    meter.finish()
    return meter


def read_whole(document: Any) -> TokenUsage:
    """The usage in a document, which is the same if the document is large and arrives in chunks."""
    small = feed(JSON, json.dumps(document).encode()).usage(whole=True)
    data = json.dumps([{"x": LARGE}, document] if isinstance(document, list) else {"x": LARGE, **document}).encode()
    assert isinstance(document, list) or small == feed(JSON, data[:500], data[500:]).usage(whole=True)
    return small
