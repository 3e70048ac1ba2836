"""The permission of Django REST framework's views: which scopes a key needs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.exceptions import APIException
from rest_framework.permissions import NOT, OR, SAFE_METHODS, BasePermission, OperationHolderMixin
from rest_framework.request import Request

from ari.guard.django import ViewGuards, find_held, find_route, finders, get_ari, keep_key, keep_private
from ari.guard.held_request import join_headers
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key

_BOTH = 'HasKey("orders:read") or HasKey(read="orders:read", write="orders:write"), not both.'
_MANY = "A view has one HasKey at most; name all scopes in it, and don't negate it."


class KeyRefusedException(APIException):
    """The refusal as REST framework's exception; ``detail`` is the problem document (RFC 9457)."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.status_code = refusal.status
        self.detail = refusal.problem
        headers = join_headers(refusal)
        self.auth_header = headers.get("www-authenticate")
        self.wait = int(headers["retry-after"]) if "retry-after" in headers else None

    def __str__(self) -> str:
        return self.refusal.detail

    def get_codes(self) -> str:
        """The code of the refusal, such as ``revoked``."""
        return self.refusal.code

    def get_full_details(self) -> dict[str, str]:
        """The detail and the code, as the framework's exceptions give them."""
        return {"message": self.refusal.detail, "code": self.refusal.code}


KeyRefusedError = KeyRefusedException


class HasKey(OperationHolderMixin):
    """Requires a key with all these scopes: ``permission_classes = [HasKey("orders:read")]``.

    ``read`` and ``write`` name scopes by method: GET, HEAD and OPTIONS read. ``any_key=True`` accepts every active key.
    ``cost`` is consumed from the key's ``limits``, by default all. Combine it with other permissions by ``&`` and
    ``|``. Raises ``ConfigurationError``.
    """

    def __init__(
        self,
        *scopes: str,
        read: str | Sequence[str] | None = None,
        write: str | Sequence[str] | None = None,
        any_key: bool = False,
        cost: int = 1,
        limits: Sequence[str] | None = None,
    ) -> None:
        if (read is None) is not (write is None) or (scopes and read is not None):
            raise ImproperlyConfigured(_BOTH)
        self._read, self._write = (
            get_ari().require(*named, any_key=any_key, cost=cost, limits=limits)
            for named in (
                _list_scopes(scopes if read is None else read),
                _list_scopes(scopes if write is None else write),
            )
        )

    def __call__(self) -> "KeyPermission":
        """A permission, as the framework makes one for each request."""
        return KeyPermission(self._read, self._write)


class KeyPermission(BasePermission):
    """One use of ``HasKey`` in a view."""

    def __init__(self, read: Requirement, write: Requirement) -> None:
        self._read = read
        self._write = write

    def find_requirement(self, method: str) -> Requirement:
        """The requirement for a request with this method."""
        return self._read if method in SAFE_METHODS else self._write

    def has_permission(self, request: Request, view: Any) -> bool:
        """Decide about the request's key. Raises ``KeyRefusedError``."""
        held = find_held(request._request)
        requirement = self.find_requirement(request.method)
        if request.parser_context.get("view") is not view or request.method != request._request.method:
            # The framework only asks which methods or views to show; that is no request of its own.
            key = None if held.admission is None or held.refusal is not None else held.admission.key
            return key is not None and key.has_all(requirement.scopes)
        if find_permission(view).is_alternative and not held.has_key:
            return False
        authorize(request, requirement)
        return True


class FoundPermission:
    """The ``KeyPermission`` of a view, if it has one. ``is_alternative``: another permission is enough, too."""

    def __init__(self, permission: KeyPermission | None, *, is_alternative: bool) -> None:
        self.permission = permission
        self.is_alternative = is_alternative


def find_permission(view: Any) -> FoundPermission:
    """The ``HasKey`` among the view's permissions. Raises ``ImproperlyConfigured`` for several."""
    return _find_among(view.get_permissions())


def find_guards(request: HttpRequest, callback: Any) -> ViewGuards | None:
    """The requirement of a view of the framework that wasn't asked, because a cache responded for it."""
    view_class: Any = getattr(callback, "cls", None)
    if not hasattr(view_class, "get_permissions"):  # its views can't be imported here: they import their defaults
        return None
    view: Any = view_class(**callback.initkwargs)
    try:
        actions = getattr(callback, "actions", None) or {}
        view.action_map = {"head": actions.get("get"), **actions}
        view.args, view.kwargs = request.resolver_match.args, request.resolver_match.kwargs
        view.request = view.initialize_request(request, *view.args, **view.kwargs)
        permissions = view.get_permissions()
    except Exception:  # noqa: BLE001 - a method of the app that needs more of its view
        permissions = [permission() for permission in view.permission_classes]
    found = _find_among(permissions)
    if found.permission is None:
        return None
    return ViewGuards((found.permission.find_requirement(request.method),), found.is_alternative)


finders.append(find_guards)


def _find_among(permissions: Iterable[Any]) -> FoundPermission:
    found = [pair for permission in permissions for pair in _walk(permission, is_alternative=False)]
    if len(found) > 1:
        raise ImproperlyConfigured(_MANY)
    return found[0] if found else FoundPermission(None, is_alternative=False)


def authorize(request: Request, requirement: Requirement) -> Key:
    """The key of the request. Raises ``KeyRefusedError``."""
    django_request = request._request
    admission = find_held(django_request).authorize(requirement, find_route(django_request))
    if admission.refusal is not None:
        raise KeyRefusedError(admission.refusal)
    assert admission.key is not None
    keep_key(django_request, admission.key)
    _keep_responses_private(request.parser_context["view"], requirement)
    return admission.key


def _keep_responses_private(view: Any, requirement: Requirement) -> None:
    """Patch the view, which is made for this request only: no hook sees its response before caches around it do."""
    finalize = view.finalize_response

    def finalize_private(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response: HttpResponseBase = finalize(*args, **kwargs)
        keep_private(response, requirement)
        return response

    view.finalize_response = finalize_private


def _walk(permission: Any, *, is_alternative: bool) -> Iterator[FoundPermission]:
    if isinstance(permission, KeyPermission):
        yield FoundPermission(permission, is_alternative=is_alternative)
    parts = [getattr(permission, name) for name in ("op1", "op2") if hasattr(permission, name)]
    inner = [one for part in parts for one in _walk(part, is_alternative=is_alternative or isinstance(permission, OR))]
    if inner and isinstance(permission, NOT):
        raise ImproperlyConfigured(_MANY)
    yield from inner


def _list_scopes(scopes: str | Sequence[str]) -> tuple[str, ...]:
    return (scopes,) if isinstance(scopes, str) else tuple(scopes)
