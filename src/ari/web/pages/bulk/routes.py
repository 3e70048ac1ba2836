"""Revoke, delete or change the expiry of many keys: a question that lists them, then one transaction.

Each listed key can be left out.
"""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import MAX_KEYS_AT_ONCE, Selection
from ari.keys.expiry import EXPIRY_CHOICES, SUGGESTED_EXPIRY
from ari.keys.model import ApiKey
from ari.keys.names import REASON_LENGTH
from ari.keys.ports import KeyTransaction
from ari.usage.reports.key_use import KeyUse
from ari.usage.reports.listing import Sort, page_of_keys
from ari.web.forms import Form, form_from
from ari.web.pages.bulk.urls import BULK, NOTHING_LEFT, TOASTS
from ari.web.pages.edit_key.form_values import read_expiry
from ari.web.pages.settings_api.urls import HOME, KeysView, parse_view
from ari.web.pages.settings_api.view import ListingTransaction, build_filter, find_advice
from ari.web.render import Pages

_VERBS = {"revoke", "delete", "expire"}
_PICKS = ("unused", "endless", "shown")
"""The keys of a recommendation, or all that match the table's search and filter."""
_MAX_COUNTED = 1_000
_LEAST_USED_FIRST = Sort("used", descending=False)


class Chosen(NamedTuple):
    """The keys of the question; ``left_out`` is how many exceed the limit."""

    keys: Selection
    left_out: int


class BulkPages:
    """``/settings/keys/many``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(BULK, self.ask, methods=["GET"]),
            Route(BULK, self.act, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def ask(self, request: Request) -> Response:
        """The question that lists the selected keys before anything is done."""
        asked = request.query_params
        verb, pick, ticked = asked.get("do", ""), asked.get("pick"), asked.getlist("key")
        view = parse_view({name: value for name, value in asked.items() if name not in ("sort", "after")})
        if verb not in _VERBS or (pick is not None and pick not in _PICKS) or view is None:
            raise NotFound
        deps, usage = deps_of(request), self._instance.key_use
        try:
            key_ids = ticked if pick is None else await deps.read(pick_keys, usage, pick, view)
        except Invalid:  # the table says what is wrong with the filter
            key_ids = []
        chosen = await deps.read(select, verb, key_ids)
        return self._question(request, verb, Form({"expires": SUGGESTED_EXPIRY}), chosen)

    @policy(AuthMode.SESSION)
    async def act(self, request: Request) -> Response:
        """Run the command on the keys that still fit."""
        fields = form_of(request)
        form, key_ids = form_from(fields, "do", "reason", "expires", "day"), fields.get("key", [])
        verb = form.value("do")
        if verb not in _VERBS:
            raise NotFound
        deps = deps_of(request)
        try:
            done = await deps.do(act_on, verb, key_ids, form)
        except Invalid as error:
            shown = await deps.read(select, verb, key_ids)
            return self._question(request, verb, form.with_problems(error.problems), shown, 422)
        url = self._pages.page_behind(request) or HOME
        return self._pages.go(request, url, TOASTS[verb] if done else NOTHING_LEFT)

    def _question(self, request: Request, verb: str, form: Form, chosen: Chosen, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/bulk/confirm.html",
            status=status,
            verb=verb,
            form=form,
            fitting=chosen.keys.fitting,
            others=chosen.keys.others,
            left_out=chosen.left_out,
            matching=None,
            changed=0,
            reason_length=REASON_LENGTH,
            expiry_choices=EXPIRY_CHOICES,
        )


def select(tx: KeyTransaction, verb: str, key_ids: list[str]) -> Chosen:
    """The keys of a form: those that fit the command, those that do not, and how many are too many."""
    fitting = keys.select_deletable if verb == "delete" else keys.select_revocable
    return Chosen(fitting(tx, key_ids[:MAX_KEYS_AT_ONCE]), max(0, len(key_ids) - MAX_KEYS_AT_ONCE))


def pick_keys(tx: ListingTransaction, usage: KeyUse, pick: str, view: KeysView) -> list[str]:
    """The ids of the keys that the table shows, or that a recommendation is about."""
    if pick == "shown":
        found = page_of_keys(tx.listing, usage, build_filter(tx, view), _LEAST_USED_FIRST, None, _MAX_COUNTED)
        return [row.key.id for row in found.rows]
    return [one.key_id for finding in find_advice(tx, usage) if finding.kind == pick for one in finding.about]


def act_on(tx: KeyTransaction, verb: str, key_ids: list[str], form: Form) -> list[ApiKey]:
    """Run the form's command on the keys that still fit; returns those that it changed."""
    if verb == "revoke":
        return keys.revoke_many(tx, key_ids, form.value("reason"))
    if verb == "delete":
        return keys.delete_many(tx, key_ids)
    return keys.change_expiry_of_many(tx, key_ids, read_expiry(form, tx.now_ms))
