"""Asking OpenAI's chat streams to tell their usage, and hiding that we did.

Such a stream tells it only with ``stream_options.include_usage``, in one chunk more. Where the caller did not ask we
do, and that chunk is taken out again, so that the caller gets what it would have got without us.
"""

import msgspec

from ari.gateway.events import Event, Events
from ari.gateway.meter import MOST_HELD, StreamMeter
from ari.gateway.meter_openai import only_tells_usage, read
from ari.integrations.model import Provider

_PATHS = ("/chat/completions", "/completions")


class _Body(msgspec.Struct):
    stream: bool | None = None
    stream_options: dict[str, object] | None = None


_body = msgspec.json.Decoder(_Body)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


def with_usage_asked(provider: Provider, path: str, body: bytes) -> bytes | None:
    """The body with the question added; ``None`` where there is nothing to ask, or the caller does it already.

    Whatever else the body says stays as it was written.
    """
    if not provider.asks_usage or not path.endswith(_PATHS) or b'"stream"' not in body:
        return None
    try:
        found = _body.decode(body)
        if not found.stream or (found.stream_options or {}).get("include_usage") is True:
            return None
        options = {**(found.stream_options or {}), "include_usage": True}
        return msgspec.json.encode({**_parts.decode(body), "stream_options": options})
    except msgspec.MsgspecError:
        return None


class HidingMeter(StreamMeter):
    """Reads a stream's events and takes out the one that only tells usage."""

    def __init__(self) -> None:
        super().__init__(read)
        self._split = Events(MOST_HELD)

    def passed(self, chunk: bytes) -> bytes:
        """What of the chunk, and of an event begun before it, goes on; an event that has not ended waits for its end.

        Who reads events cannot use a part of one, so nobody waits longer than without us.
        """
        if self._split.gave_up:
            return chunk
        kept = b"".join(event.raw for event in self._split.whole(chunk) if not self._hides(event))
        return kept + self._split.given_up()

    def rest(self) -> bytes:
        """What is left at the end of the stream."""
        return self._split.rest()

    def _hides(self, event: Event) -> bool:
        self.see_event(event)
        return b'"usage"' in event.raw and only_tells_usage(event.data)
