"""One request through the gateway: the caller's to its provider, and the answer back, both as they come.

Nothing is held: a part is read when the one before was taken, so a slow caller slows the provider and the other way
round. A caller who hangs up ends the call, and a provider that breaks off ends the answer so that it cannot be taken
for a whole one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ari.gateway import header_filter, refusals, request_headers
from ari.gateway.asked_body import AskedBody
from ari.gateway.meter import Meter, NoMeter, meter_for
from ari.gateway.received import Received
from ari.gateway.usage_injection import may_ask
from ari.http.body import BodyFault, ClientGone
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.outbound.http import FaultWord, OutboundFault
from ari.usage.ai import AiUse, Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from ari.gateway import Gateway
    from ari.gateway.keyring import ResolvedCredential
    from ari.gateway.request_body import SentBody
    from ari.gateway.route import Target
    from ari.http.request_handler import RequestHandler


_UNWATCHED_SECONDS = 0.05
_METERED = frozenset(("POST", "PUT", "PATCH"))
"""A response that is read again, such as one made in the background, was used before."""
_STREAMED = ((b"x-accel-buffering", b"no"),)
"""Proxies such as nginx collect a response otherwise before they send any of it."""


class _Again:
    """The request goes to the provider once more."""


class Forwarding:
    """Ends with ``run``, which returns an answer still to be sent, or ``None`` once it has sent one."""

    def __init__(
        self, gateway: Gateway, exchange: RequestHandler, target: Target, held: ResolvedCredential, sent: SentBody
    ) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._target = target
        self._provider = target.provider
        self._held = held
        self._sent = sent
        self._meter: Meter = NoMeter()
        self._asked: AskedBody | None = None
        self._ended: Ended = "unreachable"
        self._status: int | None = None
        self._first_byte_ms: float | None = None
        self._watch: asyncio.Task[None] | asyncio.TimerHandle | None = None

    async def run(self) -> Response | None:
        """Forward, and tell the log what was used. Raises ``BodyFault``, ``ClientGone``."""
        self._take_body(True)
        try:
            async with asyncio.timeout(self._gateway.max_seconds) as self._limit:
                if self._sent.whole is not None:
                    # A quick answer is over before it would be known that nobody waits for it.
                    self._watch = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._begin_watch)
                return await self._call()
        except TimeoutError:
            if self._sent.gone:
                self._ended = "client_gone"
                raise ClientGone from None
            self._ended = "timed_out" if self._status is None else "cut"
            return await self._without_answer("timed_out")
        except OutboundFault as fault:
            return await self._after(fault)
        finally:
            if self._watch is not None:
                self._watch.cancel()
            if self._asked is not None:
                self._asked.close()
            self._take_body(False)
            self._tell()

    def _take_body(self, taken: bool) -> None:
        """Whether the rest of the caller's body goes to the provider, whatever is sent to the caller."""
        if self._exchange.unread is not None:
            self._exchange.unread.is_taken = taken

    async def _call(self) -> Response | None:
        """Call the provider; once more if it refused a question that the caller did not ask."""
        incoming = self._exchange.incoming
        if may_ask(self._provider, incoming.method, self._target.path, incoming.first(b"content-type") or b""):
            clock = self._exchange.instance.clock
            self._asked = AskedBody(self._gateway.answers, self._gateway.room, self._held.credential, clock.monotonic)
            try:
                await self._asked.read(self._sent, self._begin_watch)
            except BodyFault:
                self._ended = "client_gone"
                raise
        while True:
            answer = await self._call_once()
            if not isinstance(answer, _Again):
                return answer
            self._status, self._ended = None, "unreachable"

    async def _call_once(self) -> Response | _Again | None:
        incoming, credential = self._exchange.incoming, self._held.credential
        url = header_filter.url_for(credential, self._target.path, incoming.query)
        headers = request_headers.to_provider(incoming, credential)
        body = self._body(headers)
        call = self._gateway.client.call(
            incoming.method,
            url,
            headers,
            body,
            private=credential.owner_named,
            patience=self._gateway.patience,
        )
        async with call as found, Received(found, incoming.method, credential.secret, self._gateway.paces) as reply:
            self._status = reply.status
            self._first_byte_ms = self._elapsed_ms()
            self._ended = "cut"
            if not reply.is_sound:
                return self._exchange.fault(refusals.unreachable(self._provider, "returned an invalid HTTP status"))
            if reply.status < 300 or (reply.status == 304 and header_filter.is_conditional(incoming)):
                if self._asked is not None:
                    self._asked.was_taken()
                await self._pass_on(reply)
                self._ended = "complete"
                await self._gateway.notes.works(self._held)
                return None
            error = await refusals.read_error(reply) if reply.status >= 400 else None
            if self._asked is not None and reply.status >= 400:
                if self._asked.was_refused(reply.status, error):
                    return _Again()
                if self._asked.is_gone:
                    self._ended = "complete"
                    return self._exchange.fault(refusals.ask_again(self._provider))
            answer = await self._refused(reply, error)
            self._ended = "complete"
            return answer

    def _body(self, headers: list[tuple[str, str]]) -> bytes | AsyncIterable[bytes] | None:
        if self._asked is not None:
            return self._asked.next(headers)
        sent = self._sent
        if sent.whole is None:
            if sent.length is not None:
                headers.append(("content-length", str(sent.length)))
            return sent.pieces(self._begin_watch)
        return sent.whole or None

    async def _pass_on(self, reply: Received) -> None:
        """The response, as it comes."""
        exchange, headers = self._exchange, header_filter.to_caller(reply.headers)
        kind, hides = header_filter.media_type(reply.headers), self._asked is not None and self._asked.hides
        if exchange.incoming.method in _METERED and reply.has_body:
            self._meter = meter_for(kind, reply.is_packed, hides)
        meter, length = self._meter, header_filter.length_of(reply.headers)
        start = {"type": "http.response.start", "status": reply.status, "headers": headers}
        if length is not None and not hides:
            if reply.may_have_length:
                headers.append((b"content-length", b"%d" % length))
        elif reply.has_body:
            headers += _STREAMED
            if kind == b"text/event-stream":
                # Its events may be far off, and the caller's patience may count from here.
                await exchange.send(start)
        chunk = await reply.read() if reply.has_body else b""
        self._first_byte_ms = self._elapsed_ms()
        if not exchange.started:
            await exchange.send(start)
        try:
            await self._relay(reply, chunk, hides)
        except OutboundFault:
            if rest := meter.finish():
                await exchange.send({"type": "http.response.body", "body": rest, "more_body": True})
            raise

    async def _relay(self, reply: Received, chunk: bytes, hides: bool) -> None:
        """Each chunk as soon as it is here; where nothing is taken out, before it is read."""
        send, meter, unread = self._exchange.send, self._meter, self._exchange.unread
        while chunk:
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
            # The provider did not wait for the whole body.
            await send({"type": "http.response.body", "body": rest, "more_body": True})
            rest = b""
            self._take_body(False)
            await unread.drain()
        await send({"type": "http.response.body", "body": rest, "more_body": False})

    async def _refused(self, reply: Received, body: bytes | None) -> Response:
        """The answer for a provider's error; a refusal of our key is never shown, and told on the provider's card."""
        provider, credential = self._provider, self._held.credential
        if reply.status < 400:
            return self._exchange.fault(
                refusals.unreachable(provider, "returned a redirect, which ARI doesn't follow", (refusals.NO_RETRY,))
            )
        found = refusals.verdict(credential, reply, body)
        if found is not None:
            await self._gateway.notes.rejected(self._held, found.words, reply.status)
            return self._exchange.fault(refusals.rejected(provider))
        answer = refusals.passed_on(credential, reply, body)
        return self._exchange.fault(answer) if isinstance(answer, Fault) else answer

    async def _after(self, fault: OutboundFault) -> Response | None:
        """What comes of a call that failed: by the caller's doing, or by the provider's."""
        if self._sent.fault is not None:
            self._ended = "client_gone"
            raise BodyFault(self._sent.fault) from None
        if self._sent.gone:
            self._ended = "client_gone"
            raise ClientGone from None
        if self._status is None:
            self._ended = "timed_out" if fault.word == "timed_out" else "unreachable"
        return await self._without_answer(fault.word)

    async def _without_answer(self, word: FaultWord) -> Response | None:
        """An answer of ours; ``None`` where the provider's has begun: without its end it is closed, not finished."""
        if word == "refused_address" and self._held.credential.key_named:
            word = "unreachable"  # what a name leads to in the server's network is not for the key that named it
        reason = f"{self._provider.title} {refusals.words_for(word)}."
        if self._status is None:
            await self._gateway.notes.unreachable(self._held, reason)
        if self._exchange.started:
            return None
        return self._exchange.fault(refusals.fault_for(self._provider, word))

    def _begin_watch(self) -> None:
        self._watch = asyncio.ensure_future(self._wait_for_hang_up())

    async def _wait_for_hang_up(self) -> None:
        """End the call when the caller hangs up, by letting its time run out."""
        while (await self._exchange.receive())["type"] != "http.disconnect":
            pass
        self._sent.gone = True
        if not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _elapsed_ms(self) -> float:
        return round((self._exchange.instance.clock.monotonic() - self._exchange.incoming.started) * 1000, 3)

    def _judged(self) -> Ended:
        """How the response ended, by what it said itself."""
        meter = self._meter
        meter.finish()
        if meter.failed:
            return "error"
        if self._ended == "client_gone" and meter.ended:
            return "complete"
        return "cut" if self._ended == "complete" and meter.unfinished else self._ended

    def _tell(self) -> None:
        """Fill in what was used, by a later commit of the log."""
        row = self._exchange.row
        if row is None:
            return
        self._ended = self._judged()
        told = self._meter.told(whole=self._ended == "complete")
        self._exchange.instance.usage.meter(
            AiUse(
                id=row.id,
                at_ms=row.at_ms,
                key_id=row.key_id,
                provider=self._provider.name,
                model=told.model,
                input_tokens=told.input_tokens,
                output_tokens=told.output_tokens,
                cached_tokens=told.cached_tokens,
                provider_status=self._status,
                first_byte_ms=self._first_byte_ms,
                whole_ms=self._elapsed_ms(),
                ended=self._ended,
            )
        )
