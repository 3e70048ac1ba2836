"""Revoke, disable or change the expiry of all keys that match the table's filters: exactly those listed, or none."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, Self, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Conflict, Invalid, NotFound
from ari.base.ids import is_id
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, AffectedKeys, BulkAction, BulkChange, Confirmed
from ari.keys.expiry import EXPIRY_CHOICES, SUGGESTED_EXPIRY
from ari.keys.listing import KeyFilter, KeyListTransaction, asks_log
from ari.keys.names import REASON_LENGTH
from ari.web.forms import Form, form_from
from ari.web.pages.bulk.urls import MATCHING, NOTHING_LEFT, TOASTS
from ari.web.pages.edit_key.form_values import read_expiry
from ari.web.pages.settings_api.urls import HOME, OWNERSHIP, KeysView, parse_view
from ari.web.pages.settings_api.view import build_filter
from ari.web.render import Pages

_FILTERS = ("q", "show", *OWNERSHIP)
_CHANGED = "The matching keys changed in the meantime, so nothing was changed. Check the new list."


class MatchingKeys(NamedTuple):
    """What to do with which keys: those of the view that are older than ``before_id``, if it is set."""

    action: BulkAction
    view: KeysView
    before_id: str | None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Self:
        """From the query or the fields of the form. Raises ``NotFound``."""
        action = next((one for one in get_args(BulkAction) if one == given.get("do") and one in TOASTS), None)
        view, before_id = parse_view({name: given.get(name, "") for name in _FILTERS}), given.get("before") or None
        if action is None or view is None or asks_log(view.show):
            raise NotFound
        if before_id is not None and not is_id("key", before_id):
            raise NotFound
        return cls(action, view, before_id)

    @property
    def fields(self) -> dict[str, str]:
        """The hidden fields of the form."""
        return {"do": self.action, "before": self.before_id or "", **self.view.filters}

    def after(self, done: AffectedKeys) -> Self:
        """The keys of the next step: with a new expiry, those of this step still match."""
        return self._replace(before_id=min(key.id for key in done.keys)) if self.action == "expire" else self


class MatchingKeysPages:
    """``/settings/keys/matching``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [Route(MATCHING, self.ask, methods=["GET"]), Route(MATCHING, self.act, methods=["POST"])]

    @policy(AuthMode.SESSION)
    async def ask(self, request: Request) -> Response:
        """The question that lists the keys that match."""
        return await self._question(request, MatchingKeys.parse(request.query_params), _empty_form())

    @policy(AuthMode.SESSION)
    async def act(self, request: Request) -> Response:
        """Change exactly the listed keys, or none; then ask about the next ones, if there are too many for one step."""
        form = form_from(form_of(request), "do", "before", "keys", "reason", "expires", "day", *_FILTERS)
        matching = MatchingKeys.parse(form.values)
        try:
            done = await deps_of(request).do(change, matching, form)
        except Invalid as error:
            return await self._question(request, matching, form.with_problems(error.problems), 422)
        except Conflict:
            return await self._question(request, matching, form.with_problem("", _CHANGED), 409)
        if done.remaining:
            return await self._question(request, matching.after(done), _empty_form(), changed=len(done.keys))
        url = self._pages.page_behind(request) or HOME
        return self._pages.go(request, url, TOASTS[matching.action] if done.keys else NOTHING_LEFT)

    async def _question(
        self, request: Request, matching: MatchingKeys, form: Form, status: int = 200, changed: int = 0
    ) -> Response:
        try:
            found = await deps_of(request).read(list_matching, matching)
        except Invalid as error:
            found, form = AffectedKeys([], 0), form.with_problems(error.problems)
        return self._pages.page(
            request,
            "pages/bulk/confirm.html",
            status=status,
            verb=matching.action,
            form=form,
            fitting=found.keys,
            others=[],
            left_out=found.remaining,
            matching=matching,
            changed=changed,
            reason_length=REASON_LENGTH,
            expiry_choices=EXPIRY_CHOICES,
        )


def list_matching(tx: KeyListTransaction, matching: MatchingKeys) -> AffectedKeys:
    """The keys of the question. Raises ``Invalid`` for an invalid filter."""
    return keys.list_affected(tx, _build_filter(tx, matching), _as_listed(matching))


def change(tx: KeyListTransaction, matching: MatchingKeys, form: Form) -> AffectedKeys:
    """Change the keys of the form; ``remaining`` is how many are left for the next step.

    Raises ``Invalid``, or ``Conflict("keys_changed")`` if they aren't those that match now.
    """
    wanted = BulkChange(matching.action)
    if matching.action == "revoke":
        wanted = replace(wanted, reason=form.value("reason"))
    elif matching.action == "expire":
        wanted = replace(wanted, expires_at_ms=read_expiry(form, tx.now_ms))
    confirmed = Confirmed(frozenset(form.value("keys").split()), _as_listed(matching))
    before = list_matching(tx, matching).remaining
    done = keys.change_matching(tx, _build_filter(tx, matching), wanted, confirmed)
    return AffectedKeys(done.keys, before)


def _as_listed(matching: MatchingKeys) -> BulkChange:
    return BulkChange(matching.action, expires_at_ms=UNSET)


def _build_filter(tx: KeyListTransaction, matching: MatchingKeys) -> KeyFilter:
    return replace(build_filter(tx, matching.view), before_id=matching.before_id)


def _empty_form() -> Form:
    return Form({"expires": SUGGESTED_EXPIRY})
