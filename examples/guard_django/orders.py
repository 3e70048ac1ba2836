"""Orders over HTTP with Django; each request needs an ARI key.

Run: ``python -m django runserver --settings examples.guard_django.settings``.
"""

from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from ari.guard.django import require_key

orders: list[str] = []


@require_key("orders:read")
class OrdersView(View):
    """The list of orders, by the name of the key that made each."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"orders": orders})

    @method_decorator(require_key("orders:write"))
    def post(self, request: HttpRequest) -> HttpResponse:
        orders.append(request.ari_key.name)
        return JsonResponse({"order": len(orders)}, status=201)


@require_key("orders:read")
async def read_order(request: HttpRequest, number: int) -> HttpResponse:
    """An async view."""
    if not 0 < number <= len(orders):
        raise Http404
    return JsonResponse({"name": orders[number - 1], "mine": orders[number - 1] == request.ari_key.name})


@require_key("orders:read")
def export_orders(request: HttpRequest, year: int) -> StreamingHttpResponse:
    """A streamed response: it's in the usage log before its first byte."""

    def lines() -> Iterator[str]:
        yield from (f"{year} {name}\n" for name in orders)

    return StreamingHttpResponse(lines(), content_type="text/plain")


def read_health(request: HttpRequest) -> HttpResponse:
    """Open to everybody: it requires no key."""
    return HttpResponse("ok")


urlpatterns = [
    path("orders", OrdersView.as_view()),
    path("orders/<int:number>", read_order),
    path("exports/<int:year>", export_orders),
    path("health", read_health),
]
