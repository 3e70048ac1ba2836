"""The middleware and the decorator for Django's views, sync and async, under WSGI and ASGI."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial, wraps
from inspect import isclass
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.admindocs.utils import (
    remove_non_capturing_groups,
    replace_metacharacters,
    replace_named_groups,
    replace_unnamed_groups,
)
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View

from ari.base.finishing import find_task, finish_canceled, is_canceled, may_wait
from ari.guard.backend import CLIENT_GONE
from ari.guard.django.configured import get_ari
from ari.guard.django.streams import start_stream, start_stream_async
from ari.guard.django.undecided import find_undecided, keep_private, make_mark, remember_urls
from ari.guard.held_request import ENDINGS, HeldRequest, join_headers
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key

PLACE = "_ari_held"
_NO_MIDDLEWARE = 'This view is guarded, but MIDDLEWARE lacks "ari.guard.django.ApiKeyMiddleware".'
_IS_REGEX = re.compile(r"[\^$(\\]")
_CACHE_SIZE = 1_024


class ApiKeyMiddleware:
    """Put ``"ari.guard.django.ApiKeyMiddleware"`` first in ``MIDDLEWARE``, so that it sees the final response.

    It decides nothing until a view asks for a key. Then it holds the response until the usage log has the request.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        get_ari()  # a wrong setting stops the start
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The response, logged; a coroutine of it under ASGI."""
        if self._is_async:
            return self._respond_async(request)
        held, is_decided = _hold(request), False
        try:
            response = self.get_response(request)
            for requirement in find_undecided(request, held, response):
                held.authorize(requirement, find_route(request))
            if held.admission is not None:
                start_stream(response)
            response = _apply(request, held, response)
            refusal = held.finish(response.status_code, _read_length(response))
            is_decided = True
            return response if refusal is None else _replace(request, response, refusal)
        except BaseException as error:  # of a stream, or a time limit; of a view only those that Django doesn't catch
            refusal = held.fail()
            is_decided = True
            if refusal is None or isinstance(error, ENDINGS):
                raise
            return make_response(request, refusal)
        finally:
            if not is_decided:  # a second exception
                held.fail()

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        held, task = _hold(request), find_task()
        try:
            response = await self.get_response(request)
            for requirement in await _find_undecided_async(request, held, response):
                await held.authorize_async(requirement, find_route(request))
            if held.admission is not None:
                await start_stream_async(response)
            response = _apply(request, held, response)
            refusal = await held.finish_async(response.status_code, _read_length(response))
            return response if refusal is None else _replace(request, response, refusal)
        except BaseException as error:  # as above
            if not may_wait(error, task):
                held.abandon()
                raise
            is_gone = is_canceled(error, task)  # by Django, when the client hangs up
            refusal = await finish_canceled(held.fail_async(CLIENT_GONE if is_gone else 500))
            if refusal is None or is_gone or isinstance(error, ENDINGS):
                raise
            return make_response(request, refusal)


def require_key(
    *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
) -> Callable[[Any], Any]:
    """Require a key with all these scopes, on a view: a function, sync or async, or a class.

    ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all. The view
    finds the ``Key`` as ``request.ari_key``. It needs no CSRF token, because a browser sends no key unasked. Raises
    ``ConfigurationError``.
    """
    requirement = get_ari().require(*scopes, any_key=any_key, cost=cost, limits=limits)
    mark = make_mark()

    def decorate(view: Any) -> Any:
        if isclass(view):
            return method_decorator(decorate, name="dispatch")(view)
        run: Any
        if iscoroutinefunction(view) or _is_async_dispatch(view):

            @wraps(view)
            async def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                admission = await find_held(request).authorize_async(requirement, find_route(request))
                if admission.refusal is not None:
                    return make_response(request, admission.refusal)
                keep_key(request, admission.key)
                response: HttpResponseBase = await view(request, *args, **kwargs)
                if isinstance(response, HttpResponseBase):  # Django reports what isn't one
                    keep_private(response, requirement)
                return response

        else:

            @wraps(view)
            def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
                admission = find_held(request).authorize(requirement, find_route(request))
                if admission.refusal is not None:
                    return make_response(request, admission.refusal)
                keep_key(request, admission.key)
                response: HttpResponseBase = view(request, *args, **kwargs)
                if isinstance(response, HttpResponseBase):  # Django reports what isn't one
                    keep_private(response, requirement)
                return response

        setattr(run, mark, requirement)
        run.csrf_exempt = True
        return run

    return decorate


def find_held(request: HttpRequest) -> HeldRequest:
    """The request as the middleware holds it. Raises ``ImproperlyConfigured`` without the middleware."""
    held: HeldRequest | None = getattr(request, PLACE, None)
    if held is None:
        raise ImproperlyConfigured(_NO_MIDDLEWARE)
    return held


def keep_key(request: HttpRequest, key: Key | None) -> None:
    """Set ``request.ari_key``, and keep the response out of Django's caches around the view, as its headers do."""
    remember_urls(request)
    request.ari_key = key
    request._cache_update_cache = False


def find_route(request: HttpRequest) -> str | None:
    """The URL pattern of the view, such as ``/orders/<int:order_id>``; ``None`` for a view that no URL led to."""
    match = request.resolver_match
    return None if match is None else "/" + _simplify(match.route)


def make_response(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The refusal as Django's response."""
    body = b"" if request.method == "HEAD" else refusal.body
    return HttpResponse(body, status=refusal.status, headers=join_headers(refusal))


@lru_cache(_CACHE_SIZE)
def _simplify(route: str) -> str:
    """Regular expressions of ``re_path`` as ``path`` writes them: ``^orders/(?P<pk>[^/.]+)/$`` as ``orders/<pk>/``."""
    if _IS_REGEX.search(route) is None:
        return route
    plain = replace_unnamed_groups(replace_named_groups(remove_non_capturing_groups(route)))
    return str(replace_metacharacters(plain)).replace("\\", "")


def _is_async_dispatch(view: Any) -> bool:
    """Whether this is the bound ``dispatch`` of a class of async views, as ``method_decorator`` passes it."""
    bound = view.func if isinstance(view, partial) else view
    owner = getattr(bound, "__self__", None)
    return isinstance(owner, View) and bound.__name__ == "dispatch" and owner.view_is_async


async def _find_undecided_async(
    request: HttpRequest, held: HeldRequest, response: HttpResponseBase
) -> tuple[Requirement, ...]:
    match = request.resolver_match
    if held.admission is None and hasattr(getattr(match, "func", None), "cls"):  # permissions may use the database
        return await sync_to_async(find_undecided)(request, held, response)
    return find_undecided(request, held, response)


def _hold(request: HttpRequest) -> HeldRequest:
    held = HeldRequest(get_ari(), request.META, request.path)
    setattr(request, PLACE, held)
    request.ari_key = None
    return held


def _apply(request: HttpRequest, held: HeldRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Add the guard's headers. A refusal that the app turned into a success is sent after all."""
    admission = held.admission
    if admission is None:
        return response
    refusal = admission.refusal
    if refusal is None:
        for name, value in admission.headers:
            response.headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        keep_private(response)
        return response
    if response.status_code < 400:
        return _replace(request, response, refusal)
    for header, line in join_headers(refusal).items():
        if not header.startswith("content-"):
            response.headers.setdefault(header, line)
    return response


def _replace(request: HttpRequest, response: HttpResponseBase, refusal: Refusal) -> HttpResponse:
    response.close()
    return make_response(request, refusal)


def _read_length(response: HttpResponseBase) -> int | None:
    return None if response.streaming else len(response.content)
