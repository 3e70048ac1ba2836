"""Rotate a key: the form, the response that shows the new secret once, and retiring the old one early."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import Rotated, Rotation
from ari.keys.model import ApiKey, KeySecret
from ari.keys.overlap import DEFAULT_OVERLAP, OVERLAP_CHOICES
from ari.keys.ports import KeyTransaction
from ari.web.forms import STALE, Form, KeyFormTransaction, Use, form_from, new_form_id, use_once
from ari.web.pages.key.urls import KEY, page
from ari.web.pages.rotate_key.urls import RETIRED
from ari.web.render import Pages

_OLD_WORKS = "Select this to continue, or wait until that secret retires."
_INACTIVE = "Revoked and expired keys can't be rotated. Create a new key."


@dataclass(frozen=True, slots=True)
class KeyToRotate:
    """A key, its newest secret, and the older one if that still works."""

    key: ApiKey
    newest: KeySecret
    old: KeySecret | None


class RotateKeyPages:
    """``/settings/keys/{id}/rotate`` and ``retire-old``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(f"{KEY}/rotate", self.show, methods=["GET"]),
            Route(f"{KEY}/rotate", self.rotate, methods=["POST"]),
            Route(f"{KEY}/retire-old", self.retire_form, methods=["GET"]),
            Route(f"{KEY}/retire-old", self.retire, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form."""
        return await self._form(request, Form({"overlap": DEFAULT_OVERLAP}))

    @policy(AuthMode.SESSION)
    async def rotate(self, request: Request) -> Response:
        """Rotate the key and show its new secret, only in this response."""
        form = form_from(form_of(request), "overlap", "retire_old_now", "form")
        key_id: str = request.path_params["key_id"]
        try:
            rotated = await deps_of(request).do(rotate_once, key_id, form)
        except Invalid as error:
            return await self._form(request, form.with_problems(error.problems), status=422)
        except Conflict as error:
            if error.code != "rotation_in_progress":
                raise
            return await self._form(request, form.with_problem("retire_old_now", _OLD_WORKS), status=409)
        if rotated == "stale":
            return await self._form(request, form.with_problem("form", STALE), status=422)
        if isinstance(rotated, str):
            found = await deps_of(request).read(read_key_to_rotate, key_id)
            return self._pages.page(request, "pages/rotate_key/repeated.html", status=409, key=found.key)
        return self._pages.page(
            request,
            "pages/rotate_key/reveal.html",
            status=201,
            rotated=rotated,
            secret=rotated.secret,
            try_path="/api/me",
        )

    @policy(AuthMode.SESSION)
    async def retire_form(self, request: Request) -> Response:
        """The question; without an old secret that works there is nothing to ask."""
        found = await deps_of(request).read(read_key_to_rotate, request.path_params["key_id"])
        if found.old is None:
            return self._pages.go(request, page(found.key.id))
        return self._pages.page(request, "pages/rotate_key/retire.html", key=found.key, old=found.old)

    @policy(AuthMode.SESSION)
    async def retire(self, request: Request) -> Response:
        """Retire the old secret."""
        key = await deps_of(request).do(keys.retire_old, request.path_params["key_id"])
        return self._pages.go(request, page(key.id), RETIRED)

    async def _form(self, request: Request, form: Form, status: int = 200) -> Response:
        found = await deps_of(request).read(read_key_to_rotate, request.path_params["key_id"])
        if found.key.is_inactive(self._instance.now_ms()):
            raise Conflict("key_inactive", _INACTIVE)
        return self._pages.page(
            request,
            "pages/rotate_key/form.html",
            status=status,
            form=form,
            key=found.key,
            newest=found.newest,
            old=found.old,
            form_id=new_form_id(self._instance.now_ms()),
            overlap_choices=OVERLAP_CHOICES,
        )


def read_key_to_rotate(tx: KeyTransaction, key_id: str) -> KeyToRotate:
    """Read the key and its secrets. Raises ``NotFound``."""
    key = keys.get(tx, key_id)
    newest, *older = keys.get_secrets(tx, key_id)
    return KeyToRotate(key, newest, next((one for one in older if not one.is_retired(tx.now_ms)), None))


def rotate_once(tx: KeyFormTransaction, key_id: str, form: Form) -> Rotated | Use:
    """Rotate the key, or say that this form was used before (``again``) or is ``stale``.

    Raises ``Invalid``, ``Conflict``, ``Forbidden``.
    """
    use = use_once(tx, form.value("form"))
    if use != "first":
        return use
    wanted = Rotation(form.value("overlap", DEFAULT_OVERLAP), form.value("retire_old_now") == "yes")
    return keys.rotate(tx, key_id, wanted)
