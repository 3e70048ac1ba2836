"""A Django project with guarded views of each kind, for tests in this process, which has one project.

``tests/conftest.py`` names its settings; tests override ``ARI_KEYS``.
"""

from collections.abc import AsyncIterator, Iterator
from functools import wraps
from itertools import count
from typing import Any

import django
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_page
from rest_framework import permissions, viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.schemas import get_schema_view

from ari.guard.django import require_key
from ari.guard.drf import ApiKeyAuthentication, HasKey
from ari.guard.drf.openapi import KeyAutoSchema, KeySchemaGenerator

django.setup()


@require_key("orders:read")
def read_order(request: HttpRequest, order_id: int) -> HttpResponse:
    key = request.ari_key
    return JsonResponse({"id": order_id, "key": key.id, "may_write": key.has("orders:write")})


@require_key("orders:read")
async def read_order_async(request: HttpRequest, order_id: int) -> HttpResponse:
    return JsonResponse({"id": order_id, "key": request.ari_key.id})


@require_key("orders:write")
def write_order(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.ari_key.name, status=201)


@require_key("orders:read")
def fail(request: HttpRequest) -> HttpResponse:
    raise ValueError("the view fails")


@require_key("orders:read")
def stream(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[bytes]:
        yield from (b"one", b"two")

    async def async_pieces() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two"):
            yield piece

    return StreamingHttpResponse(async_pieces() if hasattr(request, "scope") else pieces())


@require_key("orders:read")
def fail_stream(request: HttpRequest) -> StreamingHttpResponse:
    def fail_piece(_: int = 0) -> bytes:
        raise ValueError("the stream fails")

    async def async_pieces() -> AsyncIterator[bytes]:
        yield fail_piece()

    return StreamingHttpResponse(async_pieces() if "async" in request.GET else map(fail_piece, [1]))


@require_key("nobody:knows")
def read_undeclared(request: HttpRequest) -> HttpResponse:
    raise AssertionError("the view must not run")


def read_open(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"open {request.ari_key}")


@require_key("orders:write")
class WriteView(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.ari_key.name)


@require_key("orders:read")
@require_key("orders:write")
def read_both(request: HttpRequest) -> HttpResponse:
    return HttpResponse("both")


class HeaderUser:
    is_authenticated = True


class HeaderAuthentication(BaseAuthentication):
    """Another class of the app, such as sessions: trusts a header."""

    def authenticate(self, request: Request) -> tuple[HeaderUser, None] | None:
        return (HeaderUser(), None) if request.headers.get("x-staff") == "yes" else None


class OrderViewSet(viewsets.ViewSet):
    """Scopes by method."""

    schema = KeyAutoSchema()
    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasKey(read="orders:read", write="orders:write"),)

    def list(self, request: Request) -> Response:
        return Response({"user": str(request.user), "key": request.auth.id, "pk": request.user.pk})

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response({"id": pk})

    def create(self, request: Request) -> Response:
        return Response(request.data, status=201)


class EitherViewSet(viewsets.ViewSet):
    """A key, or a user of the app."""

    schema = KeyAutoSchema()
    authentication_classes = (HeaderAuthentication, ApiKeyAuthentication)
    permission_classes = (HasKey("orders:read") | permissions.IsAuthenticated,)

    def list(self, request: Request) -> Response:
        return Response({"user": type(request.user).__name__})


class UnnamedViewSet(viewsets.ViewSet):
    """A view that names no scope accepts no key."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (permissions.IsAuthenticated,)

    def list(self, request: Request) -> Response:
        raise AssertionError("the view must not run")


@api_view()
@permission_classes([HasKey("orders:read")])
def read_plain(request: Request) -> Response:
    return Response({"user": request.user, "key": request.ari_key.id})


@api_view()
@permission_classes([HasKey("orders:read")])
def read_around(request: Request) -> Response:
    return Response("with a cache around it")


def hide_refusals(exception: Any, context: Any) -> Response:
    """An exception handler that makes a success of everything."""
    return Response({"ok": True})


numbers = count()


@cache_page(60)
@require_key("orders:read")
def read_number(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(next(numbers)))


@require_key("orders:read")
@cache_page(60)
def read_cached_number(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(next(numbers)))


@require_key("orders:read")
class AsyncView(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.ari_key.name)


@method_decorator([require_key("orders:read"), require_key("orders:write")], name="dispatch")
class AsyncDispatchView(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.ari_key.name)


class MethodViewSet(viewsets.ViewSet):
    """A cache inside the guard, and permissions by action."""

    def get_permissions(self) -> list[Any]:
        return [HasKey("orders:read")()] if self.action == "list" else [permissions.AllowAny()]

    @method_decorator(cache_page(60))
    def list(self, request: Request) -> Response:
        return Response(next(numbers))

    @method_decorator(cache_page(60))
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(pk)


class CachedView(View):
    @method_decorator(require_key("orders:read"))
    @method_decorator(cache_page(60))
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(next(numbers)))


def cache_blindly(view: Any) -> Any:
    """A cache that reads no headers, as third-party ones do."""
    stored: list[HttpResponse] = []

    @wraps(view)
    def run(request: HttpRequest) -> HttpResponse:
        if not stored:
            stored.append(view(request))
        return stored[0]

    return run


@cache_blindly
@require_key("orders:read")
def read_blindly(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(next(numbers)), headers={"Cache-Control": "public, max-age=60"})


def cache_unmarked(view: Any) -> Any:
    """A cache that hides what it decorates, too."""
    blind = cache_blindly(view)
    return lambda request: blind(request)  # noqa: PLW0108 - without the attributes of the view


@cache_unmarked
@require_key("orders:read")
def read_unmarked(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(next(numbers)))


router = DefaultRouter()
router.register("orders", OrderViewSet, "order")
router.register("either", EitherViewSet, "either")
router.register("methods", MethodViewSet, "method")
router.register("unnamed", UnnamedViewSet, "unnamed")

shop = [path("orders/<int:order_id>", read_order), re_path(r"^legacy/(?P<order_id>[0-9]+)\.json$", read_order)]

urlpatterns = [
    path("v1/", include(shop)),
    path("v1/async/<int:order_id>", read_order_async),
    path("v1/orders", write_order),
    path("v1/class", WriteView.as_view()),
    path("v1/failing", fail),
    path("v1/stream", stream),
    path("v1/failing-stream", fail_stream),
    path("v1/undeclared", read_undeclared),
    path("v1/both", read_both),
    path("open", read_open),
    path("drf/", include(router.urls)),
    path("drf/plain", read_plain),
    path("drf/cached", cache_page(60)(read_around)),
    path("v1/class/async", AsyncView.as_view()),
    path("v1/class/dispatch", AsyncDispatchView.as_view()),
    path("numbers/class", CachedView.as_view()),
    path("numbers/blind", read_blindly),
    path("numbers/unmarked", read_unmarked),
    path("numbers", read_number),
    path("numbers/cached", read_cached_number),
    path("schema", get_schema_view(title="Shop", generator_class=KeySchemaGenerator)),
    path("schema/whole", get_schema_view(title="Shop", generator_class=KeySchemaGenerator, public=True)),
]
