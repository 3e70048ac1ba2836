"""The form for limits and credits, and the buttons that reset and add: the same for a key and for a consumer."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.deadline import run_in_thread
from ari.base.errors import Invalid
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.limits.charge import RuleOwner
from ari.keys.model import ApiKey, Consumer
from ari.web.forms import STALE, Form, KeyFormTransaction, form_from, new_form_id, read_whole_number, use_once
from ari.web.navigation import Toast
from ari.web.pages.key_limits.limit_form import (
    LIMIT_FIELDS,
    place_limit_problems,
    read_limit_change,
    write_limits,
)
from ari.web.pages.key_limits.urls import CREDITS_ADDED, LIMITS_CHANGED, LIMITS_RESET
from ari.web.render import Pages


class LimitCommands(NamedTuple):
    """The commands of one sort of owner; each takes a transaction and the owner's ID first.

    ``change`` takes ``limits`` and ``credits``, ``add_credits`` an amount.
    """

    change: Callable[..., object]
    reset: Callable[..., object]
    add_credits: Callable[..., object]


class LimitPages(ABC):
    """``limits``, ``limits/reset`` and ``credits`` below the page of a key or a consumer."""

    path: str
    commands: LimitCommands

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    @abstractmethod
    async def read_owner(self, request: Request) -> ApiKey | Consumer:
        """The owner whose limits can be changed. Raises ``NotFound``, ``Conflict``."""

    @abstractmethod
    def get_url(self, owner_id: str) -> str:
        """The owner's page."""

    @abstractmethod
    def list_rule_owners(self, owner: Any) -> Sequence[RuleOwner]:
        """Those whose rules limit the owner."""

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(f"{self.path}/limits", self.show, methods=["GET"]),
            Route(f"{self.path}/limits", self.change, methods=["POST"]),
            Route(f"{self.path}/limits/reset", self.confirm_reset, methods=["GET"]),
            Route(f"{self.path}/limits/reset", self.reset, methods=["POST"]),
            Route(f"{self.path}/credits", self.top_up, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form with the limits."""
        owner = await self.read_owner(request)
        return await self._form(request, owner, _write_form(owner))

    @policy(AuthMode.SESSION)
    async def change(self, request: Request) -> Response:
        """Set limits and credits, or show the form with its problems."""
        form = form_from(form_of(request), *LIMIT_FIELDS, "remove")
        owner = await self.read_owner(request)
        try:
            wanted = read_limit_change(form, owner.policy.limits)
            await deps_of(request).do(self.commands.change, owner.id, wanted)
        except Invalid as error:
            return await self._form(request, owner, form.with_problems(place_limit_problems(error.problems)), 422)
        return self._back(request, owner.id, LIMITS_CHANGED)

    @policy(AuthMode.SESSION)
    async def confirm_reset(self, request: Request) -> Response:
        """Ask before the limits are reset."""
        owner = await self.read_owner(request)
        described = await self._describe(owner)
        return self._pages.page(
            request,
            "pages/key_limits/reset.html",
            what="limits",
            one={"sort": "key" if described["is_key"] else "consumer", "owner": owner, "name": owner.name},
            remaining=described["remaining"],
            back_url=described["url"],
            form_url=f"{described['url']}/limits/reset",
        )

    @policy(AuthMode.SESSION)
    async def reset(self, request: Request) -> Response:
        """Count all limits from nothing."""
        owner = await self.read_owner(request)
        await deps_of(request).do(self.commands.reset, owner.id)
        return self._back(request, owner.id, LIMITS_RESET)

    @policy(AuthMode.SESSION)
    async def top_up(self, request: Request) -> Response:
        """Add credits, once for each form."""
        sent = form_from(form_of(request), "amount", "form")
        owner = await self.read_owner(request)
        try:
            done = await deps_of(request).do(_add_once, self.commands, owner.id, sent)
        except Invalid as error:
            form = _write_form(owner).with_values(sent.values).with_problems(error.problems)
            return await self._form(request, owner, form, 422)
        if not done:
            return await self._form(request, owner, _write_form(owner).with_problem("form", STALE), 422)
        return self._back(request, owner.id, CREDITS_ADDED)

    def _back(self, request: Request, owner_id: str, toast: Toast) -> Response:
        return self._pages.go(request, self._pages.page_behind(request) or self.get_url(owner_id), toast)

    async def _form(self, request: Request, owner: ApiKey | Consumer, form: Form, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/key_limits/form.html",
            status=status,
            form=form,
            form_id=new_form_id(self._instance.now_ms()),
            **await self._describe(owner),
        )

    async def _describe(self, owner: ApiKey | Consumer) -> dict[str, Any]:
        owners = self.list_rule_owners(owner)
        remaining = await run_in_thread(self._instance.usage_records.read_remaining, owners) if owners else []
        return {
            "owner": owner,
            "url": self.get_url(owner.id),
            "is_key": isinstance(owner, ApiKey),
            "remaining": remaining,
        }


def _write_form(owner: ApiKey | Consumer) -> Form:
    return Form(write_limits(owner.policy.limits, with_balance=False))


def _add_once(tx: KeyFormTransaction, commands: LimitCommands, owner_id: str, form: Form) -> bool:
    """Add the credits, unless this form was used before or is too old. Raises ``Invalid``."""
    amount = read_whole_number(form.value("amount"), "amount")
    if use_once(tx, form.value("form")) != "first":
        return False
    commands.add_credits(tx, owner_id, amount)
    return True
