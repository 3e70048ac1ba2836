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

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from ari.base.errors import ConfigurationError
from ari.guard import entry
from ari.guard.held_request import HeldRequest
from ari.guard.refusal import Refusal
from ari.guard.verified_key import Key, KeyConsumer
from ari.guard.wsgi import PLACE, HoldingApp

__all__ = ["Ari", "Key", "KeyConsumer", "KeyRefusedError", "current_key"]

P = ParamSpec("P")
_NO_INIT = "This view is guarded, but the app isn't: ari.init_app(app)"
_OTHER_ARI = "This view is guarded by another Ari object than the app; make one for the app."
_TWICE = "The app has an Ari object already; make one for the app."
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

    def init_app(self, app: Flask) -> None:
        """Guard the app. Views without ``key`` stay open. Raises ``ConfigurationError`` if the app has one already."""
        if app.extensions.setdefault("ari", self) is not self or isinstance(app.wsgi_app, HoldingApp):
            raise ConfigurationError(_TWICE)
        app.wsgi_app = HoldingApp(app.wsgi_app, self)  # type: ignore[method-assign]  # as Flask documents it

    def key(
        self, *scopes: str, any_key: bool = False, cost: int = 1, limits: Sequence[str] | None = None
    ) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Require a key with all these scopes, on a view or a function of ``before_request``.

        ``any_key=True`` accepts every active key. ``cost`` is consumed from the key's ``limits``, by default all.
        Raises ``ConfigurationError``.
        """
        requirement = self.require(*scopes, any_key=any_key, cost=cost, limits=limits)

        def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
            @wraps(view)
            def run(*args: P.args, **kwargs: P.kwargs) -> Any:
                rule = request.url_rule
                admission = self._find_held().authorize(requirement, None if rule is None else rule.rule)
                if admission.refusal is not None:
                    raise KeyRefusedError(admission.refusal)
                g.ari_key = admission.key
                return current_app.ensure_sync(view)(*args, **kwargs)

            return run

        return decorate

    def _find_held(self) -> HeldRequest:
        held: HeldRequest | None = request.environ.get(PLACE)
        if held is None:
            raise RuntimeError(_NO_INIT)
        if held.ari is not self:
            raise RuntimeError(_OTHER_ARI)
        return held


Ari = FlaskAri


def _find_key() -> Key:
    key: Key | None = g.get("ari_key")
    if key is None:
        raise RuntimeError(_NO_KEY)
    return key


current_key = cast("Key", LocalProxy(_find_key))
"""The key of the request in a guarded view, also ``g.ari_key``. Raises ``RuntimeError`` elsewhere."""
