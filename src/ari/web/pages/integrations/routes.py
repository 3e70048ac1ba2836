"""Settings > Integrations: provider keys go in, are tried and removed, and are never shown again."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.caller import Caller
from ari.base.errors import AriError, CallerDead, Invalid, NotFound, Problem
from ari.http.body import form_of
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations import manage
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY
from ari.integrations.credentials import state
from ari.integrations.model import Provider, State
from ari.integrations.providers import provider_named
from ari.storage.transaction import Transaction
from ari.web import places
from ari.web.confirming import PROVIDER_KEY
from ari.web.forms import Form, form_from
from ari.web.pages.integrations import view
from ari.web.pages.integrations.use import use_of
from ari.web.render import Pages

_BASE = places.INTEGRATIONS
AGAIN = "For security the key wasn't kept while you confirmed your password. Paste it again."


class IntegrationsPages:
    """``/settings/integrations`` and its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        one = f"{_BASE}/{{provider}}"
        return [
            Route(_BASE, self.show, methods=["GET"]),
            Route(f"{one}/key", self.key_form, methods=["GET"]),
            Route(f"{one}/key", self.put_key, methods=["POST"]),
            Route(f"{one}/address", self.address_form, methods=["GET"]),
            Route(f"{one}/address", self.put_address, methods=["POST"]),
            Route(f"{one}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/remove", self.remove, methods=["POST"]),
            Route(f"{one}/use", self.use, methods=["GET"]),
            Route(f"{one}/test", self.test, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """Every provider."""
        return await self._board(request)

    @policy(AuthMode.SESSION, sensitive=True)
    async def key_form(self, request: Request) -> Response:
        """Asks for the key."""
        return await self._form(request, Form(), "key")

    @policy(AuthMode.SESSION, sensitive=True)
    async def put_key(self, request: Request) -> Response:
        """Seals the key, in place of the one before."""
        key = form_of(request).get(PROVIDER_KEY)
        if key is None:
            return await self._form(request, Form(problems={PROVIDER_KEY: AGAIN}), "key", 422)
        provider = _provider(request)
        try:
            await self._command(request, lambda unit, by: self._put_key(unit, by, provider, key[0]))
        except Invalid as error:
            return await self._form(request, _said(Form(), error), "key", 422)
        return self._back(request, provider, "provider-key-sealed")

    @policy(AuthMode.SESSION, sensitive=True)
    async def address_form(self, request: Request) -> Response:
        """Asks for the base URL, and for the key that goes there."""
        row = (await self._state(_provider(request))).stored
        # Not the one that an API key set: saving the form would make it the owner's.
        shown = row.base_url if row is not None and row.base_url_is_owners else None
        return await self._form(request, Form({"base_url": shown or ""}), "address")

    @policy(AuthMode.SESSION, sensitive=True)
    async def put_address(self, request: Request) -> Response:
        """Says where the provider is; the key of before is deleted if that changes."""
        form = form_from(form_of(request), "base_url")
        key = form_of(request).get(PROVIDER_KEY)
        if key is None:
            return await self._form(request, Form(form.values, {PROVIDER_KEY: AGAIN}), "address", 422)
        provider = _provider(request)
        try:
            await self._command(request, lambda unit, by: self._put_address(unit, by, provider, form, key[0]))
        except Invalid as error:
            return await self._form(request, _said(form, error), "address", 422)
        return self._back(request, provider, "provider-key-sealed" if key[0].strip() else "address-changed")

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove_form(self, request: Request) -> Response:
        """Asks whether to remove what is stored."""
        found = await self._state(_provider(request))
        return self._pages.page(request, "pages/integrations/remove.html", state=found)

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove(self, request: Request) -> Response:
        """Removes it."""
        provider = _provider(request)
        await self._command(request, lambda unit, by: manage.remove(unit, by, self._instance.now_ms(), provider))
        return self._pages.go(request, _BASE, "provider-key-removed")

    @policy(AuthMode.SESSION)
    async def use(self, request: Request) -> Response:
        """Says how to call the provider through this instance. Raises ``NotFound`` where the gateway does not."""
        provider = _provider(request)
        found = use_of(provider, self._instance.settings.base_url)
        if found is None:
            raise NotFound(f"ARI doesn't forward calls to {provider.title}.")
        return self._pages.page(request, "pages/integrations/use.html", provider=provider, use=found)

    @policy(AuthMode.SESSION)
    async def test(self, request: Request) -> Response:
        """Tries the key; for htmx the card alone, with what came of it."""
        provider, caller = _provider(request), context_of(request).caller
        assert caller is not None  # the guard lets nobody else in
        try:
            result = await self._instance.atest_integration(caller, provider)
        except CallerDead:
            raise
        except AriError as error:  # not configured any more, or it does not open: the card says so
            return await self._board(request, tried=provider.name, said=str(error))
        if "hx-request" in request.headers:
            return await self._board(request, tried=provider.name, said=result.words)
        return self._back(request, provider, "provider-tested")

    def _put_key(self, unit: Transaction, by: Caller, provider: Provider, key: str) -> None:
        instance = self._instance
        environment = instance.provider_environment
        manage.put_key(unit, instance.master_keys, by, instance.now_ms(), provider, environment, key)

    def _put_address(self, unit: Transaction, by: Caller, provider: Provider, form: Form, key: str) -> None:
        wanted = form.value("base_url").strip() or None
        if wanted is None and provider.base_url is None:
            raise Invalid(Problem("base_url", f"Enter the base URL, such as {provider.base_url_example}."))
        listed = self._instance.provider_environment.private_addresses
        manage.set_base_url(unit, by, self._instance.now_ms(), provider, wanted, listed)
        if key.strip():
            self._put_key(unit, by, provider, key)

    async def _command(self, request: Request, work: Any) -> None:
        caller = context_of(request).caller
        assert caller is not None  # the guard lets nobody else in
        await self._instance.acommand(caller, work)

    async def _state(self, provider: Provider) -> State:
        environment = self._instance.provider_environment
        return await self._instance.aread(lambda unit: state(unit, provider, environment))

    async def _board(self, request: Request, tried: str | None = None, said: str | None = None) -> Response:
        environment = self._instance.provider_environment
        found = await self._instance.aread(lambda unit: view.board(unit, environment))
        now_ms = self._instance.now_ms()
        context: dict[str, Any] = {
            "board": found,
            "usage": await self._instance.areport(lambda reader: view.usage(reader, now_ms)),
            "tried": tried,
            "said": said,
            "environment": environment,
            "view": view,
        }
        card = next((one for one in [*found.used, *found.unused] if one.provider.name == tried), None)
        if card is not None and "hx-request" in request.headers:
            return self._pages.page(request, "pages/integrations/_card.html", state=card, **context)
        return self._pages.page(request, "pages/integrations/page.html", **context)

    async def _form(self, request: Request, form: Form, asks: str, status: int = 200) -> Response:
        found = await self._state(_provider(request))
        return self._pages.page(
            request,
            "pages/integrations/form.html",
            status=status,
            state=found,
            form=form,
            asks_address=asks == "address",
            longest_key=MAX_KEY,
            longest_address=MAX_BASE_URL,
            view=view,
        )

    def _back(self, request: Request, provider: Provider, done: str) -> Response:
        """To the card; where scripts run the address must differ by more than its fragment, or nothing loads."""
        by_htmx = "hx-request" in request.headers
        return self._pages.go(request, _BASE if by_htmx else places.integration_card(provider.name), done)


def _provider(request: Request) -> Provider:
    """Raises ``NotFound``."""
    return provider_named(request.path_params["provider"])


def _said(form: Form, error: Invalid) -> Form:
    """The problems beside their fields, and no key among the values (security.md 31)."""
    named = [Problem(PROVIDER_KEY if one.location == "key" else one.location, one.message) for one in error.problems]
    return form.with_problems(named)
