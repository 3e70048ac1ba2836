"""Sends the body of a provider's response to the caller while it arrives."""

from ari.gateway.meter import Meter
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.request_body import RequestBody
from ari.gateway.seen_output import SeenOutput
from ari.http.body import ClientGone
from ari.http.context import RequestContext
from ari.usage.ai import Ended

MAX_READ_ON_BYTES = 4 * 1024 * 1024
"""Of a response whose caller has left."""


async def relay(
    context: RequestContext,
    reply: ProviderResponse,
    meter: Meter,
    chunk: bytes,
    *,
    hides: bool,
    seen: SeenOutput | None = None,
    sent: RequestBody | None = None,
) -> None:
    """Send each chunk as it arrives, from ``chunk`` on. If no event is removed, send it before the meter reads it.

    ``hides``: the meter removes events. ``seen`` counts the chunks that are sent. Raises ``OutboundFault``, and
    ``ClientGone`` after it has read the rest because the caller left, according to ``sent``.
    """
    send, unread = context.send, context.unread_body
    while chunk:
        if sent is not None and sent.gone:
            sent.has_left = True
            await read_on(reply, meter, chunk, seen)
            raise ClientGone
        if seen is not None:
            seen.see(chunk)
        last = reply.at_end and not hides and (unread is None or unread.is_read)
        part = meter.see(chunk) if hides else chunk
        if part or last:
            await send({"type": "http.response.body", "body": part, "more_body": not last})
        if not hides:
            meter.see(chunk)
        if last:
            return
        chunk = await reply.read()
    rest = meter.finish()
    if unread is not None and not unread.is_read:
        # The provider responded before it had read the whole body.
        await send({"type": "http.response.body", "body": rest, "more_body": True})
        rest = b""
        unread.is_taken = False
        await unread.drain()
    await send({"type": "http.response.body", "body": rest, "more_body": False})


async def read_on(reply: ProviderResponse, meter: Meter, chunk: bytes, seen: SeenOutput | None) -> None:
    """Read what a response reports for a caller that has left, from ``chunk`` on. Raises ``OutboundFault``."""
    left_bytes = MAX_READ_ON_BYTES
    while chunk and left_bytes > 0:
        if seen is not None:
            seen.see(chunk)
        meter.see(chunk)
        left_bytes -= len(chunk)
        chunk = await reply.read()


def find_outcome(meter: Meter, ended: Ended, is_read: bool, *, has_left: bool = False) -> Ended:
    """How the response ended according to its own content; ``ended`` is how the connection did.

    ``is_read``: all of it was read from the provider; ``has_left``: the caller left before that. Many callers
    disconnect as soon as they have the last byte, which ARI may notice before its last message is sent.
    """
    meter.finish()
    if meter.failed:
        return "error"
    if has_left:
        return "client_gone"
    if ended == "client_gone" and (meter.ended or is_read):
        ended = "complete"
    return "cut" if ended == "complete" and meter.unfinished else ended
