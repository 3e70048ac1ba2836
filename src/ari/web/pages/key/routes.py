"""A key's page, and its forms: rename, disable, enable, revoke, delete."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.deadline import run_in_thread
from ari.base.errors import Invalid, NotFound
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import KeyChange
from ari.keys.names import NAME_LENGTH, REASON_LENGTH
from ari.usage.model import NO_USE
from ari.usage.reports.queries import complete_until, secret_use
from ari.web.forms import Form, form_from
from ari.web.navigation import Toast
from ari.web.pages.key import urls
from ari.web.pages.key.urls import DELETED, DISABLED, ENABLED, KEY, RENAMED, REVOKED
from ari.web.pages.key.usage import SEEN_LISTED, STATUS_ROWS, usage_of
from ari.web.pages.key.view import KeyFacts, read_deleted, read_facts
from ari.web.pages.settings_api.urls import HOME
from ari.web.pages.usage_log.routes import UsageLogPages
from ari.web.render import Pages


class KeyPages:
    """``/settings/keys/{id}`` and its forms."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        found: list[BaseRoute] = [Route(KEY, self.show, methods=["GET"])]
        for verb, form, act in (
            ("rename", self.rename_form, self.rename),
            ("revoke", self.revoke_form, self.revoke),
            ("delete", self.delete_form, self.delete),
            ("disable", self.disable_form, self.disable),
        ):
            found.append(Route(f"{KEY}/{verb}", form, methods=["GET"]))
            found.append(Route(f"{KEY}/{verb}", act, methods=["POST"]))
        found.append(Route(f"{KEY}/enable", self.enable, methods=["POST"]))
        return found + UsageLogPages(self._pages, KEY).routes()

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The page; for htmx, one of the two parts that refresh."""
        try:
            facts = await self._facts(request)
        except NotFound:
            return await self._show_deleted(request)
        key_id = facts.key.id
        totals = (await run_in_thread(self._instance.usage_records.totals, [key_id])).get(key_id, NO_USE)
        remaining = await run_in_thread(self._instance.usage_records.read_remaining, facts.key.rule_owners)
        budgets = await run_in_thread(self._instance.usage_records.read_budgets, facts.key.spending_owners)
        context: dict[str, Any] = {"facts": facts, "key": facts.key, "totals": totals, "remaining": remaining}
        context["budgets"] = budgets
        old = facts.find_old_secret(self._instance.now_ms())
        old_use = None if old is None else await deps_of(request).report(secret_use, key_id, old.number)
        context |= {"old_secret": old, "old_use": old_use}
        if "hx-request" in request.headers:
            part = "_side.html" if request.query_params.get("part") == "side" else "_live.html"
            return self._pages.page(request, f"pages/key/{part}", **context)
        until_ms = await deps_of(request).report(complete_until)
        usage = await usage_of(self._instance, request, key_id, totals)
        return self._pages.page(
            request,
            "pages/key/page.html",
            **context,
            complete_until_ms=until_ms,
            use=usage,
            query=usage.query,
            log=usage.log,
            listed=SEEN_LISTED,
            status_rows=STATUS_ROWS,
            retention_days=self._instance.settings.usage_retention_days,
        )

    async def _show_deleted(self, request: Request) -> Response:
        deleted = await deps_of(request).read(read_deleted, _key_id(request))
        key_id = deleted.key.id
        totals = (await run_in_thread(self._instance.usage_records.totals, [key_id])).get(key_id, NO_USE)
        usage = await usage_of(self._instance, request, key_id, totals)
        return self._pages.page(
            request,
            "pages/key/deleted.html",
            deleted=deleted,
            key=deleted.key,
            totals=totals,
            complete_until_ms=await deps_of(request).report(complete_until),
            use=usage,
            query=usage.query,
            log=usage.log,
            retention_days=self._instance.settings.usage_retention_days,
        )

    @policy(AuthMode.SESSION)
    async def rename_form(self, request: Request) -> Response:
        """The form for a new name."""
        key = (await self._facts(request)).key
        return self._form(request, "rename", Form({"name": key.name}), key=key)

    @policy(AuthMode.SESSION)
    async def rename(self, request: Request) -> Response:
        """Rename the key, or show the form with its problems."""
        form = form_from(form_of(request), "name")
        try:
            await self._change(request, KeyChange(name=form.value("name")))
        except Invalid as error:
            key = (await self._facts(request)).key
            return self._form(request, "rename", form.with_problems(error.problems), 422, key=key)
        return self._back(request, RENAMED)

    @policy(AuthMode.SESSION)
    async def disable_form(self, request: Request) -> Response:
        """The question before disabling, which breaks what uses the key."""
        key = (await self._facts(request)).key
        if key.disabled or key.is_inactive(self._instance.now_ms()):
            return self._pages.go(request, urls.page(key.id))
        return self._form(request, "disable", Form(), key=key)

    @policy(AuthMode.SESSION)
    async def disable(self, request: Request) -> Response:
        """Disable the key."""
        await self._change(request, KeyChange(disabled=True))
        return self._pages.go(request, self._pages.page_behind(request) or urls.page(_key_id(request)), DISABLED)

    @policy(AuthMode.SESSION)
    async def enable(self, request: Request) -> Response:
        """Enable the key."""
        await self._change(request, KeyChange(disabled=False))
        return self._back(request, ENABLED)

    @policy(AuthMode.SESSION)
    async def revoke_form(self, request: Request) -> Response:
        """The question before revoking; an inactive key can only be deleted."""
        facts = await self._facts(request)
        if facts.key.is_inactive(self._instance.now_ms()):
            return self._pages.go(request, f"{urls.page(facts.key.id)}/delete")
        return self._form(request, "revoke", Form(), key=facts.key, made=facts.made)

    @policy(AuthMode.SESSION)
    async def revoke(self, request: Request) -> Response:
        """Revoke the key permanently."""
        form = form_from(form_of(request), "reason", "with_made")
        try:
            with_made = form.value("with_made") == "yes"
            await deps_of(request).do(keys.revoke, _key_id(request), form.value("reason"), with_made)
        except Invalid as error:
            facts = await self._facts(request)
            shown = form.with_problems(error.problems)
            return self._form(request, "revoke", shown, 422, key=facts.key, made=facts.made)
        url = self._pages.page_behind(request) or HOME
        return self._pages.go(request, url, REVOKED)

    @policy(AuthMode.SESSION)
    async def delete_form(self, request: Request) -> Response:
        """The question before deleting; an active key must be revoked first."""
        key = (await self._facts(request)).key
        if not key.is_inactive(self._instance.now_ms()):
            return self._pages.go(request, f"{urls.page(key.id)}/revoke")
        return self._form(request, "delete", Form(), key=key)

    @policy(AuthMode.SESSION)
    async def delete(self, request: Request) -> Response:
        """Delete the key."""
        await deps_of(request).do(keys.delete, _key_id(request))
        url = self._pages.page_behind(request) or HOME
        return self._pages.go(request, url if url.startswith("/settings?") else HOME, DELETED)

    async def _facts(self, request: Request) -> KeyFacts:
        return await deps_of(request).read(read_facts, _key_id(request))

    async def _change(self, request: Request, change: KeyChange) -> None:
        await deps_of(request).do(keys.change, _key_id(request), change)

    def _back(self, request: Request, toast: Toast) -> Response:
        return self._pages.go(request, urls.page(_key_id(request)), toast)

    def _form(self, request: Request, verb: str, form: Form, status: int = 200, **context: Any) -> Response:
        return self._pages.page(
            request,
            f"pages/key/{verb}.html",
            status=status,
            form=form,
            name_length=NAME_LENGTH,
            reason_length=REASON_LENGTH,
            **context,
        )


def _key_id(request: Request) -> str:
    key_id: str = request.path_params["key_id"]
    return key_id
