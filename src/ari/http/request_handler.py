"""One request through its six stages: read head → edge checks → authenticate and authorize → run → record → send."""

from collections.abc import MutableMapping
from typing import Any

import structlog

from ari.base.errors import AriError
from ari.base.finishing import find_task, finish_canceled, is_canceled, may_wait
from ari.base.served_request import ServedRequest, set_served_request
from ari.http.auth.api_key import authenticate_key
from ari.http.auth.csrf import form_fault
from ari.http.auth.session import authenticate_session
from ari.http.body import BodyFault, ClientGone
from ari.http.context import Receive, RequestContext, Send
from ari.http.credentials import read_credentials
from ari.http.dispatch import App, run_handler
from ari.http.fault_response import fault_response
from ari.http.head_method import HeadSent
from ari.http.problem import Fault, fault_of
from ari.http.request_head import keys_in_url, read_head
from ari.http.request_metrics import find_door
from ari.http.response_sender import ResponseSender
from ari.http.responses import Response
from ari.http.route_policy import AuthMode
from ari.http.route_table import RouteTable
from ari.http.services import Services
from ari.http.unread_body import UnreadBody, announces_body, read_length
from ari.http.usage_record import UsageRecord
from ari.instance import Instance
from ari.keys.reasons import REQUEST_ERRORS

_log = structlog.get_logger("ari.http")
_CLIENT_GONE = 499
"""The status in the log of a request whose client hung up (nginx's number)."""
_NO_RESPONSE = "The handler sent no response."

Scope = MutableMapping[str, Any]


class RequestHandler:
    """Takes the HTTP requests of one process. ``table`` decides which route of ``app`` runs."""

    def __init__(self, app: App, table: RouteTable, instance: Instance, services: Services) -> None:
        self._app = app
        self._table = table
        self._instance = instance
        self._services = services
        self._metrics = instance.metrics
        self._slow_requests = services.slow_requests
        self._running: dict[int, RequestContext] = {}

    def list_running(self) -> list[tuple[str, str, str, float]]:
        """The requests in progress: method, route, ID, and their age in seconds. May be called in any thread."""
        now = self._services.clock.monotonic()
        return [
            (one.head.known_method, one.route.template or "none", one.head.request_id, now - one.record.started)
            for one in self._running.copy().values()
        ]

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to the request."""
        services = self._services
        context = self._read(scope, receive, send)
        set_served_request(context.served)
        self._metrics.begin_request()
        self._running[id(context)] = context
        sender = context.send = ResponseSender(context, services, send)
        task = find_task()
        try:
            await self._respond(scope, context, sender)
        except BaseException as error:
            if not may_wait(error, task):
                context.record.complete(_CLIENT_GONE, None)
                raise
            await finish_canceled(_fail(context, sender, error))
            if isinstance(error, KeyboardInterrupt | SystemExit) or is_canceled(error, task):
                raise
        finally:
            del self._running[id(context)]
            context.send = send  # ends the reference cycle with the sender: garbage is collected rarely
            self._end(context)

    async def _respond(self, scope: Scope, context: RequestContext, sender: ResponseSender) -> None:
        try:
            response = await self._admit(context)
            if response is None:
                response = await run_handler(self._app, scope, context, self._services)
            if response is not None:
                await sender.respond(response)
            elif not context.started:
                raise RuntimeError(_NO_RESPONSE)
        except AriError as error:
            await sender.respond_to_fault(fault_of(error))
        except BodyFault as error:
            await sender.respond_to_fault(error.fault)
        except ClientGone:
            context.record.complete(_CLIENT_GONE, None)
        except HeadSent:
            pass

    def _end(self, context: RequestContext) -> None:
        """Count the request, and log it if it was slow."""
        taken = self._services.clock.monotonic() - context.record.started
        self._metrics.end_request(find_door(context.route.template), taken)
        if taken >= self._slow_requests.min_seconds:
            self._slow_requests.note(context, taken)
        context.served.is_served = False

    def _read(self, scope: Scope, receive: Receive, send: Send) -> RequestContext:
        services = self._services
        clock = services.clock
        at_ms, started = clock.now_ms(), clock.monotonic()
        head = read_head(scope, at_ms)
        peer = scope.get("client")
        unread_body = UnreadBody(receive, read_length(head)) if announces_body(head) else None
        return RequestContext(
            self._instance,
            head,
            services.edge_checks.client_of(peer[0] if peer else None, head),
            self._table.match(head.method, head.path),
            read_credentials(head),
            keys_in_url(head),
            UsageRecord(services.recorder, clock, started),
            unread_body or receive,
            unread_body,
            send,
            ServedRequest(head.request_id),
            peer=peer[0] if peer else None,
        )

    async def _admit(self, context: RequestContext) -> Response | None:
        """``None`` if the handler may run, else the response in its place."""
        services = self._services
        if context.route.policy.auth is AuthMode.FORWARD_AUTH:
            return None
        fault = services.edge_checks.check(context)
        if context.credentials.tokens or context.credentials.duplicated or context.keys_in_url:
            fault = await authenticate_key(context, services, fault)
            return None if fault is None else fault_response(context, services, fault)
        if fault is not None:
            return fault_response(context, services, form_fault(context.head, services.settings, fault))
        return await authenticate_session(context, services)


async def _fail(context: RequestContext, sender: ResponseSender, error: BaseException) -> None:
    """Respond with a 500 and log why: nothing may escape into the server, which would respond without a row."""
    if context.served.trace is not None:
        context.served.trace.add_exception(error)
    _log.error("request failed", route=context.route.template, exc_info=error)
    await sender.respond_to_fault(Fault(REQUEST_ERRORS["internal"]))
