"""The form for budgets, and the buttons that increase and reset: the same for a key and for a consumer."""

from abc import ABC
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.deadline import run_in_thread
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.model import ApiKey, Consumer
from ari.web.forms import STALE, Form, KeyFormTransaction, form_from, new_form_id, use_once
from ari.web.navigation import Toast
from ari.web.pages.key_limits.budget_form import place_budget_problems, read_budgets, read_increase, write_budgets
from ari.web.pages.key_limits.limit_pages import LimitPages
from ari.web.pages.key_limits.urls import BUDGET_INCREASED, BUDGETS_CHANGED, BUDGETS_RESET
from ari.web.render import Pages


class BudgetCommands(NamedTuple):
    """The commands of one sort of owner; each takes a transaction and the owner's ID first.

    ``increase`` takes a budget's name and the amount, ``reset`` resets all.
    """

    increase: Callable[..., object]
    reset: Callable[..., object]


class BudgetPages(ABC):
    """``budgets``, ``budgets/increase`` and ``budgets/reset`` below the page of a key or a consumer.

    ``limit_pages`` find the owner and change its rules.
    """

    limit_pages: type[LimitPages]
    commands: BudgetCommands

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance
        self._owners = self.limit_pages(pages)

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        path = self._owners.path
        return [
            Route(f"{path}/budgets", self.show, methods=["GET"]),
            Route(f"{path}/budgets", self.change, methods=["POST"]),
            Route(f"{path}/budgets/increase", self.increase, methods=["POST"]),
            Route(f"{path}/budgets/reset", self.reset, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form with the budgets."""
        owner = await self._owners.read_owner(request)
        return await self._form(request, owner, _write_form(owner))

    @policy(AuthMode.SESSION)
    async def change(self, request: Request) -> Response:
        """Set the budgets, or show the form with its problems."""
        form = form_from(form_of(request), "budgets")
        owner = await self._owners.read_owner(request)
        try:
            await deps_of(request).do(self._owners.commands.change, owner.id, {"budgets": read_budgets(form)})
        except Invalid as error:
            return await self._form(request, owner, form.with_problems(place_budget_problems(error.problems)), 422)
        return self._back(request, owner.id, BUDGETS_CHANGED)

    @policy(AuthMode.SESSION)
    async def increase(self, request: Request) -> Response:
        """Raise a budget until its current period ends, once for each form."""
        sent = form_from(form_of(request), "budget", "amount", "form")
        owner = await self._owners.read_owner(request)
        form = _write_form(owner).with_values(sent.values)
        try:
            name, amount = read_increase(sent, owner.policy.limits)
            done = await deps_of(request).do(_increase_once, self.commands, owner.id, name, amount, sent)
        except Invalid as error:
            return await self._form(request, owner, form.with_problems(place_budget_problems(error.problems)), 422)
        except Conflict as error:
            return await self._form(request, owner, form.with_problem("amount", str(error)), 409)
        if not done:
            return await self._form(request, owner, _write_form(owner).with_problem("form", STALE), 422)
        return self._back(request, owner.id, BUDGET_INCREASED)

    @policy(AuthMode.SESSION)
    async def reset(self, request: Request) -> Response:
        """Count all budgets from nothing."""
        owner = await self._owners.read_owner(request)
        await deps_of(request).do(self.commands.reset, owner.id)
        return self._back(request, owner.id, BUDGETS_RESET)

    def _back(self, request: Request, owner_id: str, toast: Toast) -> Response:
        return self._pages.go(request, self._pages.page_behind(request) or self._owners.get_url(owner_id), toast)

    async def _form(self, request: Request, owner: ApiKey | Consumer, form: Form, status: int = 200) -> Response:
        owners = owner.spending_owners if isinstance(owner, ApiKey) else (owner.rule_owner,)
        return self._pages.page(
            request,
            "pages/key_limits/budgets.html",
            status=status,
            owner=owner,
            url=self._owners.get_url(owner.id),
            is_key=isinstance(owner, ApiKey),
            form=form,
            states=await run_in_thread(self._instance.usage_records.read_budgets, owners),
            form_id=new_form_id(self._instance.now_ms()),
        )


def _write_form(owner: ApiKey | Consumer) -> Form:
    return Form(write_budgets(owner.policy.limits))


def _increase_once(
    tx: KeyFormTransaction, commands: BudgetCommands, owner_id: str, name: str, amount: dict[str, Any], form: Form
) -> bool:
    """Increase the budget, unless this form was used before or is too old. Raises ``Invalid`` and ``Conflict``."""
    if use_once(tx, form.value("form")) != "first":
        return False
    commands.increase(tx, owner_id, name, amount)
    return True
