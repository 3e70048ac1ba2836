"""The doors as one ASGI app with one lifespan."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ari import gateway, jobs, web
from ari.api import (
    apply,
    budgets,
    bulk_keys,
    consumers,
    events,
    forward_auth,
    health,
    import_keys,
    instance_policy,
    integrations,
    keys,
    kinds,
    leaks,
    me,
    metrics,
    model_aliases,
    notifications,
    openapi,
    presets,
    prices,
    provider_keys,
    rotation,
    scope_use,
    scopes,
    upstreams,
    usage,
    verify,
    webhook_deliveries,
    webhooks,
)
from ari.api.error_docs import document_errors
from ari.api.metrics_text import MetricsText
from ari.api.validation import problems_of
from ari.base.errors import AriError
from ari.http.context import context_of
from ari.http.dispatch import Dispatcher
from ari.http.fault_response import fault_response
from ari.http.middleware import Middleware
from ari.http.presence import Presence
from ari.http.problem import Fault, fault_of
from ari.http.stranger_queue import StrangerQueue
from ari.instance import Instance
from ari.keys.reasons import REQUEST_ERRORS

_log = structlog.get_logger("ari.server")
_DOORS = (
    openapi,
    me,
    verify,
    forward_auth,
    leaks,
    keys,
    rotation,
    bulk_keys,
    import_keys,
    kinds,
    consumers,
    budgets,
    instance_policy,
    integrations,
    model_aliases,
    provider_keys,
    upstreams,
    scopes,
    presets,
    prices,
    scope_use,
    apply,
    usage,
    notifications,
    webhooks,
    webhook_deliveries,
    events,
    health,
    metrics,
)
"""The modules whose routes are the API, in the order of its description."""

_IMPORTED_LATE = ("ari.keys", "ari.storage.lookups", "ari.storage.stores", "ari.storage.usage", "ari.usage")
"""Packages of which a command imports only what it needs."""

_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""The framework's own records queries, and variables of the environment would turn it on. ARI's are in ``tracing``."""


def build_app(instance: Instance, presence: Presence | None = None) -> Middleware:
    """All doors behind the middleware; ``presence`` reports the other workers, if there are any."""
    settings = instance.settings
    _import_everything(instance)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await guard.start()
        ticking = asyncio.create_task(jobs.run(instance))
        app.state.presence.enter()
        yield
        await jobs.end(ticking)
        await guard.stop()
        await ai.close()
        instance.close()

    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        debug=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.instance = instance
    app.state.presence = presence = presence or Presence()
    app.state.metrics = MetricsText(instance, presence)
    app.state.leak_queue = StrangerQueue()
    for door in _DOORS:
        app.router.routes.extend(door.router.routes)
    ai = gateway.Gateway(instance)
    app.router.routes.extend(gateway.routes(ai, document_errors))
    app.state.description = openapi.Description(app, settings)
    app.router.routes.extend(web.routes(instance, app.state.description.document))
    guard = Middleware(app, instance, app.routes, web.error_page(instance))
    app.state.slow_reports = leaks.SlowReports(guard.rehash)
    app.router.middleware_stack = Dispatcher(app.router.app, guard.events.report_unauthorized)
    _add_error_handlers(app, guard)
    return guard


def _import_everything(instance: Instance) -> None:
    """Import what a command imports only if it needs it.

    Workers share the memory of what is imported before they are forked, no request waits for an import, and none gets a
    module of the version that was installed since.
    """
    instance.make_parts()
    for package in _IMPORTED_LATE:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            import_module(module.name)


def build_metrics_app(app: Middleware) -> metrics.MetricsApp:
    """``/metrics`` of ``app`` for an address of its own, where no key is needed."""
    framework: Any = app.app
    return metrics.MetricsApp(framework.state.metrics, framework.state.instance.settings)


def _add_error_handlers(app: FastAPI, guard: Middleware) -> None:
    def render(request: Request, fault: Fault) -> Response:
        context = context_of(request)
        answer = fault_response(context, guard.services, fault, as_problem=context.head.is_api)
        response = Response(answer.body, answer.status)
        response.raw_headers = answer.headers
        return response

    async def on_ari_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, AriError)
        return render(request, fault_of(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(request, Fault(REQUEST_ERRORS["invalid"], problems=problems_of(error.errors())))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
        return render(request, Fault(REQUEST_ERRORS[code]))

    async def on_defect(request: Request, _: Exception) -> Response:
        """The framework raises the error again afterwards, and the guard logs it."""
        return render(request, Fault(REQUEST_ERRORS["internal"]))

    app.add_exception_handler(Exception, on_defect)
    app.add_exception_handler(AriError, on_ari_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
