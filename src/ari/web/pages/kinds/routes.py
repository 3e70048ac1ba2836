"""Settings > API > Kinds: list, add, change and remove kinds of keys, and the rules with which scanners find them."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Conflict, Invalid, NotFound
from ari.base.problems import Problems
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys.expiry import list_choices
from ari.keys.kinds import KIND_DESCRIPTION_LENGTH, LEAK_ACTIONS, Kind
from ari.keys.limits.budget_fields import describe_named_budget
from ari.keys.ports import KeyTransaction
from ari.keys.scanner_rules import FILE_NAMES, SCANNERS, write_rules
from ari.web.access_choices import AccessChoices, read_access_choices
from ari.web.forms import Form, form_from
from ari.web.pages.key_limits.budget_form import place_budget_problems
from ari.web.pages.kinds.kind_form import FIELDS, NO_SCOPES, read_kind, write_kind
from ari.web.pages.kinds.urls import KIND_ADDED, KIND_CHANGED, KIND_REMOVED, KINDS, NEW_KIND, SCANNER_RULES
from ari.web.render import Pages

SCANNER_NAMES = {"gitleaks": "gitleaks", "trufflehog": "TruffleHog", "github": "GitHub secret scanning"}


class KindPages:
    """``/settings/kinds`` and its forms, and ``/settings/scanner-rules``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        one = f"{KINDS}/{{kind}}"
        return [
            Route(KINDS, self.show, methods=["GET"]),
            Route(NEW_KIND, self.add_form, methods=["GET"]),
            Route(NEW_KIND, self.add, methods=["POST"]),
            Route(f"{one}/edit", self.edit_form, methods=["GET"]),
            Route(f"{one}/edit", self.edit, methods=["POST"]),
            Route(f"{one}/remove", self.remove_form, methods=["GET"]),
            Route(f"{one}/remove", self.remove, methods=["POST"]),
            Route(SCANNER_RULES, self.rules, methods=["GET"]),
            Route(f"{SCANNER_RULES}/{{scanner}}", self.download, methods=["GET"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """Every kind, with its prefix, defaults and number of keys."""
        found = await deps_of(request).read(_read_all)
        leak_action = self._instance.settings.leak_action
        return self._pages.page(
            request,
            "pages/kinds/page.html",
            found=found,
            leak_action=leak_action,
            describe_budget=describe_named_budget,
        )

    @policy(AuthMode.SESSION)
    async def add_form(self, request: Request) -> Response:
        """The form for a new kind."""
        return await self._form(request, Form({"access": NO_SCOPES}), None, [])

    @policy(AuthMode.SESSION)
    async def add(self, request: Request) -> Response:
        """Add the kind, or show the form with its problems."""
        form, ticked = form_from(form_of(request), *FIELDS), form_of(request).get("scope", [])
        problems, name, prefix = Problems(), form.value("name"), form.value("prefix")
        wanted = read_kind(form, ticked, problems)
        try:
            await deps_of(request).do(keys.add_kind, name, prefix, wanted, problems.found)
        except Invalid as error:
            return await self._form(
                request, form.with_problems(place_budget_problems(error.problems)), None, ticked, 422
            )
        except Conflict as error:
            return await self._form(request, form.with_problem("name", str(error)), None, ticked, 409)
        return self._pages.go(request, KINDS, KIND_ADDED)

    @policy(AuthMode.SESSION)
    async def edit_form(self, request: Request) -> Response:
        """The form with the kind's values."""
        kind = await self._read(request)
        return await self._form(request, write_kind(kind), kind, list(kind.defaults.scopes or ()))

    @policy(AuthMode.SESSION)
    async def edit(self, request: Request) -> Response:
        """Change the kind, or show the form with its problems."""
        form, ticked = form_from(form_of(request), *FIELDS), form_of(request).get("scope", [])
        kind, problems = await self._read(request), Problems()
        wanted = read_kind(form, ticked, problems)
        try:
            await deps_of(request).do(keys.change_kind, kind.name, wanted, problems.found)
        except Invalid as error:
            return await self._form(
                request, form.with_problems(place_budget_problems(error.problems)), kind, ticked, 422
            )
        return self._pages.go(request, KINDS, KIND_CHANGED)

    @policy(AuthMode.SESSION)
    async def remove_form(self, request: Request) -> Response:
        """The question before removing, or why the kind can't be removed."""
        kind = await self._read(request)
        return self._removal(request, kind, await deps_of(request).read(keys.explain_use, kind.name))

    @policy(AuthMode.SESSION)
    async def remove(self, request: Request) -> Response:
        """Remove the kind, unless keys have it."""
        kind = await self._read(request)
        try:
            await deps_of(request).do(keys.remove_kind, kind.name)
        except Conflict as error:
            return self._removal(request, kind, str(error), 409)
        return self._pages.go(request, KINDS, KIND_REMOVED)

    @policy(AuthMode.SESSION)
    async def rules(self, request: Request) -> Response:
        """The rules for each scanner."""
        prefixes = await deps_of(request).read(_read_prefixes)
        rules = {scanner: write_rules(scanner, prefixes) for scanner in SCANNERS}
        names = {scanner: (SCANNER_NAMES[scanner], FILE_NAMES[scanner]) for scanner in SCANNERS}
        return self._pages.page(request, "pages/kinds/rules.html", rules=rules, names=names)

    @policy(AuthMode.SESSION)
    async def download(self, request: Request) -> Response:
        """The rules for one scanner as a file. Raises ``NotFound``."""
        scanner = request.path_params["scanner"]
        if scanner not in SCANNERS:
            raise NotFound
        rules = write_rules(scanner, await deps_of(request).read(_read_prefixes))
        headers = {"content-disposition": f'attachment; filename="{FILE_NAMES[scanner]}"'}
        return Response(rules, media_type="text/plain", headers=headers)

    async def _read(self, request: Request) -> Kind:
        """Raises ``NotFound``."""
        return await deps_of(request).read(keys.get_kind, request.path_params["kind"])

    def _removal(self, request: Request, kind: Kind, refusal: str, status: int = 200) -> Response:
        return self._pages.page(request, "pages/kinds/remove.html", status=status, kind=kind, refusal=refusal)

    async def _form(
        self, request: Request, form: Form, kind: Kind | None, ticked: list[str], status: int = 200
    ) -> Response:
        choices: AccessChoices = await deps_of(request).read(read_access_choices)
        return self._pages.page(
            request,
            "pages/kinds/form.html",
            status=status,
            form=form,
            kind=kind,
            ticked=ticked,
            choices=replace(choices, built_in={"*": "Everything, including scopes added later."} | choices.built_in),
            no_scopes=NO_SCOPES,
            expiry_choices=list_choices(None if kind is None else kind.defaults.expires),
            leak_actions=LEAK_ACTIONS,
            leak_action=self._instance.settings.leak_action,
            description_length=KIND_DESCRIPTION_LENGTH,
        )


def _read_all(tx: KeyTransaction) -> list[tuple[Kind, int]]:
    counts = tx.kinds.count_by_kind()
    return [(kind, counts.get(kind.name, 0)) for kind in tx.kinds.all()]


def _read_prefixes(tx: KeyTransaction) -> list[str]:
    return [kind.prefix for kind in tx.kinds.all()]
