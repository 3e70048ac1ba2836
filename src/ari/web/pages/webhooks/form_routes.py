"""Settings > Webhooks: the forms for a new webhook, its changes and its secret, which is shown once."""

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.accounts.ports import AccountTransaction
from ari.base.errors import Conflict, Invalid, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.names import NAME_LENGTH
from ari.keys.unset import UNSET
from ari.web.forms import STALE, Form, Use, form_from, new_form_id, use_once
from ari.web.pages.confirm.reauth import WEBHOOK_URL
from ari.web.pages.webhooks import view
from ari.web.pages.webhooks.urls import NEW_WEBHOOK, WEBHOOK, WEBHOOK_CHANGED, WEBHOOKS, show
from ari.web.render import Pages
from ari.webhooks import management
from ari.webhooks.event_types import EVENT_TYPES, EVERYTHING, list_groups
from ari.webhooks.management import NewWebhook, WebhookChange, WebhookSecret
from ari.webhooks.model import FORMATS, Webhook
from ari.webhooks.ports import WebhookTransaction
from ari.webhooks.target_url import MAX_URL

_FIELDS = ("name", WEBHOOK_URL, "events", "format", "form")


class WebhookFormTransaction(AccountTransaction, WebhookTransaction, Protocol):
    """One transaction over webhooks and the forms that were used."""


class WebhookFormPages:
    """``/settings/webhooks/new``, ``edit`` and ``rotate``.

    They ask for the password before the form: a URL may hold a secret, so it isn't carried through the question.
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(NEW_WEBHOOK, self.add_form, methods=["GET"]),
            Route(NEW_WEBHOOK, self.add, methods=["POST"]),
            Route(f"{WEBHOOK}/edit", self.edit_form, methods=["GET"]),
            Route(f"{WEBHOOK}/edit", self.edit, methods=["POST"]),
            Route(f"{WEBHOOK}/rotate", self.rotate_form, methods=["GET"]),
            Route(f"{WEBHOOK}/rotate", self.rotate, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION, sensitive=True)
    async def add_form(self, request: Request) -> Response:
        """The form for a new webhook."""
        return self._form(request, Form({"events": EVERYTHING, "format": "standard"}), None)

    @policy(AuthMode.SESSION, sensitive=True)
    async def add(self, request: Request) -> Response:
        """Add the webhook and show its secret, only in this response."""
        form = form_from(form_of(request), *_FIELDS)
        try:
            added = await deps_of(request).do(add_once, form)
        except Invalid as error:
            return self._form(request, form.with_problems(_place(error.problems)), None, 422)
        except Conflict as error:
            return self._form(request, form.with_problem("form", str(error)), None, 409)
        if added == "stale":
            return self._form(request, form.with_problem("form", STALE), None, 422)
        if isinstance(added, str):
            return self._pages.page(request, "pages/webhooks/repeated.html", status=409, closes_to=WEBHOOKS)
        return self._reveal(request, added)

    @policy(AuthMode.SESSION, sensitive=True)
    async def edit_form(self, request: Request) -> Response:
        """The form with the webhook's values; its URL stays unless another is entered."""
        webhook = await self._read(request)
        return self._form(request, Form({"name": webhook.name, "events": " ".join(webhook.events)}), webhook)

    @policy(AuthMode.SESSION, sensitive=True)
    async def edit(self, request: Request) -> Response:
        """Change the webhook, or show the form with its problems."""
        form, webhook = form_from(form_of(request), *_FIELDS), await self._read(request)
        url = form.value(WEBHOOK_URL).strip()
        wanted = WebhookChange(form.value("name"), url or UNSET, form.value("events").split())
        try:
            await deps_of(request).do(management.change_webhook, webhook.id, wanted)
        except Invalid as error:
            return self._form(request, form.with_problems(_place(error.problems)), webhook, 422)
        return self._pages.go(request, show(webhook.id), WEBHOOK_CHANGED)

    @policy(AuthMode.SESSION, sensitive=True)
    async def rotate_form(self, request: Request) -> Response:
        """The question before the secret is rotated."""
        return self._rotation(request, await self._read(request), Form())

    @policy(AuthMode.SESSION, sensitive=True)
    async def rotate(self, request: Request) -> Response:
        """Rotate the secret and show the new one, only in this response."""
        form, webhook = form_from(form_of(request), "retire_old_now", "form"), await self._read(request)
        try:
            rotated = await deps_of(request).do(rotate_once, webhook.id, form)
        except Conflict as error:
            return self._rotation(request, webhook, form.with_problem("form", str(error)), 409)
        if rotated == "stale":
            return self._rotation(request, webhook, form.with_problem("form", STALE), 422)
        if isinstance(rotated, str):
            closes_to = show(webhook.id)
            return self._pages.page(request, "pages/webhooks/repeated.html", status=409, closes_to=closes_to)
        return self._reveal(request, rotated)

    async def _read(self, request: Request) -> Webhook:
        return await deps_of(request).read(management.get_webhook, request.path_params["webhook_id"])

    def _reveal(self, request: Request, made: WebhookSecret) -> Response:
        webhook, secret = made.webhook, made.secret
        return self._pages.page(request, "pages/webhooks/reveal.html", status=201, webhook=webhook, secret=secret)

    def _rotation(self, request: Request, webhook: Webhook, form: Form, status: int = 200) -> Response:
        form_id = new_form_id(self._instance.now_ms())
        return self._pages.page(
            request, "pages/webhooks/rotate.html", status=status, webhook=webhook, form=form, form_id=form_id
        )

    def _form(self, request: Request, form: Form, webhook: Webhook | None, status: int = 200) -> Response:
        types = {group: [one for one in EVENT_TYPES if one.startswith(f"{group}.")] for group in list_groups()}
        return self._pages.page(
            request,
            "pages/webhooks/form.html",
            status=status,
            form=form,
            webhook=webhook,
            form_id=new_form_id(self._instance.now_ms()),
            types=types,
            formats={name: (view.FORMAT_NAMES[name], says) for name, says in FORMATS.items()},
            name_length=NAME_LENGTH,
            max_url_length=MAX_URL,
        )


def add_once(tx: WebhookFormTransaction, form: Form) -> WebhookSecret | Use:
    """Add the webhook, or say that this form was used before (``again``) or is ``stale``. Raises as ``add_webhook``."""
    use = use_once(tx, form.value("form"))
    if use != "first":
        return use
    events, format_name = form.value("events").split(), form.value("format", "standard")
    return management.add_webhook(tx, NewWebhook(form.value("name"), form.value(WEBHOOK_URL), events, format_name))


def rotate_once(tx: WebhookFormTransaction, webhook_id: str, form: Form) -> WebhookSecret | Use:
    """Rotate the secret, or say that this form was used before. Raises as ``rotate_webhook_secret``."""
    use = use_once(tx, form.value("form"))
    if use != "first":
        return use
    at_once = form.value("retire_old_now") == "yes"
    return management.rotate_webhook_secret(tx, webhook_id, retire_old_now=at_once)


def _place(problems: Sequence[Problem]) -> list[Problem]:
    """The problems at the form's fields."""
    return [Problem(WEBHOOK_URL, one.message) if one.location == "url" else one for one in problems]
