"""One request on its way through the guard: gate → who calls → log → handler → answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from ari.base.errors import AriError, Unavailable
from ari.http import body as bodies
from ari.http.auth import csrf
from ari.http.auth.credentials import ONE_NOT_KEPT, Presented, mistake, presented
from ari.http.auth.session import SessionAuth
from ari.http.body import BodyFault, ClientGone
from ari.http.context import RequestContext, attach
from ari.http.cookies import preferences
from ari.http.dispatch import authorize
from ari.http.edge_checks import Client, bucket_of
from ari.http.head_cache import CachedHead
from ari.http.head_method import HeadSent, head_only
from ari.http.problem import Fault, Header, fault_of
from ari.http.request_head import INVALID_REQUEST, RequestHead, keys_in_url, read_head
from ari.http.responses import Response, fault_response
from ari.http.route_policy import AuthMode
from ari.http.route_table import NO_ROUTE, MatchedRoute
from ari.http.unread_body import UnreadBody, announces_body
from ari.http.usage_record import new_row
from ari.keys.checks import AccessRequest
from ari.keys.model import ApiKey, Granted, Refused, Verdict
from ari.keys.reasons import ACCEPTED, EXPIRED, INSUFFICIENT_SCOPE, MALFORMED, REQUEST_ERRORS
from ari.keys.token import digest
from ari.keys.verify import verify, verify_digest
from ari.usage.model import Completion, UsageRow
from ari.usage.ports import Batch

if TYPE_CHECKING:
    from ari.http.middleware import Middleware, Receive, Scope, Send

_log = structlog.get_logger("ari.http")
_ONE_KEY = "Send exactly one API key, once and without a comma; x-api-key and Authorization must not differ."
_CLIENT_GONE = 499
"""The status in the log of a request whose client hung up (nginx's number)."""


class RequestHandler:
    """A request and its answer.

    ``head`` is what the same head came to before. ``row`` is its line in the usage log once a known key was found in
    it; ``beside`` is what a direct handler wants committed together with it.
    """

    __slots__ = (
        "_call",
        "_send",
        "beside",
        "client",
        "cookies",
        "guard",
        "head",
        "head_name",
        "incoming",
        "instance",
        "json",
        "key",
        "matched",
        "presented",
        "receive",
        "row",
        "row_written",
        "scope",
        "settings",
        "started",
        "swallow",
        "unread",
    )

    def __init__(self, guard: Middleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard = guard
        self.instance = guard.instance
        self.settings = guard.settings
        self.scope = scope
        self.receive = receive
        self._send = send
        clock = guard.instance.clock
        at_ms, started = clock.now_ms(), clock.monotonic()
        self.head_name = guard.heads.name(scope)
        self.head: CachedHead | None = guard.heads.known(self.head_name)
        self.incoming: RequestHead
        self.matched: MatchedRoute
        self.client: Client
        self.presented: Presented
        if self.head is not None:
            self.incoming = self.head.again(scope["headers"], at_ms, started)
            self.matched, self.client, self.presented = self.head.matched, self.head.client, ONE_NOT_KEPT
        else:
            self.incoming = read_head(scope, at_ms, started)
            self.matched = guard.table.match(self.incoming.method, self.incoming.path)
            peer = scope.get("client")
            self.client = guard.gate.client_of(peer[0] if peer else None, self.incoming)
            self.presented = presented(self.incoming)
        self.key: ApiKey | None = None
        self._call: RequestContext | None = None
        self.json: Any = None
        self.row: UsageRow | None = None
        self.beside: Batch | None = None
        self.row_written = False
        self.started = False
        self.swallow = False
        self.unread: UnreadBody | None = None
        if announces_body(self.incoming):
            self.receive = self.unread = UnreadBody(receive)
        self.cookies: list[Header] = []

    @property
    def call(self) -> RequestContext:
        """What doors may know of the request."""
        if self._call is None:
            incoming = self.incoming
            self._call = RequestContext(self.instance, incoming.request_id, self.client.text, incoming.user_agent)
            if not self.incoming.is_api:
                cookies = [line.decode("latin-1") for line in self.incoming.lines(b"cookie")]
                self._call.preferences = preferences(cookies)
        self._call.key = self.key
        return self._call

    async def run(self) -> None:
        """Response the request."""
        try:
            answer = await (self._admit() if self.head is None else self._admit_again(self.head))
            if answer is None:
                answer = await self._handle()
            if answer is not None:
                await self._answer(answer)
        except AriError as error:
            await self._fail(fault_of(error))
        except BodyFault as error:
            await self._fail(error.fault)
        except ClientGone:
            self._complete(_CLIENT_GONE, None)
        except HeadSent:
            pass
        except Exception:  # noqa: BLE001 - told as 500 and logged; nothing may escape into the server
            _log.exception("request failed", request_id=self.incoming.request_id, route=self.matched.template)
            await self._fail(Fault(REQUEST_ERRORS["internal"]))

    async def _fail(self, fault: Fault) -> None:
        if not self.started:
            await self._answer(self.fault(fault))

    async def _admit(self) -> Response | None:
        """``None`` if the handler may run, else the answer in its place."""
        fault = self.guard.gate.fault(self.incoming, self.client.address)
        exposed = keys_in_url(self.incoming)
        if exposed and fault is None:
            fault = Fault(REQUEST_ERRORS["key_in_url"])
        if self.presented.contradictory and fault is None:
            fault = Fault(INVALID_REQUEST, _ONE_KEY)
        if self.presented.tokens or self.presented.doubled or exposed:
            fault = await self._judge_key(fault, exposed)
            return None if fault is None else self.fault(fault)
        if fault is not None:
            return self.fault(csrf.form_fault(self.incoming, self.settings, fault))
        return await SessionAuth(self).admit(self.matched)

    async def _admit_again(self, head: CachedHead) -> Response | None:
        """Likewise, where the same head let a key in before."""
        fault = await self._concluded(None, await verify_digest(self.guard.finder, head.digest, self._ask()))
        return None if fault is None else self.fault(fault)

    async def _judge_key(self, fault: Fault | None, exposed: list[bytes]) -> Fault | None:
        finder, ask = self.guard.finder, self._ask()
        verdict: Granted | Refused | None = None
        tokens = (*self.presented.tokens, *exposed) if exposed else self.presented.tokens
        for token in tokens[:4]:
            verdict = await verify(finder, token, ask)
            if verdict.key is not None:
                break
        if exposed and verdict is not None and verdict.key is not None:
            await self.guard.report_exposed(verdict.key, self.call.origin("api"))
        fault = await self._concluded(fault, verdict)
        if fault is None and self.head_name is not None:
            lines = len(self.scope["headers"])
            named = digest(tokens[0])
            self.guard.heads.remember(self.head_name, lines, self.incoming, self.matched, self.client, named)
        return fault

    def _ask(self) -> AccessRequest:
        return AccessRequest(self.matched.policy.scope, self.incoming.at_ms)

    async def _concluded(self, fault: Fault | None, verdict: Verdict | None) -> Fault | None:
        """What bars the request, if anything, now that its key was looked at; it is noted for the log."""
        if verdict is None or verdict.key is None:
            reason = verdict.reason if isinstance(verdict, Refused) else INVALID_REQUEST
            code = fault.reason.code if fault and not isinstance(verdict, Refused) else reason.code
            await self.instance.usage.count(code, bucket_of(self.client.address))
            return fault or Fault(reason, mistake(self.incoming) if reason is MALFORMED else None)
        if fault is None:
            fault = self._not_for_keys() if isinstance(verdict, Granted) else await self._refusal(verdict)
        self.row = new_row(self, verdict.key, ACCEPTED if fault is None else fault.reason.code)
        if fault is None:
            self.key = verdict.key
        return fault

    def _not_for_keys(self) -> Fault | None:
        if self.matched.policy.auth in (AuthMode.SESSION, AuthMode.VISITOR):
            return Fault(REQUEST_ERRORS["forbidden"], "API keys only work for the API. Sign in to see pages.")
        return None

    async def _refusal(self, verdict: Refused) -> Fault:
        if verdict.reason is EXPIRED and verdict.key is not None and verdict.key.expired_seen_at_ms is None:
            await self.guard.stamp_expired(self.incoming.at_ms)
        if verdict.reason is INSUFFICIENT_SCOPE:
            return Fault(verdict.reason, scope=self.matched.policy.scope)
        return Fault(verdict.reason)

    async def _handle(self) -> Response | None:
        """The handler's answer; ``None`` if the app has sent it already."""
        incoming, matched = self.incoming, self.matched
        if matched.allow:
            headers = [(b"allow", ", ".join(matched.allow).encode())]
            return self.fault(Fault(REQUEST_ERRORS["method_not_allowed"], headers=headers))
        if matched is NO_ROUTE:
            return self.fault(Fault(REQUEST_ERRORS["not_found"]))
        direct = matched.policy.fast
        if direct is not None and direct.streams:
            return await direct.handler(self)
        if not incoming.is_safe:
            if not (direct is not None and direct.reads_only):
                await self.log_first()
            await self._read_body()
        if direct is not None:
            return await direct.handler(self)
        attach(self.scope, self.call)
        authorize(self.scope, matched)
        send = head_only(self.send) if incoming.method == "HEAD" else self.send
        await self.guard.app(self.scope, self.receive, send)
        return None

    async def _read_body(self) -> None:
        if self._call is None or self._call.form is None:
            content = await bodies.read_body(self.incoming, self.receive)
            self.json = bodies.check_json(self.incoming, content)
            self.receive = bodies.replay(content, self.receive)

    async def log_first(self) -> None:
        """Commit the row of a request before what it asks for is done; where that fails, it is not tried twice."""
        row = self.row
        if row is None:
            return
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
        elif self.incoming.method != "HEAD":
            await self._send(message)
        elif not message.get("more_body", False):
            await self._send({"type": "http.response.body", "body": b""})

    async def _start(self, status: int, headers: list[Header]) -> None:
        length = next((int(value) for name, value in headers if name == b"content-length" and value.isdigit()), None)
        try:
            await self._log(status, length)
        except Unavailable as error:
            self.swallow = True
            await self._send_whole(self.fault(fault_of(error)))
        else:
            await self._begin(status, headers)

    async def _answer(self, answer: Response) -> None:
        """Log and send a whole answer; where logging fails, 503 instead."""
        try:
            await self._log(answer.status, len(answer.body))
        except Unavailable as error:
            answer = self.fault(fault_of(error))
        await self._send_whole(answer)

    async def _send_whole(self, answer: Response) -> None:
        await self._begin(answer.status, answer.headers)
        body = b"" if self.incoming.method == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

    async def _begin(self, status: int, headers: list[Header]) -> None:
        if self.unread is not None:
            await self.unread.drain()
        self.started = True
        incoming = self.incoming
        if self.cookies:
            headers = [*headers, *self.cookies]
        ours = self.guard.answer_headers
        if incoming.path.startswith("/api/"):
            full = ours.of_api(headers, incoming.request_id)
        elif incoming.path.startswith("/static/"):
            full = ours.of_static(headers, incoming.request_id, status)
        else:
            full = ours.of_page(
                headers,
                incoming.request_id,
                incoming.host,
                self.call.nonce,
                inline_styles=self.matched.policy.inline_styles,
            )
        await self._send({"type": "http.response.start", "status": status, "headers": full})

    async def _log(self, status: int, length: int | None) -> None:
        row, beside = self.row, self.beside
        if row is not None:
            if self.row_written:
                self._complete(status, length)
                return
            row.status, row.bytes, row.duration_ms = status, length, self._duration_ms()
        if beside is not None:
            rows = beside.rows if row is None else (row, *beside.rows)
            await self.instance.usage.write_together(rows, beside.attempts)
        elif row is not None:
            await self.instance.usage.write(row)
        self.row_written = True

    def _complete(self, status: int, length: int | None) -> None:
        if self.row is not None and self.row_written and self.row.status is None:
            self.row.status = status
            self.instance.usage.complete(Completion(self.row.id, status, self._duration_ms(), length))

    def _duration_ms(self) -> float:
        return round((self.instance.clock.monotonic() - self.incoming.started) * 1000, 3)

    def fault(self, fault: Fault) -> Response:
        """The answer for a fault of this request."""
        token_sent = bool(self.presented.tokens)
        return fault_response(
            self.settings,
            fault,
            self.call,
            is_api=self.incoming.is_api or self.key is not None or token_sent,
            token_sent=token_sent,
            error_page=self.guard.error_page,
            for_sdks=self.incoming.path.startswith("/api/ai/"),
        )
