"""Change a key from the table or its page: name, access, expiry, disabled."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import KeyChange
from ari.keys.expiry import EXPIRY_CHOICES
from ari.keys.model import ApiKey
from ari.keys.names import NAME_LENGTH
from ari.keys.ports import KeyTransaction
from ari.web.access_choices import OWN, AccessChoices, read_access_choices
from ari.web.forms import Form, form_from
from ari.web.navigation import Toast
from ari.web.pages.edit_key.form_values import read_expiry
from ari.web.pages.edit_key.urls import ACCESS_CHANGED, EXPIRY_CHANGED
from ari.web.pages.key import urls as key_urls
from ari.web.pages.key.urls import ENABLED, KEY, RENAMED
from ari.web.pages.settings_api.urls import HOME
from ari.web.render import Pages

_DEAD = "Revoked and expired keys can't be changed or restored. Create a new key."


class EditKeyPages:
    """``/settings/keys/{id}/menu``, ``name``, ``access``, ``expiry`` and ``switch``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        found: list[BaseRoute] = [
            Route(f"{KEY}/menu", self.menu, methods=["GET"]),
            Route(f"{KEY}/enable-in-table", self.enable, methods=["POST"]),
        ]
        for verb, form, act in (
            ("name", self.name_form, self.name),
            ("access", self.access_form, self.access),
            ("expiry", self.expiry_form, self.expiry),
        ):
            found.append(Route(f"{KEY}/{verb}", form, methods=["GET"]))
            found.append(Route(f"{KEY}/{verb}", act, methods=["POST"]))
        return found

    @policy(AuthMode.SESSION)
    async def menu(self, request: Request) -> Response:
        """The actions for a key: a menu, or a page without scripting."""
        key_id: str = request.path_params["key_id"]
        key = await deps_of(request).read(keys.get, key_id)
        return self._pages.page(request, "pages/edit_key/menu.html", key=key)

    @policy(AuthMode.SESSION)
    async def name_form(self, request: Request) -> Response:
        """The name as a field; ``shown`` restores the name. Without htmx, the page to rename."""
        key = await self._get_active_key(request)
        if "hx-request" not in request.headers:
            return self._pages.go(request, f"{key_urls.page(key.id)}/rename")
        if "shown" in request.query_params:
            return self._pages.page(request, "pages/edit_key/name.html", key=key)
        return self._rename_form(request, key, Form({"name": key.name}))

    @policy(AuthMode.SESSION)
    async def name(self, request: Request) -> Response:
        """Rename the key, or show the field with its problems."""
        form = form_from(form_of(request), "name")
        try:
            key = await self._change(request, KeyChange(name=form.value("name")))
        except Invalid as error:
            return self._rename_form(
                request, await self._get_active_key(request), form.with_problems(error.problems), 422
            )
        if "hx-request" not in request.headers:
            return self._pages.go(request, HOME, RENAMED)
        return self._pages.page(request, "pages/edit_key/name.html", headers=_build_done_header(RENAMED, key), key=key)

    @policy(AuthMode.SESSION)
    async def enable(self, request: Request) -> Response:
        """Enable the key, without leaving the table."""
        key = await self._change(request, KeyChange(disabled=False))
        if "hx-request" in request.headers:
            return Response(status_code=204, headers=_build_done_header(ENABLED, key))
        return self._pages.go(request, HOME, ENABLED)

    @policy(AuthMode.SESSION)
    async def access_form(self, request: Request) -> Response:
        """The form for the key's access."""
        key = await self._get_active_key(request)
        choices = await deps_of(request).read(read_access_choices)
        rotates = {"may_rotate": "yes"} if key.policy.may_rotate else {}
        form = Form({"access": choices.preset_name(key.scopes)} | rotates)
        return self._access_form(request, key, form, choices, key.scopes)

    @policy(AuthMode.SESSION)
    async def access(self, request: Request) -> Response:
        """Replace the key's scopes."""
        sent = form_of(request)
        form, ticked = form_from(sent, "access", "may_rotate"), sent.get("scope", [])
        try:
            await deps_of(request).do(_change_access, _key_id(request), form, ticked)
        except Invalid as error:
            key = await self._get_active_key(request)
            choices = await deps_of(request).read(read_access_choices)
            return self._access_form(request, key, form.with_problems(error.problems), choices, tuple(ticked), 422)
        return self._back(request, ACCESS_CHANGED)

    @policy(AuthMode.SESSION)
    async def expiry_form(self, request: Request) -> Response:
        """The form for the key's expiry."""
        return self._expiry_form(request, await self._get_active_key(request), Form())

    @policy(AuthMode.SESSION)
    async def expiry(self, request: Request) -> Response:
        """Change the key's expiry."""
        form = form_from(form_of(request), "expires", "day")
        try:
            wanted = KeyChange(expires_at_ms=read_expiry(form, self._instance.now_ms()))
            await self._change(request, wanted)
        except Invalid as error:
            return self._expiry_form(
                request, await self._get_active_key(request), form.with_problems(error.problems), 422
            )
        return self._back(request, EXPIRY_CHANGED)

    async def _get_active_key(self, request: Request) -> ApiKey:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        key_id: str = request.path_params["key_id"]
        key = await deps_of(request).read(keys.get, key_id)
        if key.is_inactive(self._instance.now_ms()):
            raise Conflict("key_inactive", _DEAD)
        return key

    async def _change(self, request: Request, wanted: KeyChange) -> ApiKey:
        return await deps_of(request).do(keys.change, _key_id(request), wanted)

    def _back(self, request: Request, toast: Toast) -> Response:
        place = self._pages.page_behind(request)
        return self._pages.go(request, place or key_urls.page(request.path_params["key_id"]), toast)

    def _rename_form(self, request: Request, key: ApiKey, form: Form, status: int = 200) -> Response:
        template = "edit_key/rename" if "hx-request" in request.headers else "key/rename"
        return self._pages.page(
            request, f"pages/{template}.html", status=status, key=key, form=form, name_length=NAME_LENGTH
        )

    def _access_form(
        self,
        request: Request,
        key: ApiKey,
        form: Form,
        choices: AccessChoices,
        ticked: tuple[str, ...],
        status: int = 200,
    ) -> Response:
        return self._pages.page(
            request, "pages/edit_key/access.html", status=status, key=key, form=form, ticked=ticked, choices=choices
        )

    def _expiry_form(self, request: Request, key: ApiKey, form: Form, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/edit_key/expiry.html",
            status=status,
            key=key,
            form=form,
            expiry_choices=EXPIRY_CHOICES,
        )


def _key_id(request: Request) -> str:
    key_id: str = request.path_params["key_id"]
    return key_id


def _change_access(tx: KeyTransaction, key_id: str, form: Form, ticked: list[str]) -> ApiKey:
    scopes = read_access_choices(tx).scopes_of(form.value("access", OWN), ticked)
    return keys.change(tx, key_id, KeyChange(scopes=scopes, may_rotate=form.value("may_rotate") == "yes"))


def _build_done_header(toast: Toast, key: ApiKey) -> dict[str, str]:
    """The header by which the script shows the toast and refreshes the table."""
    return {"hx-trigger": json.dumps({"ari:done": {"text": toast.text, "key": key.id}})}
