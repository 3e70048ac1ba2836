"""One request on its way through the guard: gate → who calls → log → handler → answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ari.base.caller import Caller
from ari.base.errors import Unavailable
from ari.http import body as bodies
from ari.http.access import Kind, Matched
from ari.http.answer import Answer, fault_answer
from ari.http.answer_headers import answer_headers
from ari.http.body import BodyFault, ClientGone
from ari.http.call import Call, attach
from ari.http.credentials import Presented, presented
from ari.http.gate import bucket_of
from ari.http.incoming import INVALID_REQUEST, Incoming, keys_in_url, new_nonce, read_head
from ari.http.problem import Fault, fault_of
from ari.http.visitor import Visitor
from ari.keys.checks import Ask
from ari.keys.model import ApiKey, Granted, Refused
from ari.keys.reasons import ACCEPTED, EXPIRED, INSUFFICIENT_SCOPE, REQUEST_ERRORS
from ari.keys.verify import verify
from ari.usage.model import Completion, UsageRow

if TYPE_CHECKING:
    from ari.http.guard import Guard, Receive, Scope, Send

_log = structlog.get_logger("ari.http")
_CLIENT_GONE = 499
"""The status in the log of a request whose client hung up (nginx's number)."""


class Exchange:
    """A request and its answer. ``row`` is its line in the usage log once a known key was found in it."""

    def __init__(self, guard: Guard, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard = guard
        self.instance = guard.instance
        self.settings = guard.settings
        self.scope = scope
        self.receive = receive
        self._send = send
        clock = self.instance.clock
        self.incoming: Incoming = read_head(scope, clock.now_ms(), clock.monotonic())
        peer = scope.get("client")
        self.address = guard.gate.address_of(peer[0] if peer else None, self.incoming)
        self.call = Call(
            self.incoming.request_id, str(self.address) if self.address else None, self.incoming.user_agent
        )
        self.presented: Presented = presented(self.incoming)
        self.row: UsageRow | None = None
        self.row_written = False
        self.started = False
        self.swallow = False
        self.cookies: list[tuple[bytes, bytes]] = []

    async def run(self) -> None:
        """Answer the request."""
        attach(self.scope, self.call)
        self.call.nonce = new_nonce()
        matched = self.guard.table.match(self.incoming.method, self.incoming.path)
        try:
            answer = await self._admit(matched)
            if answer is None:
                await self._handle(matched)
            else:
                await self._answer(answer)
        except Unavailable as error:
            await self._answer(self.fault(fault_of(error)))
        except BodyFault as error:
            await self._answer(self.fault(error.fault))
        except ClientGone:
            self._complete(_CLIENT_GONE, None)
        except Exception:  # noqa: BLE001 - told as 500 and logged; nothing may escape into the server
            _log.exception("request failed", request_id=self.call.request_id, route=matched.template)
            if not self.started:
                await self._answer(self.fault(Fault(REQUEST_ERRORS["internal"])))

    async def _admit(self, matched: Matched) -> Answer | None:
        """``None`` if the handler may run, else the answer in its place."""
        fault = self.guard.gate.fault(self.incoming, self.address)
        exposed = keys_in_url(self.incoming)
        if exposed and fault is None:
            fault = Fault(REQUEST_ERRORS["key_in_url"])
        if self.presented.contradictory and fault is None:
            fault = Fault(INVALID_REQUEST, "Send exactly one API key: x-api-key and Authorization must not differ.")
        if self.presented.tokens or self.presented.doubled or exposed:
            fault = await self._judge_key(matched, fault, exposed)
            return None if fault is None else self.fault(fault)
        if fault is not None:
            return self.fault(fault)
        return await Visitor(self).admit(matched)

    async def _judge_key(self, matched: Matched, fault: Fault | None, exposed: list[bytes]) -> Fault | None:
        assert self.guard.finder is not None
        ask = Ask(matched.access.scope if matched.access.kind is Kind.NEEDS else None, self.incoming.at_ms)
        verdict: Granted | Refused | None = None
        for token in (*self.presented.tokens, *exposed)[:4]:
            verdict = await verify(self.guard.finder, token, ask)
            if verdict.key is not None:
                break
        if verdict is None or verdict.key is None:
            reason = verdict.reason if isinstance(verdict, Refused) else INVALID_REQUEST
            code = fault.reason.code if fault and not isinstance(verdict, Refused) else reason.code
            await self.instance.usage.count(code, bucket_of(self.address))
            return fault or Fault(reason)
        if exposed:
            await self.guard.report_exposed(verdict.key, self.call.origin("api"))
        fault = fault or await self._refusal(verdict, matched)
        code = ACCEPTED if fault is None else fault.reason.code
        self.row = self._new_row(verdict.key, code, matched)
        if fault is None:
            self.call.key = verdict.key
            self.call.caller = Caller(
                verdict.key.id, self.call.origin("api"), verdict.key.scopes, verdict.key.expires_at_ms
            )
        return fault

    async def _refusal(self, verdict: Granted | Refused, matched: Matched) -> Fault | None:
        if isinstance(verdict, Granted):
            if matched.access.kind in (Kind.PAGE, Kind.VISITOR):
                return Fault(REQUEST_ERRORS["forbidden"], "An API key opens the API; pages need a sign-in.")
            return None
        assert verdict.key is not None
        if verdict.reason is EXPIRED and verdict.key.expired_seen_at_ms is None:
            await self.guard.stamp_expired()
        if verdict.reason is INSUFFICIENT_SCOPE:
            return Fault(verdict.reason, scope=matched.access.scope)
        return Fault(verdict.reason)

    def _new_row(self, key: ApiKey, code: str, matched: Matched) -> UsageRow:
        incoming = self.incoming
        return UsageRow(
            id=incoming.id,
            at_ms=incoming.at_ms,
            request_id=incoming.request_id,
            key_id=key.id,
            key_hint=key.hint,
            code=code,
            method=incoming.method,
            route=matched.template,
            path=incoming.raw_path.decode("latin-1"),
            client_address=self.call.client_address,
            user_agent=incoming.user_agent,
        )

    async def _handle(self, matched: Matched) -> None:
        incoming = self.incoming
        if matched.allow:
            headers = [(b"allow", ", ".join(matched.allow).encode())]
            await self._answer(self.fault(Fault(REQUEST_ERRORS["method_not_allowed"], headers=headers)))
            return
        if self.row is not None and not incoming.is_safe:
            await self._write_first(self.row)
        if not incoming.is_safe and self.call.form is None:
            content = await bodies.read_body(incoming, self.receive)
            bodies.check_json(incoming, content)
            self.receive = bodies.replay(content, self.receive)
        await self.guard.app(self.scope, self.receive, self.send)

    async def _write_first(self, row: UsageRow) -> None:
        """Commit the row of an unsafe request before its handler runs; where that fails, it is not tried twice."""
        try:
            await self.instance.usage.write(row)
        except Unavailable:
            self.row = None
            raise
        self.row_written = True

    async def send(self, message: Any) -> None:
        """The handler's ``send``: holds the start of a safe answer until its row is committed."""
        if self.swallow:
            return
        if message["type"] == "http.response.start":
            await self._start(message["status"], list(message.get("headers", ())))
        else:
            await self._send(message)

    async def _start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        length = next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)
        try:
            await self._log(status, length)
        except Unavailable as error:
            self.swallow = True
            answer = self.fault(fault_of(error))
            await self._begin(answer.status, answer.headers)
            await self._send({"type": "http.response.body", "body": answer.body})
            return
        await self._begin(status, headers)

    async def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        full = answer_headers(
            self.settings,
            [*headers, *self.cookies],
            path=self.incoming.path,
            host=self.incoming.host,
            nonce=self.call.nonce,
            request_id=self.call.request_id,
            status=status,
        )
        await self._send({"type": "http.response.start", "status": status, "headers": full})

    async def _log(self, status: int, length: int | None) -> None:
        if self.row is None:
            return
        if self.row_written:
            self._complete(status, length)
            return
        self.row.status = status
        self.row.bytes = length
        self.row.duration_ms = self._duration_ms()
        await self.instance.usage.write(self.row)
        self.row_written = True

    def _complete(self, status: int, length: int | None) -> None:
        if self.row is not None and self.row_written and self.row.status is None:
            self.row.status = status
            self.instance.usage.complete(Completion(self.row.id, status, self._duration_ms(), length))

    def _duration_ms(self) -> float:
        return round((self.instance.clock.monotonic() - self.incoming.started) * 1000, 3)

    async def _answer(self, answer: Answer) -> None:
        """Log and send a whole answer; where logging fails, 503 instead."""
        await self._start(answer.status, answer.headers)
        if not self.swallow:
            content = b"" if self.incoming.method == "HEAD" else answer.body
            await self._send({"type": "http.response.body", "body": content})

    def fault(self, fault: Fault) -> Answer:
        """The answer for a fault of this request."""
        token_sent = bool(self.presented.tokens)
        return fault_answer(
            self.settings,
            fault,
            self.call,
            is_api=self.incoming.is_api or self.call.key is not None or token_sent,
            token_sent=token_sent,
            error_page=self.guard.error_page,
        )
