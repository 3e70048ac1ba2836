"""The authentication class of Django REST framework: ``request.user`` and ``request.auth`` of a key."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ari.guard.django import find_held
from ari.guard.drf.permission import authorize, find_permission
from ari.guard.verified_key import Key

CHALLENGE = 'Bearer realm="ari", ApiKey realm="ari", header="x-api-key"'


class KeyUser:
    """``request.user`` of a request with a key: authenticated, without permissions in Django, and in no database.

    ``pk`` is the key's ID, which the throttles of the framework count by.
    """

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False

    def __init__(self, key: Key) -> None:
        self.key = key
        self.pk = self.id = key.id
        self.username = key.name

    def __str__(self) -> str:
        return self.username

    def get_username(self) -> str:
        """The key's name."""
        return self.username

    def has_perm(self, perm: str, obj: Any = None) -> bool:  # noqa: ARG002 - Django's interface
        """Never: keys have scopes, which ``HasKey`` checks."""
        return False

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:  # noqa: ARG002 - Django's interface
        """Likewise."""
        return False

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002 - Django's interface
        """Likewise."""
        return False


class ApiKeyAuthentication(BaseAuthentication):
    """Makes a key the request's ``auth``, on views whose permissions have a ``HasKey``.

    Other views name no scope, so no key counts there. A request without a key is left to the other classes.
    """

    def authenticate(self, request: Request) -> tuple[KeyUser, Key] | None:
        """The user and the key. Raises ``KeyRefusedError``."""
        view = request.parser_context.get("view")
        permission = None if view is None else find_permission(view).permission
        if permission is None or not find_held(request._request).has_key:
            return None
        key = authorize(request, permission.find_requirement(request.method))
        return KeyUser(key), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework's interface
        """The challenges of a 401."""
        return CHALLENGE
