"""Settings > API > Scopes: list, add, describe and remove scopes, and list the keys that hold one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.custom_scopes import DESCRIPTION_LENGTH
from ari.web.forms import Form, form_from
from ari.web.pages.scopes.urls import NEW_SCOPE, SCOPE_ADDED, SCOPE_CHANGED, SCOPE_REMOVED, SCOPES
from ari.web.pages.scopes.view import MAX_LISTED, read_holders, read_overview, read_removal, remove_as_shown
from ari.web.render import Pages

CHANGED = "The keys or presets with this scope just changed. Review them again."
_NAME_LENGTH = 63


class ScopesPages:
    """``/settings/scopes`` and its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        one = f"{SCOPES}/{{scope}}"
        return [
            Route(SCOPES, self.show, methods=["GET"]),
            Route(NEW_SCOPE, self.add_form, methods=["GET"]),
            Route(NEW_SCOPE, self.add, methods=["POST"]),
            Route(f"{one}/edit", self.edit_form, methods=["GET"]),
            Route(f"{one}/edit", self.edit, methods=["POST"]),
            Route(f"{one}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/remove", self.remove, methods=["POST"]),
            Route(f"{one}/keys", self.holders, methods=["GET"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """Every scope and preset."""
        overview = await deps_of(request).read(read_overview)
        return self._pages.page(request, "pages/scopes/page.html", overview=overview)

    @policy(AuthMode.SESSION)
    async def add_form(self, request: Request) -> Response:
        """The form for a new scope."""
        return self._form(request, Form())

    @policy(AuthMode.SESSION)
    async def add(self, request: Request) -> Response:
        """Declare the scope."""
        form = form_from(form_of(request), "name", "description")
        try:
            await deps_of(request).do(keys.declare_scope, form.value("name"), form.value("description"))
        except Invalid as error:
            return self._form(request, form.with_problems(error.problems), status=422)
        except Conflict as error:
            return self._form(request, form.with_problem("name", str(error)), status=409)
        return self._pages.go(request, SCOPES, SCOPE_ADDED)

    @policy(AuthMode.SESSION)
    async def edit_form(self, request: Request) -> Response:
        """The form for a scope's description."""
        scope = await deps_of(request).read(keys.get_scope, _name(request))
        return self._form(request, Form({"description": scope.description}), scope.name)

    @policy(AuthMode.SESSION)
    async def edit(self, request: Request) -> Response:
        """Change the description."""
        form = form_from(form_of(request), "description")
        try:
            await deps_of(request).do(keys.describe_scope, _name(request), form.value("description"))
        except Invalid as error:
            return self._form(request, form.with_problems(error.problems), _name(request), 422)
        return self._pages.go(request, SCOPES, SCOPE_CHANGED)

    @policy(AuthMode.SESSION)
    async def remove_form(self, request: Request) -> Response:
        """The question, with the keys and presets that would lose the scope."""
        return await self._removal(request, Form())

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Remove the scope, if it is held by the keys that were shown."""
        form = form_from(form_of(request), "mark")
        if not await deps_of(request).do(remove_as_shown, _name(request), form.value("mark")):
            return await self._removal(request, form.with_problem("mark", CHANGED), 409)
        return self._pages.go(request, SCOPES, SCOPE_REMOVED)

    @policy(AuthMode.SESSION)
    async def holders(self, request: Request) -> Response:
        """The active keys that hold a scope, also one of ARI's own."""
        found = await deps_of(request).read(read_holders, _name(request))
        return self._pages.page(request, "pages/scopes/holders.html", found=found, max_listed=MAX_LISTED)

    async def _removal(self, request: Request, form: Form, status: int = 200) -> Response:
        removal = await deps_of(request).read(read_removal, _name(request))
        return self._pages.page(request, "pages/scopes/remove.html", status=status, removal=removal, form=form)

    def _form(self, request: Request, form: Form, scope: str | None = None, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/scopes/form.html",
            status=status,
            form=form,
            scope=scope,
            name_length=_NAME_LENGTH,
            description_length=DESCRIPTION_LENGTH,
        )


def _name(request: Request) -> str:
    name: str = request.path_params["scope"]
    return name
