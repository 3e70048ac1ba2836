"""The forms for own prices and discounts on Settings > Integrations > Models."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.change_one_price import (
    PriceKind,
    get_price_entry,
    remove_price_entry,
    save_price_entry,
)
from ari.integrations.ai_rules.price_fields import MAX_PATTERN_LENGTH
from ari.web.forms import Form, form_from
from ari.web.navigation import Toast
from ari.web.pages.models import urls
from ari.web.pages.models.price_words import MAIN_FIELDS, OTHER_FIELDS, PER_REQUEST, PRICE_NAMES, describe_price
from ari.web.render import Pages


class EntryPages:
    """The forms of one kind of entry. A query or field ``of`` has the pattern of the entry."""

    kind: PriceKind
    url: str
    fields: tuple[str, ...]
    template: str
    saved: Toast
    removed: Toast

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(self.url, self.form, methods=["GET"]),
            Route(self.url, self.save, methods=["POST"]),
            Route(f"{self.url}/remove", self.remove_form, methods=["GET"]),
            Route(f"{self.url}/remove", self.remove, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def form(self, request: Request) -> Response:
        """The form. Raises ``NotFound``."""
        model = request.query_params.get("of")
        if model is None:
            return self._form(request, None, Form())
        entry = await self._read(request, model)
        return self._form(request, model, Form({name: value for name, value in entry.items() if value is not None}))

    @policy(AuthMode.SESSION)
    async def save(self, request: Request) -> Response:
        """Add or change the entry, or show the form with its problems."""
        form = form_from(form_of(request), "of", "model", *self.fields)
        before = form.values.get("of")
        entry = {name: value for name in ("model", *self.fields) if (value := form.value(name).strip())}
        try:
            await deps_of(request).do(save_price_entry, self.kind, before, entry)
        except Invalid as error:
            return self._form(request, before, form.with_problems(error.problems), 422)
        return self._pages.go(request, urls.MODELS, self.saved)

    @policy(AuthMode.SESSION)
    async def remove_form(self, request: Request) -> Response:
        """The question before the entry is removed. Raises ``NotFound``."""
        entry = await self._read(request, request.query_params.get("of", ""))
        return self._pages.page(
            request,
            "pages/models/remove_entry.html",
            name=entry["model"],
            url=f"{self.url}/remove",
            words=describe_price(entry) if self.kind == "prices" else f"{entry['percent']} % off.",
            noun="price" if self.kind == "prices" else "discount",
        )

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Remove the entry. Raises ``NotFound``."""
        model = form_from(form_of(request), "of").value("of")
        await deps_of(request).do(remove_price_entry, self.kind, model)
        return self._pages.go(request, urls.MODELS, self.removed)

    async def _read(self, request: Request, model: str) -> dict[str, Any]:
        return await deps_of(request).read(get_price_entry, self.kind, model)

    def _form(self, request: Request, before: str | None, form: Form, status: int = 200) -> Response:
        return self._pages.page(
            request,
            self.template,
            status=status,
            before=before,
            form=form,
            url=self.url,
            max_pattern_length=MAX_PATTERN_LENGTH,
            main_fields=MAIN_FIELDS,
            other_fields=(*OTHER_FIELDS, PER_REQUEST),
        )


class PricePages(EntryPages):
    """``/settings/models/prices``."""

    kind: PriceKind = "prices"
    url = urls.PRICES
    fields = PRICE_NAMES
    template = "pages/models/price_form.html"
    saved, removed = urls.PRICE_SAVED, urls.PRICE_REMOVED


class DiscountPages(EntryPages):
    """``/settings/models/discounts``."""

    kind: PriceKind = "discounts"
    url = urls.DISCOUNTS
    fields = ("percent",)
    template = "pages/models/discount_form.html"
    saved, removed = urls.DISCOUNT_SAVED, urls.DISCOUNT_REMOVED
