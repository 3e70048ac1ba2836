"""Revoking, deleting or giving an end to many keys: a question that lists them, then one transaction."""

from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari.base.caller import Caller
from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import context_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import bulk
from ari.keys.bulk import MOST_AT_ONCE, Selection
from ari.keys.expiry import EXPIRY_CHOICES, SUGGESTED_EXPIRY
from ari.keys.listing import KeyFilter
from ari.keys.model import ApiKey
from ari.keys.names import REASON_LENGTH
from ari.storage.transaction import Transaction
from ari.usage import advice as usage_advice
from ari.usage.reports.listing import Sort, page_of_keys
from ari.web.forms import Form, form_from
from ari.web.pages.edit_key.asked import asked_expiry
from ari.web.pages.many_keys.urls import MANY_DELETED, MANY_EXPIRE, MANY_KEYS, MANY_REVOKED, NOTHING_LEFT
from ari.web.pages.settings_api.urls import HOME, KeysView, view_of
from ari.web.render import Pages

_DONE = {"revoke": MANY_REVOKED, "delete": MANY_DELETED, "expire": MANY_EXPIRE}
_PICKS = ("unused", "endless", "shown")
"""The keys of an advice, or all that the table shows with this search and filter."""
_MOST_COUNTED = 1_000
_LEAST_USED_FIRST = Sort("used", descending=False)


class Chosen(NamedTuple):
    """The keys asked about; ``left_out`` were too many for one go."""

    keys: Selection
    left_out: int


class ManyKeysPages:
    """``/settings/keys/many``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route(MANY_KEYS, self.ask, methods=["GET"]),
            Route(MANY_KEYS, self.act, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def ask(self, request: Request) -> Response:
        """Lists the keys that were ticked, or picked by what is said of them, before anything is done."""
        asked = request.query_params
        verb, pick, ticked = asked.get("do", ""), asked.get("pick"), asked.getlist("key")
        view = view_of(asked.get("q", ""), asked.get("show", ""), "", "")
        if verb not in _DONE or (pick is not None and pick not in _PICKS) or view is None:
            raise NotFound("Page not found.")
        chosen = await self._instance.aread(
            lambda unit: self._chosen(unit, verb, ticked if pick is None else self._picked(unit, pick, view))
        )
        return self._question(request, verb, Form({"expires": SUGGESTED_EXPIRY}), chosen)

    @policy(AuthMode.SESSION)
    async def act(self, request: Request) -> Response:
        """Does it, to those that still fit."""
        form = form_from(form_of(request), "do", "keys", "reason", "expires", "day")
        verb, key_ids = form.value("do"), form.value("keys").split()
        if verb not in _DONE:
            raise NotFound("Page not found.")
        caller = context_of(request).caller
        assert caller is not None  # the guard lets nobody else in
        try:
            done = await self._instance.acommand(caller, lambda unit, by: self._do(unit, by, verb, key_ids, form))
        except Invalid as error:
            shown = await self._instance.aread(lambda unit: self._chosen(unit, verb, key_ids))
            return self._question(request, verb, form.with_problems(error.problems), shown, 422)
        url = self._pages.page_behind(request) or HOME
        return self._pages.go(request, url, _DONE[verb] if done else NOTHING_LEFT)

    def _do(self, unit: Transaction, caller: Caller, verb: str, key_ids: list[str], form: Form) -> list[ApiKey]:
        now_ms = self._instance.now_ms()
        if verb == "revoke":
            return bulk.revoke(unit, caller, now_ms, key_ids, form.value("reason"))
        if verb == "delete":
            return bulk.delete(unit, caller, now_ms, key_ids)
        return bulk.expire(unit, caller, now_ms, key_ids, asked_expiry(form, now_ms))

    def _chosen(self, unit: Transaction, verb: str, key_ids: list[str]) -> Chosen:
        fitting = bulk.deletable if verb == "delete" else bulk.revocable
        found = fitting(unit, self._instance.now_ms(), key_ids[:MOST_AT_ONCE])
        return Chosen(found, max(0, len(key_ids) - MOST_AT_ONCE))

    def _picked(self, unit: Transaction, pick: str, view: KeysView) -> list[str]:
        now_ms, usage = self._instance.now_ms(), self._instance.database.usage
        if pick == "shown":
            where = KeyFilter(now_ms, view.text, view.show)
            found = page_of_keys(unit.listing, usage, where, _LEAST_USED_FIRST, None, _MOST_COUNTED)
            return [row.key.id for row in found.rows]
        advice = usage_advice.recommendations(unit.listing, unit.dismissals, usage, now_ms)
        return [one.key_id for finding in advice if finding.kind == pick for one in finding.about]

    def _question(self, request: Request, verb: str, form: Form, chosen: Chosen, status: int = 200) -> Response:
        return self._pages.page(
            request,
            "pages/many_keys/confirm.html",
            status=status,
            verb=verb,
            form=form,
            fitting=chosen.keys.fitting,
            others=chosen.keys.others,
            left_out=chosen.left_out,
            reason_length=REASON_LENGTH,
            expiry_choices=EXPIRY_CHOICES,
        )
