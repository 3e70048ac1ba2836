"""The forms for the budgets of the instance and of its providers."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.change_budgets import (
    get_budgets,
    increase_shared_budget,
    reset_shared_budgets,
    set_budgets,
    set_provider_budgets,
)
from ari.integrations.ai_rules.model import AiRulesTransaction
from ari.integrations.upstreams import UpstreamTransaction
from ari.keys.limits.charge import INSTANCE_ID, INSTANCE_PREFIX, PROVIDER_PREFIX, RuleOwner
from ari.keys.limits.rules import NO_RULES
from ari.web.forms import Form, form_from
from ari.web.pages.key_limits.budget_form import place_budget_problems, read_budgets
from ari.web.pages.key_limits.budget_pages import BudgetCommands, BudgetPages, BudgetSubject
from ari.web.pages.key_limits.urls import BUDGETS_CHANGED
from ari.web.pages.usage_ai import urls
from ari.web.pages.usage_ai.view import read_provider_titles
from ari.web.render import Pages


class SharedTransaction(AiRulesTransaction, UpstreamTransaction, Protocol):
    """One transaction over the rules, named upstreams and events."""


def _set(tx: SharedTransaction, provider: str | None, budgets: Sequence[Mapping[str, Any]]) -> object:
    known = list(read_provider_titles(tx))
    if provider is None:
        return set_budgets(tx, budgets, None, known)
    return set_provider_budgets(tx, provider, budgets, known)


def _reset(tx: AiRulesTransaction, provider: str | None) -> object:
    return reset_shared_budgets(tx, provider, None)


class InstanceBudgetsPages(BudgetPages):
    """``/settings/usage/budgets/instance``."""

    path = urls.INSTANCE_BUDGETS
    commands = BudgetCommands(_set, increase_shared_budget, _reset)

    async def read_subject(self, request: Request) -> BudgetSubject:
        """The instance."""
        rules = (await deps_of(request).read(get_budgets)).instance
        owner = RuleOwner(INSTANCE_ID, rules, INSTANCE_PREFIX)
        return BudgetSubject(None, "instance", "This instance", rules, (owner,), urls.BUDGETS, self.path)


class ProviderBudgetsPages(BudgetPages):
    """``/settings/usage/budgets/providers/{provider}``."""

    path = urls.PROVIDER_BUDGETS
    commands = BudgetCommands(_set, increase_shared_budget, _reset)

    async def read_subject(self, request: Request) -> BudgetSubject:
        """The provider, also one that is gone but has budgets. Raises ``NotFound``."""
        name: str = request.path_params["provider"]
        titles = await deps_of(request).read(read_provider_titles)
        providers = (await deps_of(request).read(get_budgets)).providers
        if name not in titles and name not in providers:
            raise NotFound
        rules, prefix = providers.get(name, NO_RULES), f"{PROVIDER_PREFIX}{name}"
        owner, form_url = RuleOwner(prefix, rules, f"{prefix}:"), urls.provider_budgets(name)
        return BudgetSubject(name, "provider", titles.get(name, name), rules, (owner,), urls.BUDGETS, form_url)


class NewProviderBudgetsPages:
    """``/settings/usage/budgets/providers``: the first budgets of a provider."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(urls.NEW_PROVIDER_BUDGETS, self.show, methods=["GET"]),
            Route(urls.NEW_PROVIDER_BUDGETS, self.add, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form, with the providers that have no budgets."""
        return await self._form(request, Form())

    @policy(AuthMode.SESSION)
    async def add(self, request: Request) -> Response:
        """Set the budgets, or show the form with its problems."""
        form = form_from(form_of(request), "provider", "budgets")
        problems = {} if form.value("budgets").strip() else {"budgets": "Enter a budget, such as 25usd/month."}
        if form.value("provider") not in await self._list_choices(request):
            problems["provider"] = "Choose a provider without budgets."
        if problems:
            return await self._form(request, Form(form.values, problems), 422)
        try:
            await deps_of(request).do(_set, form.value("provider"), read_budgets(form))
        except Invalid as error:
            return await self._form(request, form.with_problems(place_budget_problems(error.problems)), 422)
        return self._pages.go(request, urls.BUDGETS, BUDGETS_CHANGED)

    async def _form(self, request: Request, form: Form, status: int = 200) -> Response:
        choices = await self._list_choices(request)
        return self._pages.page(request, "pages/usage_ai/new_provider.html", status=status, form=form, choices=choices)

    async def _list_choices(self, request: Request) -> dict[str, str]:
        """The titles of the providers without budgets, by name."""
        rules = await deps_of(request).read(get_budgets)
        titles = await deps_of(request).read(read_provider_titles)
        with_budgets = {name for name, own in rules.providers.items() if own.budgets}
        return {name: title for name, title in titles.items() if name not in with_budgets}
