"""Settings > Integrations: save, test and remove provider keys. A saved key is never shown again."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import AriError, CallerRevoked, Invalid, NotFound, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations import commands
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY
from ari.integrations.credentials import state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.key_test import probe_provider
from ari.integrations.model import Provider, State
from ari.integrations.providers import providers
from ari.integrations.upstream_commands import remove_upstream
from ari.web.forms import Form, form_from
from ari.web.pages.confirm.reauth import PROVIDER_KEY
from ari.web.pages.integrations import view
from ari.web.pages.integrations.instructions import build_instructions
from ari.web.pages.integrations.pool_routes import (
    PASTE_AGAIN,
    ProviderKeyPages,
    find_requested_provider,
    show_problems,
)
from ari.web.pages.integrations.urls import (
    BASE_URL_SAVED,
    INTEGRATIONS,
    PROVIDER_KEY_REMOVED,
    PROVIDER_TESTED,
)
from ari.web.render import Pages


class IntegrationsPages:
    """``/settings/integrations`` and its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._keys = ProviderKeyPages(pages)

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        one = f"{INTEGRATIONS}/{{provider}}"
        return [
            Route(INTEGRATIONS, self.show, methods=["GET"]),
            Route(f"{one}/key", self.key_form, methods=["GET"]),
            Route(f"{one}/key", self.put_key, methods=["POST"]),
            Route(f"{one}/address", self.base_url_form, methods=["GET"]),
            Route(f"{one}/address", self.put_base_url, methods=["POST"]),
            Route(f"{one}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/remove", self.remove, methods=["POST"]),
            Route(f"{one}/use", self.instructions, methods=["GET"]),
            Route(f"{one}/test", self.test, methods=["POST"]),
            *self._keys.routes(),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """Every provider."""
        return await self._states(request)

    @policy(AuthMode.SESSION, sensitive=True)
    async def key_form(self, request: Request) -> Response:
        """The form for the key."""
        return await self._form(request, Form(), "key")

    @policy(AuthMode.SESSION, sensitive=True)
    async def put_key(self, request: Request) -> Response:
        """Save the key; it replaces the current one."""
        key = form_of(request).get(PROVIDER_KEY)
        if key is None:
            return await self._form(request, Form(problems={PROVIDER_KEY: PASTE_AGAIN}), "key", 422)
        provider = await find_requested_provider(request)
        try:
            saved = await deps_of(request).do(commands.put_key, provider, self._instance.provider_environment, key[0])
        except Invalid as error:
            return await self._form(request, show_problems(Form(), error), "key", 422)
        return await self._keys.test_saved(request, provider, saved.id)

    @policy(AuthMode.SESSION, sensitive=True)
    async def base_url_form(self, request: Request) -> Response:
        """The form for the base URL, and for the key that is sent to it."""
        row = (await self._state(request)).stored
        # Not a base URL that an API key set: saving the form would make it the owner's.
        shown = row.base_url if row is not None and row.base_url_is_owners else None
        return await self._form(request, Form({"base_url": shown or ""}), "base_url")

    @policy(AuthMode.SESSION, sensitive=True)
    async def put_base_url(self, request: Request) -> Response:
        """Save the base URL; the stored key is deleted if it changes."""
        form = form_from(form_of(request), "base_url")
        key = form_of(request).get(PROVIDER_KEY)
        if key is None:
            return await self._form(request, Form(form.values, {PROVIDER_KEY: PASTE_AGAIN}), "base_url", 422)
        provider = await find_requested_provider(request)
        try:
            environment, base_url = self._instance.provider_environment, form.value("base_url").strip() or None
            await deps_of(request).do(_put_base_url, provider, environment, base_url, key[0])
        except Invalid as error:
            return await self._form(request, show_problems(form, error), "base_url", 422)
        if key[0].strip():
            return await self._keys.test_saved(request, provider, None)
        return self._keys.back(request, provider, BASE_URL_SAVED)

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove_form(self, request: Request) -> Response:
        """Ask before removing the provider."""
        found = await self._state(request)
        return self._pages.page(request, "pages/integrations/remove.html", state=found)

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove(self, request: Request) -> Response:
        """Remove the stored key and base URL."""
        provider = await find_requested_provider(request)
        await deps_of(request).do(_remove, provider)
        return self._pages.go(request, INTEGRATIONS, PROVIDER_KEY_REMOVED)

    @policy(AuthMode.SESSION)
    async def instructions(self, request: Request) -> Response:
        """How to call the provider through ARI. Raises ``NotFound`` if the gateway doesn't forward to it."""
        provider = await find_requested_provider(request)
        found = build_instructions(provider, self._instance.settings.base_url)
        if found is None:
            raise NotFound(f"ARI doesn't forward calls to {provider.title}.")
        return self._pages.page(request, "pages/integrations/instructions.html", provider=provider, instructions=found)

    @policy(AuthMode.SESSION)
    async def test(self, request: Request) -> Response:
        """Test the key; for htmx return only the card, with the result."""
        provider, instance = await find_requested_provider(request), self._instance
        try:
            result = await probe_provider(deps_of(request), instance.prober, provider, instance.provider_environment)
        except CallerRevoked:
            raise
        except AriError as error:  # no longer configured, or it can't be decrypted: the card shows it
            return await self._states(request, tested=provider.name, message=str(error))
        if "hx-request" in request.headers:
            return await self._states(request, tested=provider.name, message=result.words)
        return self._keys.back(request, provider, PROVIDER_TESTED)

    async def _state(self, request: Request) -> State:
        provider = await find_requested_provider(request)
        return await deps_of(request).read(state, provider, self._instance.provider_environment)

    async def _states(self, request: Request, tested: str | None = None, message: str | None = None) -> Response:
        environment = self._instance.provider_environment
        deps = deps_of(request)
        found = await deps.read(view.read_states, environment)
        now_ms = self._instance.now_ms()
        context: dict[str, Any] = {
            "states": found,
            "usage": await deps.report(view.read_usage, now_ms),
            "tested": tested,
            "message": message,
            "environment": environment,
            "view": view,
            "find_rest": self._instance.find_rest,
        }
        card = next((one for one in [*found.configured, *found.other] if one.provider.name == tested), None)
        if card is not None and "hx-request" in request.headers:
            return self._pages.page(request, "pages/integrations/_card.html", state=card, **context)
        return self._pages.page(request, "pages/integrations/page.html", **context)

    async def _form(self, request: Request, form: Form, asks: str, status: int = 200) -> Response:
        found = await self._state(request)
        return self._pages.page(
            request,
            "pages/integrations/form.html",
            status=status,
            state=found,
            form=form,
            asks_base_url=asks == "base_url",
            max_key_length=MAX_KEY,
            max_base_url_length=MAX_BASE_URL,
            view=view,
        )


def _remove(tx: commands.BaseUrlTransaction, provider: Provider) -> None:
    if provider.name in providers():
        commands.remove(tx, provider)
    else:
        remove_upstream(tx, provider.name)


def _put_base_url(
    tx: commands.BaseUrlTransaction,
    provider: Provider,
    environment: ProviderEnvironment,
    base_url: str | None,
    key: str,
) -> None:
    if base_url is None and provider.base_url is None:
        raise Invalid(Problem("base_url", f"Enter the base URL, such as {provider.base_url_example}."))
    commands.set_base_url(tx, provider, base_url, environment.private_addresses)
    if key.strip():
        commands.put_key(tx, provider, environment, key)
