"""Orders over HTTP with Django REST framework; each request needs an ARI key.

Run: ``python -m django runserver --settings examples.guard_drf.settings``.
"""

from django.urls import path
from rest_framework import serializers, viewsets
from rest_framework.decorators import action, api_view, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from ari.guard.drf import HasKey

orders: list[dict[str, object]] = []


class OrderSerializer(serializers.Serializer):
    """An order."""

    size = serializers.IntegerField(min_value=1)


class OrderViewSet(viewsets.ViewSet):
    """The list of orders, by the name of the key that made each."""

    permission_classes = (HasKey(read="orders:read", write="orders:write"),)

    def list(self, request: Request) -> Response:
        return Response(orders)

    def retrieve(self, request: Request, pk: str) -> Response:
        if not pk.isdigit() or not 0 < int(pk) <= len(orders):
            raise NotFound
        return Response(orders[int(pk) - 1])

    def create(self, request: Request) -> Response:
        order = OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        orders.append({**order.validated_data, "by": request.auth.name})
        return Response(orders[-1], status=201)

    @action(detail=False, methods=["post"], permission_classes=[HasKey("orders:admin")])
    def clear(self, request: Request) -> Response:
        orders.clear()
        return Response(status=204)


@api_view()
@permission_classes([AllowAny])
def read_health(request: Request) -> Response:
    """Open to everybody: it requires no key."""
    return Response("ok")


router = DefaultRouter(trailing_slash=False)
router.register("orders", OrderViewSet, "order")
router.include_root_view = False

urlpatterns = [*router.urls, path("health", read_health)]
