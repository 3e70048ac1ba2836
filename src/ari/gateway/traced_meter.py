"""Reads from a recorded call's response why it ended, and its ID. Calls that aren't recorded have none of this."""

import re

from ari.gateway.meter import Meter
from ari.usage.ai import TokenUsage

MAX_REASONS = 16
_MAX_TAIL_BYTES = 200
"""Of a chunk, where a member may be cut by its end. The members that are read are shorter."""
_REASON = re.compile(
    rb'"(?:finish_reason|stop_reason|finishReason|done_reason)"\s{0,9}:\s{0,9}"([A-Za-z_]{1,40})"'
    rb'|"incomplete_details"\s{0,9}:\s{0,9}\{\s{0,9}"reason"\s{0,9}:\s{0,9}"([A-Za-z_]{1,40})"'
)
"""OpenAI and Anthropic, Gemini, Ollama; the Responses API.

A model's text can't match, since its quotes are escaped. The arguments of a tool can, so only words are taken.
"""
_ID = re.compile(
    rb'"id"\s{0,9}:\s{0,9}"((?:chatcmpl|cmpl|resp|msg|gen)[-_][\w.:-]{1,90})"|"responseId"\s{0,9}:\s{0,9}"([\w.:-]{1,90})"'
)
"""With the beginnings that IDs of responses have: tool calls, files and items have IDs too."""


class TracedMeter:
    """``meter``, which sees the same chunks. Of the ID, the first counts."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._tail = b""
        self.response_id: str | None = None
        self.finish_reasons: list[str] = []

    @property
    def ended(self) -> bool:
        return self._meter.ended

    @property
    def failed(self) -> bool:
        return self._meter.failed

    @property
    def unfinished(self) -> bool:
        return self._meter.unfinished

    def see(self, chunk: bytes) -> bytes:
        """Take the next chunk and return the bytes to send now."""
        text = self._tail + chunk
        end = 0
        for found in _REASON.finditer(text):
            end = found.end()
            if len(self.finish_reasons) < MAX_REASONS:
                self.finish_reasons.append((found[1] or found[2]).decode())
        if self.response_id is None and (first := _ID.search(text)):
            self.response_id = (first[1] or first[2]).decode()
        self._tail = text[max(end, len(text) - _MAX_TAIL_BYTES) :]
        return self._meter.see(chunk)

    def finish(self) -> bytes:
        return self._meter.finish()

    def usage(self, whole: bool) -> TokenUsage:
        return self._meter.usage(whole)
