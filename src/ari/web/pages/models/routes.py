"""Settings > Integrations > Models, and the forms for aliases."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.aliases import (
    MAX_NAME_LENGTH,
    MAX_TARGETS,
    describe_routed_alias,
    find_routed_aliases,
)
from ari.integrations.ai_rules.change_aliases import get_aliases, remove_alias, save_alias
from ari.prices.replace import get_prices
from ari.web.forms import Form, form_from
from ari.web.pages.models.price_words import describe_price
from ari.web.pages.models.urls import ALIAS_REMOVED, ALIAS_SAVED, ALIASES, MODELS
from ari.web.render import Pages


class ModelPages:
    """``/settings/models`` and ``/settings/models/aliases``. A query ``of`` names the alias of a form."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(MODELS, self.show, methods=["GET"]),
            Route(ALIASES, self.form, methods=["GET"]),
            Route(ALIASES, self.save, methods=["POST"]),
            Route(f"{ALIASES}/remove", self.remove_form, methods=["GET"]),
            Route(f"{ALIASES}/remove", self.remove, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """Aliases, own prices and discounts."""
        deps = deps_of(request)
        return self._pages.page(
            request,
            "pages/models/page.html",
            aliases=await deps.read(get_aliases),
            prices=await deps.read(get_prices),
            describe_price=describe_price,
            find_routed_aliases=find_routed_aliases,
            describe_routed_alias=describe_routed_alias,
        )

    @policy(AuthMode.SESSION)
    async def form(self, request: Request) -> Response:
        """The form for an alias. Raises ``NotFound``."""
        name = request.query_params.get("of")
        if name is None:
            return self._form(request, None, Form())
        targets = await self._read(request, name)
        return self._form(request, name, Form({"targets": "\n".join(targets)}))

    @policy(AuthMode.SESSION)
    async def save(self, request: Request) -> Response:
        """Add or change the alias, or show the form with its problems."""
        form = form_from(form_of(request), "of", "name", "targets")
        changed = form.values.get("of")
        name = form.value("name").strip() if changed is None else changed
        try:
            targets = form.value("targets").split()
            await deps_of(request).do(save_alias, name, targets, is_new=changed is None)
        except Invalid as error:
            return self._form(request, changed, form.with_problems(error.problems), 422)
        return self._pages.go(request, MODELS, ALIAS_SAVED)

    @policy(AuthMode.SESSION)
    async def remove_form(self, request: Request) -> Response:
        """The question before the alias is removed. Raises ``NotFound``."""
        name = request.query_params.get("of", "")
        targets = await self._read(request, name)
        return self._pages.page(
            request,
            "pages/models/remove_entry.html",
            name=name,
            url=f"{ALIASES}/remove",
            words=", then ".join(targets),
            noun="alias",
        )

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Remove the alias. Raises ``NotFound``."""
        await deps_of(request).do(remove_alias, form_from(form_of(request), "of").value("of"))
        return self._pages.go(request, MODELS, ALIAS_REMOVED)

    async def _read(self, request: Request, name: str) -> tuple[str, ...]:
        found = (await deps_of(request).read(get_aliases)).get(name)
        if found is None:
            raise NotFound
        return found

    def _form(self, request: Request, name: str | None, form: Form, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/models/alias_form.html",
            status=status,
            name=name,
            form=form,
            max_name_length=MAX_NAME_LENGTH,
            max_targets=MAX_TARGETS,
        )
