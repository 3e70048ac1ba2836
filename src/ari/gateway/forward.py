"""Forwards one request to its provider and streams the response back.

Backpressure works in both directions: each chunk is read after the one before was sent, so nothing is buffered. If
the caller disconnects, the call ends. If the provider breaks off, the response ends so that no client takes it for
complete.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ari.base.time_limit import TimeLimit
from ari.gateway import header_filter, provider_errors
from ari.gateway.ai_record import CallTimes, make_use
from ari.gateway.ai_trace import begin_call, end_trace, trace_meter
from ari.gateway.attempts import TOO_MANY_REQUESTS, ProviderAttempts, TryAgain, find_consumer
from ari.gateway.costs import METERED, RequestPrices, is_refused, read_tier
from ari.gateway.injected_body import InjectedBody
from ari.gateway.meter import Meter, NoMeter, meter_for
from ari.gateway.model_lists import ModelFilter, read_list
from ari.gateway.provider_response import ProviderResponse
from ari.gateway.relay import find_outcome, read_on, relay
from ari.gateway.usage_injection import may_inject
from ari.http.body import BodyFault, ClientGone
from ari.http.context import RequestContext
from ari.http.fault_response import fault_response
from ari.http.problem import Fault
from ari.http.responses import Response
from ari.http.services import Services
from ari.outbound.http import FaultWord, OutboundFault
from ari.usage.ai import Ended
from ari.usage.cleaning import clean_use

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from ari.gateway import Gateway
    from ari.gateway.budget_plan import BudgetPlan
    from ari.gateway.keyring import ResolvedCredential
    from ari.gateway.request_body import RequestBody
    from ari.gateway.route import Target
    from ari.gateway.target_plan import PlannedTarget

_UNWATCHED_SECONDS = 0.05
_STREAMED = ((b"x-accel-buffering", b"no"),)
"""Keeps proxies such as nginx from buffering the stream."""


class Forwarding:
    """One forwarded request. ``run`` returns a response to send, or ``None`` if it sent one itself."""

    def __init__(
        self,
        gateway: Gateway,
        context: RequestContext,
        services: Services,
        target: Target,
        held: ResolvedCredential,
        sent: RequestBody,
        prices: RequestPrices,
        alias: str | None = None,
        model_filter: ModelFilter | None = None,
        budgets: BudgetPlan | None = None,
    ) -> None:
        self._gateway = gateway
        self._context = context
        self._services = services
        self.attempts = ProviderAttempts(
            gateway.keyring, target, held, find_consumer(context), services.clock.monotonic
        )
        self._sent = sent
        self._prices = prices
        self._alias = alias
        self._model_filter = model_filter
        self._budgets = budgets
        self._planned: PlannedTarget | None = None
        self._meter: Meter = NoMeter()
        self._streamed: ProviderResponse | None = None
        self._injected: InjectedBody | None = None
        self._ended: Ended = "unreachable"
        self._status: int | None = None
        self._fault: FaultWord | None = None
        self._tier: str | None = None
        self._first_byte_ms: float | None = None
        self._watch: asyncio.Task[None] | asyncio.TimerHandle | None = None

    async def run(self) -> Response | None:
        """Forward the request and record its usage. Raises ``BodyFault``, ``ClientGone``."""
        self._take_body(True)
        try:
            with TimeLimit(self._gateway.max_seconds) as self._limit:
                if self._sent.whole is not None:
                    # A fast response ends before a disconnect could be noticed, so watching starts late.
                    self._watch = asyncio.get_running_loop().call_later(_UNWATCHED_SECONDS, self._begin_watch)
                return await self._call()
        except TimeoutError:
            if self._sent.gone:
                self._ended = "client_gone"
                raise ClientGone from None
            self._ended = "timed_out" if self._status is None else "cut"
            return await self._fail("timed_out")
        except OutboundFault as fault:
            return await self._handle_fault(fault)
        finally:
            if self._watch is not None:
                self._watch.cancel()
            if self._injected is not None:
                self._injected.close()
            self._take_body(False)
            self._gateway.left_calls.end(self._sent)
            self._report()

    def _take_body(self, taken: bool) -> None:
        """Set whether the rest of the caller's body goes to the provider."""
        if self._context.unread_body is not None:
            self._context.unread_body.is_taken = taken

    async def _call(self) -> Response | None:
        """Call the provider until a response decides the request; ``attempts`` says when there is another call.

        A call is repeated without the usage option if the provider refused the one that ARI added.
        """
        if self.attempts.skips_first and not await self.attempts.take_next_target():
            self._fault = "unreachable"
            return self._respond(self.attempts.make_skipped_fault())
        if not await self._follow_target():
            await self._prepare_body()
        while True:
            try:
                response = await self._call_once()
            except OutboundFault as fault:
                is_safe = self._status is None and not self._sent.gone and self._can_resend
                if not is_safe or not await self.attempts.take_target_after(fault, self._gateway.provider_status):
                    raise
                response = TryAgain()
            if not isinstance(response, TryAgain):
                return response
            self._status, self._ended = None, "unreachable"
            await self._follow_target()

    async def _follow_target(self) -> bool:
        """Whether the current attempt has another target than the one before, whose body is then the one to send."""
        planned = self.attempts.planned
        if planned is None or planned is self._planned:
            return False
        self._planned, self._sent.whole = planned, planned.target.body
        self._prices, self._budgets = planned.prices, planned.budgets
        await self._prepare_body()
        return True

    async def _prepare_body(self) -> None:
        """Add the usage option for the current target, if its streams need it."""
        head, path, gateway = self._context.head, self.attempts.target.path, self._gateway
        if self._injected is not None:
            self._injected.close()
            self._injected = None
        if may_inject(self.attempts.provider, head.method, path, head.first(b"content-type") or b""):
            credential, monotonic = self.attempts.current.credential, self._services.clock.monotonic
            self._injected = InjectedBody(gateway.option_support, gateway.body_budget, credential, monotonic)
            try:
                await self._injected.read(self._sent, self._begin_watch)
            except BodyFault:
                self._ended = "client_gone"
                raise

    async def _call_once(self) -> Response | TryAgain | None:
        incoming, credential = self._context.head, self.attempts.current.credential
        url = header_filter.url_for(credential, self.attempts.target.path, incoming.query)
        headers = begin_call(self._context, self.attempts, self._sent.whole, self._prices.model)
        body = self._body(headers)
        call = self._gateway.call(credential, incoming.method, url, headers, body)
        async with (
            call as found,
            ProviderResponse(found, incoming.method, credential.secret, self._gateway.read_rates) as reply,
        ):
            self._status, self._tier = reply.status, read_tier(reply.headers)
            self.attempts.end(reply.status)
            self._first_byte_ms = self._measure_elapsed_ms()
            self._ended = "client_gone" if self._sent.gone else "cut"
            if self._sent.gone:
                await self._read_use(reply)
                raise ClientGone
            if not reply.has_valid_status:
                reason = "returned an invalid HTTP status"
                return self._respond(provider_errors.unreachable(self.attempts.provider, reason))
            if reply.status < 300 or (reply.status == 304 and header_filter.is_conditional(incoming)):
                if self._injected is not None:
                    self._injected.note_accepted()
                self.attempts.note_accepted()
                listed = await self._stream_or_list(reply)
                self._ended = "complete"
                await self._gateway.provider_status.works(self.attempts.current)
                return listed
            error = await provider_errors.read_error(reply) if reply.status >= 400 else None
            if self._injected is not None and reply.status >= 400:
                if self._injected.should_retry(reply.status, error):
                    return TryAgain()
                if self._injected.cannot_retry:
                    self._ended = "complete"
                    return self._respond(provider_errors.try_again(self.attempts.provider))
            response = await self._handle_error(reply, error)
            self._ended = "complete"
            return response

    @property
    def _can_resend(self) -> bool:
        """Whether the whole body is still there."""
        return self._sent.whole is not None if self._injected is None else self._injected.is_whole

    def _body(self, headers: list[tuple[str, str]]) -> bytes | AsyncIterable[bytes] | None:
        if self._injected is not None:
            return self._injected.next(headers)
        if self._sent.whole is None:
            if self._sent.length is not None:
                headers.append(("content-length", str(self._sent.length)))
            return self._sent.pieces(self._begin_watch)
        return self._sent.whole or None

    async def _stream_or_list(self, reply: ProviderResponse) -> Response | None:
        """Send the response. A list of models is returned instead, with those that the caller may use."""
        if self._model_filter is None or reply.status != 200:
            await self._stream(reply)
            return None
        found = await read_list(reply, self._context.head.query, self._model_filter)
        return found or self._respond(provider_errors.unreachable(self.attempts.provider, "sent no list of models"))

    async def _read_use(self, reply: ProviderResponse) -> None:
        """Read what a response reports for a caller that hung up."""
        if self._budgets is not None and reply.status < 300:
            self._meter = meter_for(header_filter.media_type(reply.headers), reply.is_compressed)
            await read_on(reply, self._meter, await reply.read(), self._budgets.seen)

    async def _stream(self, reply: ProviderResponse) -> None:
        """Send the response to the caller while it arrives."""
        context, headers = self._context, header_filter.to_caller(reply.headers)
        kind, hides = header_filter.media_type(reply.headers), self._injected is not None and self._injected.hides
        if context.head.method in METERED and reply.has_body:
            self._meter = trace_meter(context, meter_for(kind, reply.is_compressed, hides))
        meter, length = self._meter, header_filter.length_of(reply.headers)
        start = {"type": "http.response.start", "status": reply.status, "headers": headers}
        if length is not None and not hides:
            if reply.may_have_length:
                headers.append((b"content-length", b"%d" % length))
        elif reply.has_body:
            headers += _STREAMED
            if kind == b"text/event-stream":
                # The first event may take long; the caller's timeout may depend on the headers.
                await context.send(start)
        chunk = await reply.read() if reply.has_body else b""
        self._first_byte_ms = self._measure_elapsed_ms()
        if not context.started:
            await context.send(start)
        self._streamed = reply
        try:
            seen = self._budgets.seen if self._budgets else None
            await relay(context, reply, meter, chunk, hides=hides, seen=seen, sent=self._sent)
        except OutboundFault:
            if rest := meter.finish():
                await context.send({"type": "http.response.body", "body": rest, "more_body": True})
            raise

    async def _handle_error(self, reply: ProviderResponse, body: bytes | None) -> Response | TryAgain:
        """The response for a provider's error, or another attempt with the next key of several.

        A rejected provider key is reported on its card, never to the caller.
        """
        provider, credential = self.attempts.provider, self.attempts.current.credential
        if reply.status < 400:
            reason = "returned a redirect, which ARI doesn't follow"
            return self._respond(provider_errors.unreachable(provider, reason, (provider_errors.NO_RETRY,)))
        found = provider_errors.judge_key(credential, reply, body)
        if found is not None:
            await self._gateway.provider_status.record_rejection(self.attempts.current, found.words, reply.status)
        elif reply.status == TOO_MANY_REQUESTS:
            self.attempts.note_limited(reply, self._services.clock.now_ms())
        if (found is not None or reply.status == TOO_MANY_REQUESTS) and self._can_resend:
            if await self.attempts.take_next():
                return TryAgain()
            left = self.attempts.no_key_left
            if left is not None:
                return self._respond(provider_errors.make_no_key_left_fault(left.provider, left.retry_after_seconds))
        if found is not None:
            return self._respond(provider_errors.make_key_rejected_fault(provider))
        response = provider_errors.to_response(credential, reply, body)
        return self._respond(response) if isinstance(response, Fault) else response

    async def _handle_fault(self, fault: OutboundFault) -> Response | None:
        """End a call that failed, on the caller's side or the provider's."""
        if self._sent.fault is not None:
            self._ended = "client_gone"
            raise BodyFault(self._sent.fault) from None
        self._fault = fault.word
        if self._sent.gone:
            self._ended = "client_gone"
            raise ClientGone from None
        if self._status is None:
            self._ended = "timed_out" if fault.word == "timed_out" else "unreachable"
        return await self._fail(fault.word)

    async def _fail(self, word: FaultWord) -> Response | None:
        """An error response. ``None`` if the provider's response has begun: the connection is closed before its end."""
        if word == "refused_address" and self.attempts.current.credential.key_named:
            word = "unreachable"  # a key that chose the host name must not learn what it resolves to
        reason = f"{self.attempts.provider.title} {provider_errors.words_for(word)}."
        if self._status is None:
            await self._gateway.provider_status.unreachable(self.attempts.current, reason)
        if self._context.started:
            return None
        return self._respond(provider_errors.fault_for(self.attempts.provider, word))

    def _respond(self, fault: Fault) -> Response:
        return fault_response(self._context, self._services, fault)

    def _begin_watch(self) -> None:
        self._watch = asyncio.ensure_future(self._wait_for_hang_up())

    async def _wait_for_hang_up(self) -> None:
        """End the call when the caller disconnects, by expiring its timeout."""
        while (await self._context.receive())["type"] != "http.disconnect":
            pass
        self._sent.gone = True
        is_over = self._meter.ended or (self._streamed is not None and self._streamed.at_end)
        waits = self._budgets is not None and not is_over
        left, has_response = self._gateway.left_calls, self._status is not None
        self._limit.end_after(left.begin(self._sent, has_response=has_response) if waits else 0)

    def _measure_elapsed_ms(self) -> float:
        return round((self._services.clock.monotonic() - self._context.record.started) * 1000, 3)

    def _report(self) -> None:
        """Hand the usage to the recorder, which writes it in a later commit."""
        self.attempts.note_wait(self._context, self._first_byte_ms)
        row = self._context.record.row
        if row is None:
            return
        is_read = self._streamed is not None and self._streamed.at_end
        self._ended = find_outcome(self._meter, self._ended, is_read, has_left=self._sent.has_left)
        used = self._meter.usage(whole=self._ended == "complete")
        if self._prices.is_free and used.input_tokens is None and not is_refused(self._status, self._fault):
            used = replace(used, input_tokens=0, output_tokens=0)
        cost = self._prices.final_cost(self._status, self._fault, used, self._tier)
        times = CallTimes(self._first_byte_ms, self._measure_elapsed_ms())
        use = make_use(row, self.attempts, used, cost, times, status=self._status, ended=self._ended, alias=self._alias)
        if self._budgets is not None:
            use = self._budgets.settle(clean_use(use), used, self._fault)
        self._services.recorder.meter(end_trace(self._context, use, self._meter))
