"""API keys for Flask: a decorator for views.

::

    app = Flask(__name__)
    ari = Ari.local()
    ari.init_app(app)

    @app.get("/orders/<int:order_id>")
    @ari.key("orders:read")
    def read_order(order_id: int) -> str:
        return current_key.name
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial, wraps
from itertools import count
from typing import Any, ParamSpec, cast

from ari.base.extras import importing

with importing("guard-flask"):
    from flask import Flask, Response, current_app, g, request
    from werkzeug.exceptions import HTTPException
    from werkzeug.local import LocalProxy
    from werkzeug.routing import Rule

from ari.base.errors import ConfigurationError
from ari.guard import entry
from ari.guard.backend import Backend
from ari.guard.held_request import HeldRequest
from ari.guard.refusal import Refusal
from ari.guard.requirement import Requirement
from ari.guard.verified_key import Key, KeyConsumer
from ari.guard.wsgi import PLACE, Environ, HoldingApp

__all__ = ["Ari", "Key", "KeyConsumer", "KeyRefusedError", "current_key"]

P = ParamSpec("P")
_MARK = "ari_requirement_"
_INNER = "ari_inner_"
_SEEN = "ari.guard.seen"
_numbers = count()
_NO_INIT = "This view is guarded, but the app isn't: ari.init_app(app)"
_OTHER_ARI = "This view is guarded by another Ari object than the app; make one for the app."
_TWICE = "The app has an Ari object already; make one for the app."
_ABOVE_ROUTE = "ari.key() is above the route of {name}, which leaves it open. Put it right above the function."
_NO_KEY = "This view isn't guarded: decorate it with ari.key()."


class FlaskKeyRefused(HTTPException):
    """The refusal as Werkzeug's HTTP exception, for the app's error handlers; without one it is the response."""

    def __init__(self, refusal: Refusal) -> None:
        headers = refusal.text_headers
        super().__init__(refusal.detail, Response(refusal.body, refusal.status, headers))
        self.code = refusal.status
        self.refusal = refusal


KeyRefusedError = FlaskKeyRefused


class FlaskAri(entry.Ari):
    """``ari.guard.Ari`` as an extension of Flask."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._inner = f"{_INNER}{next(_numbers)}"

    def init_app(self, app: Flask) -> None:
        """Guard the app. Views without ``key`` stay open. Raises ``ConfigurationError`` if the app has one already.

        Requests fail if ``key`` is above a route rather than below it, which would leave the route open.
        """
        if app.extensions.setdefault("ari", self) is not self or isinstance(app.wsgi_app, HoldingApp):
            raise ConfigurationError(_TWICE)
        app.wsgi_app = HoldingApp(app.wsgi_app, self, partial(self._decide_outside, app))  # type: ignore[method-assign]  # as Flask documents it
        app.before_request_funcs.setdefault(None, []).insert(0, _OrderCheck(app, self._inner))
        app.after_request_funcs.setdefault(None, []).append(self._decide_undecided)

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Require a key with all these scopes, on a view or a function of ``before_request``.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Raises ``ConfigurationError``.
        """
        requirement = self.require(*scopes, any_key=any_key, cost=cost, limits=limits)
        mark = f"{_MARK}{next(_numbers)}"

        def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
            @wraps(view)
            def run(*args: P.args, **kwargs: P.kwargs) -> Any:
                rule = request.url_rule
                admission = self._find_held().authorize(requirement, None if rule is None else rule.rule)
                if admission.refusal is not None:
                    raise KeyRefusedError(admission.refusal)
                g.ari_key = admission.key
                return current_app.ensure_sync(view)(*args, **kwargs)

            setattr(run, mark, requirement)
            for inner in _unwrap(view):
                with suppress(AttributeError):  # of a callable that takes no attributes
                    setattr(inner, self._inner, mark)
            return run

        return decorate

    def _decide_undecided(self, response: Response) -> Response:
        """Decide in place of a guard that a cache above it left out; ``HoldingApp`` sends the refusal."""
        if request.url_rule is not None:
            _decide(current_app, request.url_rule, request.method, response.status_code, self._find_held)
            request.environ[_SEEN] = True  # not before: an exception may interrupt the decision
        return response

    def _decide_outside(self, app: Flask, environ: Environ, held: HeldRequest, status: int) -> None:
        """Likewise, where a WSGI middleware responds without the app, or a hook to a method that no route takes."""
        rule = None if environ.get(_SEEN) else _find_rule(app, environ)
        if rule is not None:
            _decide(app, rule, environ["REQUEST_METHOD"], status, lambda: held)

    def _find_held(self) -> HeldRequest:
        held: HeldRequest | None = request.environ.get(PLACE)
        if held is None:
            raise RuntimeError(_NO_INIT)
        if held.ari is not self:
            raise RuntimeError(_OTHER_ARI)
        return held


Ari = FlaskAri


class _OrderCheck:
    """Fails the requests of an app that has the guard of a view above its route."""

    def __init__(self, app: Flask, inner: str) -> None:
        self._app = app
        self._inner = inner
        self._is_done = False

    def __call__(self) -> None:
        if self._is_done:
            return
        used: list[Any] = [*self._app.view_functions.values()]
        for groups in self._app.before_request_funcs.values():
            used.extend(groups)
        guards = {name for one in used for name in _list_guards(one)}
        for one in used:
            guard = getattr(one, self._inner, None)
            if guard is not None and guard not in guards and not _list_guards(one):
                raise ConfigurationError(_ABOVE_ROUTE.format(name=getattr(one, "__qualname__", one)))
        self._is_done = True


def _list_guards(view: Any) -> dict[str, Requirement]:
    """The requirements of the guards of a view, by the mark that each leaves; decorators around it copy them."""
    return {name: value for name, value in getattr(view, "__dict__", {}).items() if name.startswith(_MARK)}


def _find_rule(app: Flask, environ: Environ) -> Rule | None:
    """The rule that a request leads to. A method that no rule takes counts as GET."""
    for method in (None, "GET"):
        with suppress(HTTPException):  # no rule, or a host that the app doesn't trust
            urls = app.create_url_adapter(app.request_class(environ))
            return None if urls is None else urls.match(method=method, return_rule=True)[0]
    return None


def _decide(app: Flask, rule: Rule, method: str, status: int, find_held: Callable[[], HeldRequest]) -> None:
    """Decide about a request without a decision: a success needs a key, a failure with a key belongs in the log."""
    is_success = status < 300 or status == 304
    if method == "OPTIONS" or not (is_success or status >= 400):
        return
    requirements = _list_requirements(app, rule.endpoint, method)
    if requirements:
        held = find_held()
        if held.admission is None and (is_success or held.has_key):
            for requirement in requirements:
                held.authorize(requirement, rule.rule)


def _list_requirements(app: Flask, endpoint: str, method: str) -> list[Requirement]:
    """Those of the view, of its class, and of the hooks that guard its blueprints or the app."""
    used: list[Any] = [*_list_handlers(app.view_functions.get(endpoint), method)]
    names = endpoint.split(".")[:-1]
    for name in (None, *(".".join(names[: end + 1]) for end in range(len(names)))):
        used.extend(app.before_request_funcs.get(name, ()))
    found = {mark: requirement for one in used for mark, requirement in _list_guards(one).items()}
    return list(found.values())


def _list_handlers(view: Any, method: str) -> Iterator[Any]:
    """The view, and what it calls for a method if it comes from a class: decorators copy ``view_class``.

    A method that the class lacks counts as GET, because caches may respond to it with what they keep of a GET.
    """
    yield view
    view_class = getattr(view, "view_class", None)
    yield getattr(view_class, "dispatch_request", None)
    yield getattr(view_class, method.lower(), None) or getattr(view_class, "get", None)


def _unwrap(view: Any) -> Iterator[Any]:
    """The function and those that it decorates."""
    while view is not None:
        yield view
        view = getattr(view, "__wrapped__", None)


def _find_key() -> Key:
    key: Key | None = g.get("ari_key")
    if key is None:
        raise RuntimeError(_NO_KEY)
    return key


current_key = cast("Key", LocalProxy(_find_key))
"""The key of the request in a guarded view, also ``g.ari_key``. Raises ``RuntimeError`` elsewhere."""
