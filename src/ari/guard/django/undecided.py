"""Responses of guarded views that no guard decided about.

A cache in front of a view, in ``MIDDLEWARE`` or above ``require_key``, responds without the view. The middleware then
decides in the view's place, so a cached response needs a key like any other.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import get_language, get_language_from_path, get_language_from_request, override

from ari.guard.held_request import HeldRequest
from ari.guard.requirement import Requirement

_MARK = "ari_requirement_"
_KEPT = "_ari_requirements"
_MAX_URLCONFS = 100
_numbers = count()
_urlconfs: list[Any] = []


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
    if is_reached:
        guards = _find_guards(request)
    elif is_success:
        guards = _find_unreached(request)
    else:
        return ()
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


def remember_urls(request: HttpRequest) -> None:
    """Keep the ``urlconf`` that a middleware gave a request: a cache around that middleware may hold its responses."""
    given = getattr(request, "urlconf", None)
    if given is not None and given not in _urlconfs and len(_urlconfs) < _MAX_URLCONFS:
        _urlconfs.append(given)


def _find_unreached(request: HttpRequest) -> ViewGuards:
    """The guards of the view that the request would have reached.

    The middleware that chooses the language and the ``urlconf`` didn't run, so every choice counts that it may make.
    """
    before = request.resolver_match
    for match in _list_matches(request):
        request.resolver_match = match
        guards = _find_guards(request)
        if guards.requirements:
            return guards
    request.resolver_match = before
    return ViewGuards(())


def _list_matches(request: HttpRequest) -> Iterator[ResolverMatch]:
    urlconfs = dict.fromkeys([getattr(request, "urlconf", None), *_urlconfs])
    for language in _list_languages(request):
        with override(language):
            for urlconf in urlconfs:
                with suppress(Resolver404):
                    yield resolve(request.path_info, urlconf)


def _list_languages(request: HttpRequest) -> Sequence[str | None]:
    """As ``LocaleMiddleware`` chooses one, and the one that is active: an earlier request may have left it."""
    if not settings.USE_I18N:
        return (get_language(),)
    by_path = get_language_from_path(request.path_info)
    by_request = get_language_from_request(request)
    return tuple(dict.fromkeys([by_path or settings.LANGUAGE_CODE, by_request, get_language()]))


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
    """The method of a class of views for this request. One that it lacks counts as GET, as caches may take it."""
    view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
    actions = getattr(view, "actions", None) or {}
    method = request.method.lower()
    found = getattr(view_class, actions.get(method, method), None)
    return getattr(view_class, actions.get("get", "get"), None) if found is None else found
