"""API keys for Django REST framework: a permission that requires scopes, and an authentication class.

Set up ``ari.guard.django`` first. ::

    class OrderViewSet(ModelViewSet):
        authentication_classes = [ApiKeyAuthentication]
        permission_classes = [HasKey(read="orders:read", write="orders:write")]

``request.auth`` is the ``Key``. ``ari.guard.drf.openapi`` describes both in the OpenAPI document.
"""

from ari.guard.drf.authentication import ApiKeyAuthentication, KeyUser
from ari.guard.drf.permission import HasKey, KeyRefusedError
from ari.guard.verified_key import Key, KeyConsumer

__all__ = ["ApiKeyAuthentication", "HasKey", "Key", "KeyConsumer", "KeyRefusedError", "KeyUser"]
