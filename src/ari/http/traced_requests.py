"""Requests whose spans are recorded. Where tracing is off, ``RequestHandler`` serves alone."""

from time import perf_counter

from ari.base.traces import RequestTrace, Tracer
from ari.http.context import Receive, RequestContext, Send
from ari.http.dispatch import App
from ari.http.request_handler import RequestHandler, Scope
from ari.http.responses import Response
from ari.http.route_policy import AuthMode
from ari.http.route_table import NO_ROUTE, RouteTable
from ari.http.services import Services
from ari.instance import Instance
from ari.keys.reasons import ACCEPTED

_SERVER_ERROR = 500
_OTHER = "_OTHER"
_PROBES = ("/api/health", "/api/ready", "/metrics")
"""Monitoring requests them every few seconds."""


class TracedRequestHandler(RequestHandler):
    """Begins a request's span once its key is known, and ends it with the request. Probes that succeed are left out.

    Spans have ids, methods, route templates, codes and times. What a caller wrote is in none of them.
    """

    def __init__(self, app: App, table: RouteTable, instance: Instance, services: Services, tracer: Tracer) -> None:
        super().__init__(app, table, instance, services)
        self._tracer = tracer
        self._continues = services.settings.traces == "on"

    def _read(self, scope: Scope, receive: Receive, send: Send) -> RequestContext:
        context = super()._read(scope, receive, send)
        head = context.head
        context.served.trace = self._tracer.begin_request(
            head.at_ms, head.lines(b"traceparent"), head.lines(b"tracestate")
        )
        return context

    async def _admit(self, context: RequestContext) -> Response | None:
        trace = context.served.trace
        if trace is None or context.route.policy.auth is AuthMode.FORWARD_AUTH:
            return await super()._admit(context)
        began = perf_counter()
        try:
            return await super()._admit(context)
        finally:
            row = context.record.row
            if trace.is_recording:
                trace.add("ari.authenticate", began, {"ari.result": None if row is None else row.code})
            self._decide(context, trace)

    def _decide(self, context: RequestContext, trace: RequestTrace) -> None:
        """Begin the span, for a caller that is known by now or a stranger."""
        row = context.record.row
        is_known = context.signed_in is not None or (row is not None and row.code == ACCEPTED)
        name = _name_span(context) if trace.is_recording else ""
        trace.decide(name, is_trusted=self._continues and is_known)

    def _end(self, context: RequestContext) -> None:
        trace = context.served.trace
        if trace is not None and context.route.policy.auth is AuthMode.FORWARD_AUTH:
            self._decide(context, trace)
        super()._end(context)
        context.served.trace = None
        if trace is not None and trace.is_recording:
            self._finish(context, trace)

    def _finish(self, context: RequestContext, trace: RequestTrace) -> None:
        served, row = context.served, context.record.row
        status = served.status
        failed = has_failed(status)
        if is_usual_probe(context.route.template, status) and not trace.is_continued:
            return  # a span that doesn't end isn't sent
        trace.finish(
            {
                "http.request.method": context.head.known_method,
                "http.route": _find_route(context),
                "http.response.status_code": status,
                "url.scheme": "https" if self._services.settings.secure else "http",
                "error.type": str(status or "client_gone") if failed else None,
                "ari.request_id": context.request_id,
                "ari.result": None if row is None else row.code,
                "ari.key_id": None if row is None else row.key_id,
                "ari.consumer_id": None if context.key is None else context.key.consumer_id,
            },
            failed=status is not None and failed,
        )


def has_failed(status: int | None) -> bool:
    """Whether the server failed, or (``None``) the client has gone."""
    return status is None or status >= _SERVER_ERROR


def is_usual_probe(template: str, status: int | None) -> bool:
    """Whether it is a request of monitoring that didn't fail."""
    return template in _PROBES and not has_failed(status)


def _name_span(context: RequestContext) -> str:
    """The method and the route, as https://opentelemetry.io/docs/specs/semconv/http/http-spans/ names spans."""
    method, route = context.head.known_method, _find_route(context)
    method = "HTTP" if method == _OTHER else method
    return method if route is None else f"{method} {route}"


def _find_route(context: RequestContext) -> str | None:
    """The template of the route; ``None`` without one. Paths aren't used: callers could invent any number of them."""
    template = context.route.template
    return None if template == NO_ROUTE.template else template
