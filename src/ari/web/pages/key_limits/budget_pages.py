"""The form for budgets, and the buttons that increase and reset: the same for every owner of budgets."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.deadline import run_in_thread
from ari.base.errors import Conflict, Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.replace_part import get_ai_rules
from ari.keys.limits.charge import RuleOwner
from ari.keys.limits.rules import LimitRules
from ari.keys.limits.spending import BudgetState
from ari.keys.model import ApiKey, Consumer
from ari.prices.unpriced import read_unpriced_use
from ari.web.forms import STALE, Form, KeyFormTransaction, form_from, new_form_id, use_once
from ari.web.navigation import Toast
from ari.web.pages.key_limits.budget_form import place_budget_problems, read_budgets, read_increase, write_budgets
from ari.web.pages.key_limits.urls import BUDGET_INCREASED, BUDGETS_CHANGED, BUDGETS_RESET
from ari.web.render import Pages

Sort = Literal["instance", "provider", "consumer", "key"]


class BudgetCommands(NamedTuple):
    """The commands of one sort of owner; each takes a transaction and ``BudgetSubject.id`` first.

    ``change`` takes the budgets, ``increase`` a budget's name and the amount, ``reset`` resets all.
    """

    change: Callable[..., object]
    increase: Callable[..., object]
    reset: Callable[..., object]


@dataclass(frozen=True, slots=True)
class BudgetSubject:
    """An owner of budgets: ``bound_by`` are those whose budgets the form shows, ``url`` is the page behind the form.

    ``owner`` is the key or consumer, if it is one.
    """

    id: str | None
    sort: Sort
    name: str
    rules: LimitRules
    bound_by: tuple[RuleOwner, ...]
    url: str
    form_url: str
    owner: ApiKey | Consumer | None = None


class BudgetPages(ABC):
    """``/``, ``/increase`` and ``/reset`` at ``path``."""

    path: str
    commands: BudgetCommands

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    @abstractmethod
    async def read_subject(self, request: Request) -> BudgetSubject:
        """The owner whose budgets can be changed. Raises ``NotFound``, ``Conflict``."""

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(self.path, self.show, methods=["GET"]),
            Route(self.path, self.change, methods=["POST"]),
            Route(f"{self.path}/increase", self.increase, methods=["POST"]),
            Route(f"{self.path}/reset", self.confirm_reset, methods=["GET"]),
            Route(f"{self.path}/reset", self.reset, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form with the budgets."""
        subject = await self.read_subject(request)
        return await self._form(request, subject, _write_form(subject))

    @policy(AuthMode.SESSION)
    async def change(self, request: Request) -> Response:
        """Set the budgets, or show the form with its problems."""
        form = form_from(form_of(request), "budgets")
        subject = await self.read_subject(request)
        try:
            await deps_of(request).do(self.commands.change, subject.id, read_budgets(form))
        except Invalid as error:
            return await self._form(request, subject, form.with_problems(place_budget_problems(error.problems)), 422)
        return self._back(request, subject, BUDGETS_CHANGED)

    @policy(AuthMode.SESSION)
    async def increase(self, request: Request) -> Response:
        """Raise a budget until its current period ends, once for each form."""
        sent = form_from(form_of(request), "budget", "amount", "form")
        subject = await self.read_subject(request)
        form = _write_form(subject).with_values(sent.values)
        try:
            name, amount = read_increase(sent, subject.rules)
            done = await deps_of(request).do(_increase_once, self.commands, subject.id, name, amount, sent)
        except Invalid as error:
            return await self._form(request, subject, form.with_problems(place_budget_problems(error.problems)), 422)
        except Conflict as error:
            return await self._form(request, subject, form.with_problem("amount", str(error)), 409)
        if not done:
            return await self._form(request, subject, _write_form(subject).with_problem("form", STALE), 422)
        return self._back(request, subject, BUDGET_INCREASED)

    @policy(AuthMode.SESSION)
    async def confirm_reset(self, request: Request) -> Response:
        """Ask before the budgets are reset."""
        subject = await self.read_subject(request)
        states = await self._read_states(subject)
        return self._pages.page(
            request,
            "pages/key_limits/reset.html",
            what="budgets",
            one=subject,
            states=states,
            back_url=subject.url,
            form_url=f"{subject.form_url}/reset",
        )

    @policy(AuthMode.SESSION)
    async def reset(self, request: Request) -> Response:
        """Count all budgets from nothing."""
        subject = await self.read_subject(request)
        await deps_of(request).do(self.commands.reset, subject.id)
        return self._back(request, subject, BUDGETS_RESET)

    def _back(self, request: Request, subject: BudgetSubject, toast: Toast) -> Response:
        return self._pages.go(request, self._pages.page_behind(request) or subject.url, toast)

    async def _form(self, request: Request, subject: BudgetSubject, form: Form, status: int = 200) -> Response:
        now_ms, deps = self._instance.now_ms(), deps_of(request)
        unknown_price, prices = self._instance.settings.ai_unknown_price, (await deps.read(get_ai_rules)).prices
        return self._pages.page(
            request,
            "pages/key_limits/budgets.html",
            status=status,
            one=subject,
            form=form,
            states=await self._read_states(subject),
            unpriced=await deps.report(read_unpriced_use, prices, unknown_price, now_ms),
            form_id=new_form_id(now_ms),
        )

    async def _read_states(self, subject: BudgetSubject) -> Sequence[BudgetState]:
        return await run_in_thread(self._instance.usage_records.read_budgets, subject.bound_by)


def _write_form(subject: BudgetSubject) -> Form:
    return Form(write_budgets(subject.rules))


def _increase_once(
    tx: KeyFormTransaction,
    commands: BudgetCommands,
    owner_id: str | None,
    name: str,
    amount: dict[str, Any],
    form: Form,
) -> bool:
    """Increase the budget, unless this form was used before or is too old. Raises ``Invalid`` and ``Conflict``."""
    if use_once(tx, form.value("form")) != "first":
        return False
    commands.increase(tx, owner_id, name, amount)
    return True
