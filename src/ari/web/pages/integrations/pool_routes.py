"""Settings > Integrations: the keys of a provider that has several, and named upstreams."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import AriError, CallerRevoked, Invalid, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations import pool, upstream_commands
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY
from ari.integrations.credentials import state
from ari.integrations.key_test import probe_provider
from ari.integrations.model import KeyChoice, Provider
from ari.integrations.upstreams import MAX_TITLE, find_provider
from ari.web.forms import Form, form_from
from ari.web.navigation import Toast
from ari.web.pages.confirm.reauth import PROVIDER_KEY
from ari.web.pages.integrations import urls
from ari.web.pages.integrations.urls import INTEGRATIONS
from ari.web.render import Pages

PASTE_AGAIN = "For security the key wasn't kept while you confirmed your password. Paste it again."


async def find_requested_provider(request: Request) -> Provider:
    """The provider that the URL names. Raises ``NotFound``."""
    return await deps_of(request).read(find_provider, request.path_params["provider"])


def show_problems(form: Form, error: Invalid) -> Form:
    """The form with each problem at its field, and without the key (security.md 31)."""
    named = [Problem(PROVIDER_KEY if one.location == "key" else one.location, one.message) for one in error.problems]
    return form.with_problems(named)


class ProviderKeyPages:
    """The forms of single keys and of named upstreams."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        one = f"{INTEGRATIONS}/{{provider}}/keys"
        return [
            Route(urls.ADD_UPSTREAM, self.upstream_form, methods=["GET"]),
            Route(urls.ADD_UPSTREAM, self.add_upstream, methods=["POST"]),
            Route(f"{one}/add", self.add_form, methods=["GET"]),
            Route(f"{one}/add", self.add, methods=["POST"]),
            Route(f"{one}/choice", self.choose, methods=["POST"]),
            Route(f"{one}/{{key_id}}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/{{key_id}}/remove", self.remove, methods=["POST"]),
            Route(f"{one}/{{key_id}}/first", self.make_first, methods=["POST"]),
            Route(f"{one}/{{key_id}}/test", self.test, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def add_form(self, request: Request) -> Response:
        """The form for one more key."""
        return await self._add_form(request, Form())

    @policy(AuthMode.SESSION, sensitive=True)
    async def add(self, request: Request) -> Response:
        """Save one more key, and test it."""
        form, key = form_from(form_of(request), "label"), form_of(request).get(PROVIDER_KEY)
        if key is None:
            return await self._add_form(request, form.with_problem(PROVIDER_KEY, PASTE_AGAIN), 422)
        provider, environment = await find_requested_provider(request), self._instance.provider_environment
        try:
            added = await deps_of(request).do(pool.add_key, provider, environment, key[0], form.value("label"))
        except Invalid as error:
            return await self._add_form(request, show_problems(form, error), 422)
        return await self.test_saved(request, provider, added.id)

    @policy(AuthMode.SESSION)
    async def choose(self, request: Request) -> Response:
        """Set how requests get one of the keys."""
        provider = await find_requested_provider(request)
        asked = form_from(form_of(request), "choice").value("choice")
        choice: KeyChoice = "by_consumer" if asked == "by_consumer" else "round_robin"
        await deps_of(request).do(pool.set_key_choice, provider, choice)
        return self._pages.go(request, urls.card(provider.name), urls.KEY_CHOICE_SAVED)

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove_form(self, request: Request) -> Response:
        """Ask before removing one key."""
        provider = await find_requested_provider(request)
        key = await deps_of(request).read(pool.get_key, provider, request.path_params["key_id"])
        return self._pages.page(request, "pages/integrations/remove_key.html", provider=provider, key=key)

    @policy(AuthMode.SESSION, sensitive=True)
    async def remove(self, request: Request) -> Response:
        """Remove one key."""
        provider = await find_requested_provider(request)
        await deps_of(request).do(pool.remove_key, provider, request.path_params["key_id"])
        return self._pages.go(request, INTEGRATIONS, urls.ONE_KEY_REMOVED)

    @policy(AuthMode.SESSION)
    async def make_first(self, request: Request) -> Response:
        """Move one key to the front."""
        provider = await find_requested_provider(request)
        await deps_of(request).do(pool.change_key, provider, request.path_params["key_id"], None, 0)
        return self._pages.go(request, urls.card(provider.name), urls.KEY_MOVED)

    @policy(AuthMode.SESSION)
    async def test(self, request: Request) -> Response:
        """Test one key. Its result is shown next to it."""
        provider, instance = await find_requested_provider(request), self._instance
        key_id = request.path_params["key_id"]
        await probe_provider(deps_of(request), instance.prober, provider, instance.provider_environment, key_id)
        return self._pages.go(request, urls.card(provider.name), urls.PROVIDER_TESTED)

    @policy(AuthMode.SESSION, sensitive=True)
    async def upstream_form(self, request: Request) -> Response:
        """The form for a named upstream."""
        return self._upstream_form(request, Form())

    @policy(AuthMode.SESSION, sensitive=True)
    async def add_upstream(self, request: Request) -> Response:
        """Add a named upstream."""
        form = form_from(form_of(request), "name", "title", "base_url")
        name = form.value("name").strip()
        title, base_url = form.value("title").strip() or name, form.value("base_url")
        try:
            added = await deps_of(request).do(upstream_commands.add_upstream, name, title, base_url)
        except Invalid as error:
            return self._upstream_form(request, form.with_problems(error.problems), 422)
        return self.back(request, added, urls.UPSTREAM_ADDED)

    async def test_saved(self, request: Request, provider: Provider, key_id: str | None) -> Response:
        """Test the key that was just saved, and go back to its card, which shows the result."""
        instance = self._instance
        try:
            result = await probe_provider(
                deps_of(request), instance.prober, provider, instance.provider_environment, key_id
            )
        except CallerRevoked:
            raise
        except AriError:
            return self.back(request, provider, urls.PROVIDER_KEY_SAVED)
        toast = urls.PROVIDER_KEY_ACCEPTED if result.is_valid else urls.PROVIDER_KEY_NOT_ACCEPTED
        return self.back(request, provider, toast)

    def back(self, request: Request, provider: Provider, toast: Toast) -> Response:
        """Back to the card. With htmx the URL must differ by more than its fragment, or the browser loads nothing."""
        by_htmx = "hx-request" in request.headers
        return self._pages.go(request, INTEGRATIONS if by_htmx else urls.card(provider.name), toast)

    async def _add_form(self, request: Request, form: Form, status: int = 200) -> Response:
        provider, environment = await find_requested_provider(request), self._instance.provider_environment
        found = await deps_of(request).read(state, provider, environment)
        return self._pages.page(
            request,
            "pages/integrations/add_key.html",
            status=status,
            state=found,
            form=form,
            max_key_length=MAX_KEY,
            max_label_length=pool.MAX_LABEL,
        )

    def _upstream_form(self, request: Request, form: Form, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/integrations/add_upstream.html",
            status=status,
            form=form,
            max_base_url_length=MAX_BASE_URL,
            max_title_length=MAX_TITLE,
        )
