"""Change the options of a key, with the addresses of the log as a suggestion."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.deadline import run_in_thread
from ari.base.errors import Conflict, Invalid
from ari.base.problems import Problems
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import KeyChange
from ari.keys.model import ApiKey, Consumer
from ari.keys.ports import KeyTransaction
from ari.usage.addresses import SEEN_READ, suggest_addresses
from ari.web.forms import Form, form_from
from ari.web.pages.key import urls as key_urls
from ari.web.pages.key_options.option_fields import FIELDS, read_options, write_options
from ari.web.pages.key_options.urls import CONSUMER_CHOICES, OPTIONS, OPTIONS_CHANGED
from ari.web.render import Pages

CHOICES = 20
"""The consumers that a field offers at once."""
_TEXT_LENGTH = 100
_DEAD = "Revoked and expired keys can't be changed or restored. Create a new key."


class KeyOptionsPages:
    """``/settings/keys/{id}/options``, and the consumers that its form offers."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(OPTIONS, self.show, methods=["GET"]),
            Route(OPTIONS, self.save, methods=["POST"]),
            Route(CONSUMER_CHOICES, self.choices, methods=["GET"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form for the key's options; ``suggest`` fills in the addresses."""
        key = await self._get_active_key(request)
        form = Form(write_options(key))
        return await self._show(request, key, form, suggest="suggest" in request.query_params)

    @policy(AuthMode.SESSION)
    async def save(self, request: Request) -> Response:
        """Change the options, or show the form with its problems; with ``suggest``, show it with the addresses."""
        form = form_from(form_of(request), *FIELDS)
        if "suggest" in request.query_params:
            return await self._show(request, await self._get_active_key(request), form, suggest=True)
        problems = Problems()
        wanted = KeyChange(**read_options(form, problems))
        try:
            await deps_of(request).do(keys.change, request.path_params["key_id"], wanted, problems.found)
        except Invalid as error:
            shown = form.with_problems(error.problems)
            return await self._show(request, await self._get_active_key(request), shown, status=422)
        place = self._pages.page_behind(request)
        return self._pages.go(request, place or key_urls.page(request.path_params["key_id"]), OPTIONS_CHANGED)

    @policy(AuthMode.SESSION)
    async def choices(self, request: Request) -> Response:
        """The newest consumers that match what is being typed."""
        text = request.query_params.get("consumer", "").strip()[:_TEXT_LENGTH]
        found = await deps_of(request).read(offer_consumers, text)
        return self._pages.page(request, "pages/key_options/choices.html", consumers=found)

    async def _get_active_key(self, request: Request) -> ApiKey:
        """The key. Raises ``NotFound``, and ``Conflict`` for an inactive key."""
        key = await deps_of(request).read(keys.get, request.path_params["key_id"])
        if key.is_inactive(self._instance.now_ms()):
            raise Conflict("key_inactive", _DEAD)
        return key

    async def _show(
        self, request: Request, key: ApiKey, form: Form, *, suggest: bool = False, status: int = 200
    ) -> Response:
        shown: dict[str, Any] = {"suggested": None}
        if suggest:
            seen = await run_in_thread(self._instance.usage_records.addresses, key.id, SEEN_READ)
            found = suggest_addresses(seen, self._instance.now_ms())
            shown["suggested"] = len(found)
            if found:
                form = Form({**form.values, "addresses": "\n".join(found)}, form.problems)
        shown["consumers"] = await deps_of(request).read(offer_consumers)
        return self._pages.page(request, "pages/key_options/form.html", status=status, key=key, form=form, **shown)


def offer_consumers(tx: KeyTransaction, text: str = "") -> list[Consumer]:
    """The newest consumers whose name, ID or external ID contains ``text``."""
    return keys.get_consumers(tx, text, None, CHOICES)
