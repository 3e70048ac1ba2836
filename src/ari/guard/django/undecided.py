"""Responses of guarded views that no guard decided about.

A cache in front of a view, in ``MIDDLEWARE`` or above ``require_key``, responds without the view. The middleware then
decides in the view's place, so a cached response needs a key like any other.
"""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import msgspec
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import patch_cache_control, patch_vary_headers

from ari.guard.held_request import HeldRequest
from ari.guard.requirement import Requirement

_MARK = "ari_requirement_"
_KEPT = "_ari_requirements"
_numbers = count()


class ViewGuards(msgspec.Struct, frozen=True):
    """The requirements of a view for one request. ``is_alternative``: another permission is enough, too."""

    requirements: tuple[Requirement, ...]
    is_alternative: bool = False


Finder = Callable[[HttpRequest, Any], ViewGuards | None]
finders: list[Finder] = []
"""Find the guards that a framework on Django keeps elsewhere; ``ari.guard.drf`` adds its own."""


def make_mark() -> str:
    """A new name for an attribute of a guarded view. Decorators copy attributes; each guard has a name of its own."""
    return f"{_MARK}{next(_numbers)}"


def find_undecided(request: HttpRequest, held: HeldRequest, response: HttpResponseBase) -> tuple[Requirement, ...]:
    """What to require after all: a success needs a key, and a failure of a caller with a key belongs in the log."""
    status = response.status_code
    is_success = status < 300 or status == 304
    if held.admission is not None or request.method == "OPTIONS" or not (is_success or status >= 400):
        return ()
    kept: tuple[Requirement, ...] = getattr(response, _KEPT, ())
    if kept and is_success:
        return kept
    is_reached = request.resolver_match is not None
    if not is_reached:
        if not is_success:
            return ()
        try:
            request.resolver_match = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return ()
    guards = _find_guards(request)
    if (guards.is_alternative and is_reached and is_success) or not (is_success or held.has_key):
        return ()
    return guards.requirements


def keep_private(response: HttpResponseBase, requirement: Requirement | None = None) -> None:
    """Keep the response of a guarded view out of shared caches, Django's own included.

    A cache that stores it all the same stores the requirement with it.
    """
    kept: tuple[Requirement, ...] = getattr(response, _KEPT, ())
    if requirement is not None and requirement not in kept:
        setattr(response, _KEPT, (*kept, requirement))
    patch_vary_headers(response, ("Authorization", "X-Api-Key"))
    patch_cache_control(response, private=True)


def _find_guards(request: HttpRequest) -> ViewGuards:
    view = request.resolver_match.func
    while isinstance(view, partial):
        view = view.func
    marked = tuple(
        value
        for holder in (view, _find_handler(request, view))
        for name, value in getattr(holder, "__dict__", {}).items()
        if name.startswith(_MARK)
    )
    found = [guards for guards in (find(request, view) for find in finders) if guards is not None]
    others = tuple(one for guards in found for one in guards.requirements)
    return ViewGuards(marked + others, not marked and any(guards.is_alternative for guards in found))


def _find_handler(request: HttpRequest, view: Any) -> Any:
    """The method of a class of views for this request."""
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    method = request.method.lower()
    found = getattr(view_class, actions.get(method, method), None)
    return getattr(view_class, actions.get("get", "get"), None) if found is None and method == "head" else found
