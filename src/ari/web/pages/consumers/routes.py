"""Settings > API > Consumers: the list, a consumer's page, and its forms."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.deadline import run_in_thread
from ari.base.errors import Conflict, Invalid, NotFound, Problem
from ari.base.ids import is_id
from ari.base.problems import Problems
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import ConsumerChange, NewConsumer
from ari.keys.model import Consumer
from ari.keys.names import NAME_LENGTH
from ari.web import words
from ari.web.forms import Form, form_from
from ari.web.pages.consumers import urls
from ari.web.pages.consumers.consumer_view import KEYS_LISTED, PAGE_SIZE, read_consumer, read_consumers
from ari.web.pages.consumers.urls import CONSUMER, CONSUMERS, NEW_CONSUMER
from ari.web.pages.key_limits.budget_form import place_budget_problems, read_budgets
from ari.web.pages.key_limits.limit_form import LIMIT_FIELDS, has_limits, read_new_limits
from ari.web.pages.key_options.option_fields import MODEL_FIELDS, parse_metadata_text, read_models, write_models
from ari.web.pages.usage_log.view import read_key_names
from ari.web.render import Pages

_FIELDS = ("name", "external_id", "metadata", *MODEL_FIELDS)
_TEXT_LENGTH = 100
_PARTS = {"limits": "_limits", "budgets": "_budgets"}
"""The parts of a consumer's page that refresh alone."""


class ConsumerPages:
    """``/settings/consumers`` and its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        found: list[BaseRoute] = [Route(CONSUMERS, self.list, methods=["GET"])]
        for path, form, act in (
            (NEW_CONSUMER, self.new_form, self.create),
            (f"{CONSUMER}/edit", self.edit_form, self.edit),
            (f"{CONSUMER}/delete", self.delete_form, self.delete),
        ):
            found.append(Route(path, form, methods=["GET"]))
            found.append(Route(path, act, methods=["POST"]))
        return [*found, Route(CONSUMER, self.show, methods=["GET"])]

    @policy(AuthMode.SESSION)
    async def list(self, request: Request) -> Response:
        """The consumers that match, newest first. Raises ``NotFound`` for an unknown place."""
        text = "".join(letter for letter in request.query_params.get("q", "") if letter.isprintable())
        text, before = text.strip()[:_TEXT_LENGTH], request.query_params.get("before") or None
        if before is not None and not is_id("con", before):
            raise NotFound
        found = await deps_of(request).read(read_consumers, text, before)
        return self._pages.page(
            request, "pages/consumers/list.html", found=found, text=text, before=before, page_size=PAGE_SIZE
        )

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """A consumer, its newest keys, and what remains of the limits and budgets that they share.

        For htmx, only the part about limits or budgets.
        """
        facts = await deps_of(request).read(read_consumer, urls.consumer_id_of(request.path_params))
        rules = facts.consumer.policy.limits
        owner, records = [facts.consumer.rule_owner], self._instance.usage_records
        remaining = await run_in_thread(records.read_remaining, owner) if rules else []
        budgets = await run_in_thread(records.read_budgets, owner) if rules.budgets else []
        part = request.query_params.get("part") if "hx-request" in request.headers else None
        return self._pages.page(
            request,
            f"pages/consumers/{_PARTS.get(part or '', 'page')}.html",
            facts=facts,
            remaining=remaining,
            budgets=budgets,
            keys_listed=KEYS_LISTED,
            key_names=await deps_of(request).read(read_key_names, [facts.consumer.created_by]),
        )

    @policy(AuthMode.SESSION)
    async def new_form(self, request: Request) -> Response:
        """The empty form."""
        return self._form(request, Form())

    @policy(AuthMode.SESSION)
    async def create(self, request: Request) -> Response:
        """Create the consumer and open its page, or show the form with its problems."""
        form = form_from(form_of(request), *_FIELDS, *LIMIT_FIELDS, "budgets")
        problems = Problems()
        shared = problems.check({}, read_new_limits, form) | {"budgets": problems.check([], read_budgets, form)}
        new = NewConsumer(**_read(form, problems), **shared)
        try:
            made = await deps_of(request).do(keys.create_consumer, new, problems.found)
        except (Invalid, Conflict) as error:
            return self._form(request, form.with_problems(_problems_of(error)), status=422)
        return self._pages.go(request, urls.show(made.id), urls.CONSUMER_CREATED)

    @policy(AuthMode.SESSION)
    async def edit_form(self, request: Request) -> Response:
        """The form with the consumer's values."""
        consumer = await self._get(request)
        values = {"name": consumer.name, "external_id": consumer.external_id or ""}
        values |= {"metadata": words.format_metadata(consumer.metadata), **write_models(consumer.policy.models)}
        return self._form(request, Form(values), consumer)

    @policy(AuthMode.SESSION)
    async def edit(self, request: Request) -> Response:
        """Change the consumer, or show the form with its problems."""
        form = form_from(form_of(request), *_FIELDS)
        consumer, problems = await self._get(request), Problems()
        wanted = ConsumerChange(**_read(form, problems))
        try:
            await deps_of(request).do(keys.change_consumer, consumer.id, wanted, problems.found)
        except (Invalid, Conflict) as error:
            return self._form(request, form.with_problems(_problems_of(error)), consumer, 422)
        return self._pages.go(request, urls.show(consumer.id), urls.CONSUMER_CHANGED)

    @policy(AuthMode.SESSION)
    async def delete_form(self, request: Request) -> Response:
        """The question before deleting, or why the consumer can't be deleted."""
        return self._delete_form(request, await self._get(request))

    @policy(AuthMode.SESSION)
    async def delete(self, request: Request) -> Response:
        """Delete the consumer, unless it has keys."""
        consumer = await self._get(request)
        try:
            await deps_of(request).do(keys.delete_consumer, consumer.id)
        except Conflict as error:
            return self._delete_form(request, consumer, str(error), 409)
        return self._pages.go(request, CONSUMERS, urls.CONSUMER_DELETED)

    async def _get(self, request: Request) -> Consumer:
        """Raises ``NotFound``."""
        return await deps_of(request).read(keys.get_consumer, urls.consumer_id_of(request.path_params))

    def _form(self, request: Request, form: Form, consumer: Consumer | None = None, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/consumers/form.html",
            status=status,
            form=form,
            consumer=consumer,
            limits_open=has_limits(form),
            models_open=any(form.value(name) for name in MODEL_FIELDS) or form.problem("models"),
            name_length=NAME_LENGTH,
        )

    def _delete_form(self, request: Request, consumer: Consumer, refusal: str = "", status: int = 200) -> Response:
        return self._pages.page(
            request, "pages/consumers/delete.html", status=status, consumer=consumer, refusal=refusal
        )


def _read(form: Form, problems: Problems) -> dict[str, Any]:
    """The values by the names that ``NewConsumer`` and ``ConsumerChange`` have; those with a problem are left out."""
    given: dict[str, Any] = {"name": form.value("name"), "external_id": form.value("external_id").strip() or None}
    return given | problems.check({}, _read_metadata, form) | problems.check({}, read_models, form)


def _read_metadata(form: Form) -> dict[str, Any]:
    return {"metadata": parse_metadata_text(form.value("metadata"))}


def _problems_of(error: Invalid | Conflict) -> Sequence[Problem]:
    """The problems at the form's fields. A taken external ID is a problem of its field."""
    if isinstance(error, Invalid):
        return place_budget_problems(error.problems)
    return (Problem("external_id", str(error)),)
