"""The form for a key's limits and credits, and the buttons that reset and add."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.deadline import run_in_thread
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.model import ApiKey
from ari.web.forms import Form, form_from, new_form_id, use_once
from ari.web.navigation import Toast
from ari.web.pages.create_key.routes import STALE, CreateTransaction
from ari.web.pages.key import urls as key_urls
from ari.web.pages.key_limits.limit_form import FIELDS, form_of_key, locate_problems, read_amount, read_change
from ari.web.pages.key_limits.urls import CREDITS_ADDED, LIMITS, LIMITS_CHANGED, LIMITS_RESET, RESET, TOP_UP
from ari.web.render import Pages


class KeyLimitsPages:
    """``/settings/keys/{id}/limits`` and ``credits``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(LIMITS, self.show, methods=["GET"]),
            Route(LIMITS, self.change, methods=["POST"]),
            Route(RESET, self.reset, methods=["POST"]),
            Route(TOP_UP, self.top_up, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form with the key's limits."""
        key = await self._get_active_key(request)
        return await self._form(request, key, form_of_key(key))

    @policy(AuthMode.SESSION)
    async def change(self, request: Request) -> Response:
        """Set limits and credits, or show the form with its problems."""
        form = form_from(form_of(request), *FIELDS)
        key = await self._get_active_key(request)
        try:
            await deps_of(request).do(keys.change, key.id, read_change(form, key))
        except Invalid as error:
            return await self._form(request, key, form.with_problems(locate_problems(error.problems)), 422)
        return self._back(request, LIMITS_CHANGED)

    @policy(AuthMode.SESSION)
    async def reset(self, request: Request) -> Response:
        """Count all limits from nothing."""
        await deps_of(request).do(keys.reset_limits, _key_id(request))
        return self._back(request, LIMITS_RESET)

    @policy(AuthMode.SESSION)
    async def top_up(self, request: Request) -> Response:
        """Add credits, once for each form."""
        sent = form_from(form_of(request), "amount", "form")
        key = await self._get_active_key(request)
        try:
            done = await deps_of(request).do(add_once, key.id, sent)
        except Invalid as error:
            form = Form({**form_of_key(key).values, **sent.values})
            return await self._form(request, key, form.with_problems(error.problems), 422)
        if not done:
            form = form_of_key(key).with_problem("form", STALE)
            return await self._form(request, key, form, 422)
        return self._back(request, CREDITS_ADDED)

    async def _get_active_key(self, request: Request) -> ApiKey:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        key = await deps_of(request).read(keys.get, _key_id(request))
        if key.is_inactive(self._instance.now_ms()):
            raise Conflict("key_inactive", "Revoked and expired keys can't be changed or restored. Create a new key.")
        return key

    def _back(self, request: Request, toast: Toast) -> Response:
        place = self._pages.page_behind(request)
        return self._pages.go(request, place or key_urls.page(_key_id(request)), toast)

    async def _form(self, request: Request, key: ApiKey, form: Form, status: int = 200) -> Response:
        remaining = await run_in_thread(self._instance.usage_records.read_remaining, key.rule_owners)
        return self._pages.page(
            request,
            "pages/key_limits/form.html",
            status=status,
            key=key,
            form=form,
            remaining=remaining,
            form_id=new_form_id(self._instance.now_ms()),
        )


def add_once(tx: CreateTransaction, key_id: str, form: Form) -> bool:
    """Add the credits, unless this form was used before or is too old. Raises ``Invalid``."""
    amount = read_amount(form.value("amount"), "amount")
    if use_once(tx, form.value("form")) != "first":
        return False
    keys.add_credits(tx, key_id, amount)
    return True


def _key_id(request: Request) -> str:
    key_id: str = request.path_params["key_id"]
    return key_id
