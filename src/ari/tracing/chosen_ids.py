"""Ids of spans that the log named before the span began."""

import threading

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator


class ChosenIds(RandomIdGenerator):
    """Random ids, except of the next span of this thread after ``choose``."""

    def __init__(self) -> None:
        self._local = threading.local()

    def choose(self, trace_id: int, span_id: int) -> None:
        """Give the next span of this thread these ids. A span with a parent has its parent's trace."""
        self._local.ids = trace_id, span_id

    def generate_trace_id(self) -> int:
        """The chosen id, or a random one; called before ``generate_span_id``, and only for a root."""
        ids = self._local.__dict__.get("ids")
        return super().generate_trace_id() if ids is None else int(ids[0])

    def generate_span_id(self) -> int:
        """The chosen id, or a random one."""
        ids = self._local.__dict__.pop("ids", None)
        return super().generate_span_id() if ids is None else int(ids[1])
