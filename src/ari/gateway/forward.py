"""One request through the gateway: the caller's to its provider, and the answer back, both as they come.

Nothing is held: a part is read when the one before was taken, so a slow caller slows the provider and the other way
round. A caller who hangs up ends the call, and a provider that breaks off ends the answer so that it cannot be taken
for a whole one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ari.gateway import head, refusals
from ari.gateway.asking import HidingMeter, with_usage_asked
from ari.gateway.meter import Meter, NoMeter, meter_for
from ari.http.answer import Answer
from ari.http.body import BodyFault, ClientGone
from ari.http.problem import Fault
from ari.outbound.http import FaultWord, OutboundFault, Reply
from ari.usage.ai import AiUse, Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from ari.gateway import Gateway
    from ari.gateway.keyring import Held
    from ari.gateway.route import Target
    from ari.gateway.sent import SentBody
    from ari.http.exchange import Exchange


_UNWATCHED_SECONDS = 0.05


class Forwarding:
    """Ends with ``run``, which returns an answer still to be sent, or ``None`` once it has sent one."""

    def __init__(self, gateway: Gateway, exchange: Exchange, target: Target, held: Held, sent: SentBody) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._target = target
        self._provider = target.provider
        self._held = held
        self._sent = sent
        self._meter: Meter = NoMeter()
        self._hides = False
        self._ended: Ended = "unreachable"
        self._status: int | None = None
        self._first_byte_ms: float | None = None
        self._watch: asyncio.Task[None] | asyncio.TimerHandle | None = None

    async def run(self) -> Answer | None:
        """Forward, and tell the log what was used. Raises ``BodyFault``, ``ClientGone``."""
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
            self._tell()

    async def _call(self) -> Answer | None:
        incoming, credential = self._exchange.incoming, self._held.credential
        url = head.url_for(credential, self._target.path, incoming.query)
        headers = head.to_provider(incoming, credential)
        body = self._body(headers)
        call = self._gateway.client.call(
            incoming.method,
            url,
            headers,
            body,
            private=credential.owner_named,
            patience=self._gateway.patience,
        )
        async with call as reply:
            self._status = reply.status
            self._first_byte_ms = self._elapsed_ms()
            self._ended = "cut"
            if reply.status < 300:
                await self._pass_on(reply)
                self._ended = "complete"
                await self._gateway.notes.works(self._held)
                return None
            answer = await self._refused(reply)
            self._ended = "complete"
            return answer

    def _body(self, headers: list[tuple[str, str]]) -> bytes | AsyncIterable[bytes] | None:
        sent = self._sent
        if sent.whole is None:
            if sent.length is not None:
                headers.append(("content-length", str(sent.length)))
            return sent.pieces(self._begin_watch)
        asked = with_usage_asked(self._provider, self._target.path, sent.whole)
        self._hides = asked is not None
        return (asked or sent.whole) or None

    async def _pass_on(self, reply: Reply) -> None:
        """The answer, as it comes."""
        exchange, headers = self._exchange, head.to_caller(reply.headers)
        kind = head.media_type(reply.headers)
        encoded = any(name == b"content-encoding" for name, _ in headers)
        hiding = HidingMeter() if self._hides and kind == b"text/event-stream" and not encoded else None
        self._meter = meter = hiding or meter_for(self._provider.meter, kind, encoded)
        length = head.length_of(reply.headers)
        if length is not None and hiding is None:
            headers.append((b"content-length", b"%d" % length))
        chunk = await reply.read()
        self._first_byte_ms = self._elapsed_ms()
        await exchange.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        while chunk:
            last = reply.at_end and hiding is None
            part = chunk if hiding is None else hiding.passed(chunk)
            if part or last:
                await exchange.send({"type": "http.response.body", "body": part, "more_body": not last})
            if hiding is None:
                meter.see(chunk)
            if last:
                return
            chunk = await reply.read()
        rest = b"" if hiding is None else hiding.rest()
        await exchange.send({"type": "http.response.body", "body": rest, "more_body": False})

    async def _refused(self, reply: Reply) -> Answer:
        """The answer for a provider's error; a refusal of our key is never shown, and told on the provider's card."""
        provider, credential = self._provider, self._held.credential
        if reply.status < 400:
            return self._exchange.fault(
                refusals.unreachable(provider, "answered with a redirect, which is not followed")
            )
        body = await refusals.read_error(reply)
        found = refusals.verdict(credential, reply.status, body)
        if found.outcome == "rejected":
            await self._gateway.notes.rejected(self._held, found.words, reply.status)
            return self._exchange.fault(refusals.rejected(provider))
        answer = refusals.passed_on(credential, reply, body)
        return self._exchange.fault(answer) if isinstance(answer, Fault) else answer

    async def _after(self, fault: OutboundFault) -> Answer | None:
        """What comes of a call that failed: by the caller's doing, or by the provider's."""
        if self._sent.fault is not None:
            raise BodyFault(self._sent.fault) from None
        if self._sent.gone:
            self._ended = "client_gone"
            raise ClientGone from None
        if self._status is None:
            self._ended = "timed_out" if fault.word == "timed_out" else "unreachable"
        return await self._without_answer(fault.word)

    async def _without_answer(self, word: FaultWord) -> Answer | None:
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

    def _tell(self) -> None:
        """Fill in what was used, by a later commit of the log."""
        row = self._exchange.row
        if row is None:
            return
        told = self._meter.told()
        if self._ended == "client_gone" and self._meter.saw_end:
            self._ended = "complete"
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
