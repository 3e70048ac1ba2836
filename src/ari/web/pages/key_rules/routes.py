"""Settings > API > Rules for all keys: change them, and see first which keys a change concerns."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Invalid, Problem
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import InstancePolicyChange
from ari.keys.instance_policy import InstancePolicy
from ari.usage.reports.policy_preview import MAX_LISTED, MAX_READ, PolicyPreview, preview_policy
from ari.web.forms import Form, form_from, read_whole_number
from ari.web.pages.key_rules.urls import PREVIEW, RULES, RULES_CHANGED
from ari.web.render import Pages

FIELDS = ("max_lifetime_days", "disable_unused_days")


class KeyRulesPages:
    """``/settings/rules``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(RULES, self.show, methods=["GET"]),
            Route(RULES, self.save, methods=["POST"]),
            Route(PREVIEW, self.preview, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The form with the present rules."""
        return await self._form(request, _write_rules(await deps_of(request).read(keys.get_instance_policy)))

    @policy(AuthMode.SESSION)
    async def preview(self, request: Request) -> Response:
        """The form with what the change would mean; for htmx, only the latter."""
        form = form_from(form_of(request), *FIELDS)
        try:
            found = await self._look(request, form)
        except Invalid as error:
            if "hx-request" in request.headers:
                return self._part(request, None)
            return await self._form(request, form.with_problems(error.problems), 422)
        return self._part(request, found) if "hx-request" in request.headers else await self._form(request, form)

    @policy(AuthMode.SESSION)
    async def save(self, request: Request) -> Response:
        """Change the rules, or show the form with its problems."""
        form = form_from(form_of(request), *FIELDS)
        try:
            await deps_of(request).do(keys.change_instance_policy, read_rules(form))
        except Invalid as error:
            return await self._form(request, form.with_problems(error.problems), 422)
        return self._pages.go(request, RULES, RULES_CHANGED)

    async def _look(self, request: Request, form: Form) -> PolicyPreview:
        return await deps_of(request).read(preview_policy, self._instance.key_use, read_rules(form))

    def _part(self, request: Request, preview: PolicyPreview | None) -> Response:
        template = "pages/key_rules/_preview.html"
        return self._pages.page(request, template, preview=preview, max_listed=MAX_LISTED, max_read=MAX_READ)

    async def _form(self, request: Request, form: Form, status: int = 200) -> Response:
        current = await deps_of(request).read(keys.get_instance_policy)
        return self._pages.page(
            request,
            "pages/key_rules/page.html",
            status=status,
            form=form,
            current=current,
            preview=None if form.problems else await self._look(request, form),
            max_listed=MAX_LISTED,
            max_read=MAX_READ,
        )


def read_rules(form: Form) -> InstancePolicyChange:
    """Both rules; an empty field is no rule. Raises ``Invalid`` with the problems of both fields."""
    problems, days = list[Problem](), dict[str, int | None]()
    for name in FIELDS:
        try:
            days[name] = read_whole_number(form.value(name), name) if form.value(name).strip() else None
        except Invalid as error:
            problems += error.problems
    if problems:
        raise Invalid(*problems)
    return InstancePolicyChange(days["max_lifetime_days"], days["disable_unused_days"])


def _write_rules(policy: InstancePolicy) -> Form:
    given = {"max_lifetime_days": policy.max_lifetime_days, "disable_unused_days": policy.disable_unused_days}
    return Form({name: "" if days is None else str(days) for name, days in given.items()})
