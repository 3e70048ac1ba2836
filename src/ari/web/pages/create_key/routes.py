"""Create API Key: the form, and the response that shows the secret once (security.md 31)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ari import keys
from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.http.body import form_of
from ari.http.context import deps_of
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, Created, NewKey
from ari.keys.model import ApiKey
from ari.keys.names import NAME_LENGTH, is_vague
from ari.keys.presets import AI_GATEWAY, PRESETS
from ari.web.access_choices import AccessChoices, read_access_choices
from ari.web.forms import STALE, Form, KeyFormTransaction, find_use, form_from, new_form_id, use_once
from ari.web.pages.create_key import ai, kinds
from ari.web.pages.create_key.urls import KIND_DEFAULTS, NAME_ADVICE, NEW_KEY
from ari.web.pages.key_limits.budget_form import place_budget_problems, write_budgets
from ari.web.pages.key_limits.limit_form import LIMIT_FIELDS, place_limit_problems, write_limits
from ari.web.pages.key_options.option_fields import FIELDS, is_plain, read_all, write_options
from ari.web.pages.key_options.routes import offer_consumers
from ari.web.render import Pages

_EVENTS_LOOKED_AT = 200
_SAME = "same"
_OF_KIND = ("limits", "credits", "budgets", "models")
"""The options that a kind has defaults for."""
_FIELDS = (
    "name",
    "kind",
    "expires",
    "access",
    "form",
    "like",
    "day",
    "may_rotate",
    kinds.FILLED,
    *FIELDS,
    *LIMIT_FIELDS,
    "budgets",
)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The form was used before; ``key`` is the key that it created, if that is known."""

    key: ApiKey | None


@dataclass(frozen=True, slots=True)
class Stale:
    """The form is so old that ARI no longer knows whether it was used."""


@dataclass(frozen=True, slots=True)
class Ticked:
    """The checkboxes of the form: AI providers, and scopes one by one."""

    providers: list[str]
    scopes: list[str]


class CreateKeyPages:
    """``/settings/keys/new``."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._instance = pages.instance

    def routes(self) -> list[BaseRoute]:
        """The routes."""
        return [
            Route(NEW_KEY, self.show, methods=["GET"]),
            Route(NEW_KEY, self.create, methods=["POST"]),
            Route(NAME_ADVICE, self.advise, methods=["POST"]),
            Route(KIND_DEFAULTS, self.use_defaults, methods=["POST"]),
        ]

    @policy(AuthMode.SESSION)
    async def show(self, request: Request) -> Response:
        """The empty form; ``like`` names a key to copy, ``kind`` a kind, ``ai`` a provider of the gateway to use."""
        asked = request.query_params
        like = await self._like(request, asked.get("like"))
        name = asked.get("kind", "") if like is None else like.kind or ""
        offered = await deps_of(request).read(kinds.read_kind_choices, name)
        if like is not None:
            rules = like.policy.limits
            copied = write_options(like) | write_limits(rules, with_balance=True) | write_budgets(rules)
            rotates = {"may_rotate": "yes"} if like.policy.may_rotate else {}
            own = {
                "name": like.name,
                "kind": name,
                kinds.FILLED: name,
                "expires": offered.suggested_expiry,
                "access": _SAME,
            }
            return await self._form(request, Form(own | copied | rotates), like)
        wanted = asked.get(ai.FIELD)
        choices = await deps_of(request).read(read_access_choices)
        form = offered.apply_to(Form({"kind": name}), AI_GATEWAY if wanted else choices.suggested)
        return await self._form(request, form, None, ticked=Ticked([wanted], []) if wanted else None)

    @policy(AuthMode.SESSION)
    async def advise(self, request: Request) -> Response:
        """A hint while a name that isn't descriptive is being typed."""
        name = form_from(form_of(request), "name").value("name")
        return self._pages.page(request, "pages/create_key/_advice.html", vague=is_vague(name))

    @policy(AuthMode.SESSION)
    async def use_defaults(self, request: Request) -> Response:
        """The form as it was filled in, with the defaults of the chosen kind."""
        form, like = (
            form_from(form_of(request), *_FIELDS),
            await self._like(request, form_of(request).get("like", [""])[0]),
        )
        offered = await deps_of(request).read(kinds.read_kind_choices, form.value("kind"))
        choices = await deps_of(request).read(read_access_choices)
        shown = offered.apply_to(form, choices.suggested)
        return await self._form(request, shown, like, _read_ticked(request), is_kind_chosen=True)

    @policy(AuthMode.SESSION)
    async def create(self, request: Request) -> Response:
        """Create the key and show its secret, only in this response."""
        form = form_from(form_of(request), *_FIELDS)
        like = await self._like(request, form.value("like"))
        ticked = _read_ticked(request)
        try:
            made = await deps_of(request).do(create_once, form, ticked)
        except Invalid as error:
            problems = _place_problems(form, error.problems)
            return await self._form(request, form.with_problems(problems), like, ticked, status=422)
        if isinstance(made, Stale):
            return await self._form(request, form.with_problem("form", STALE), like, ticked, status=422)
        if isinstance(made, Repeated):
            return self._pages.page(request, "pages/create_key/repeated.html", status=409, key=made.key)
        return self._pages.page(
            request,
            "pages/create_key/reveal.html",
            status=201,
            created=made,
            secret=made.secret,
            replaced=like,
            vague=is_vague(made.key.name),
            try_path="/api/me",
        )

    async def _like(self, request: Request, key_id: str | None) -> ApiKey | None:
        """The key to replace, revoked and expired ones too. Raises ``NotFound``."""
        return await deps_of(request).read(keys.get, key_id) if key_id else None

    async def _form(
        self,
        request: Request,
        form: Form,
        like: ApiKey | None,
        ticked: Ticked | None = None,
        *,
        status: int = 200,
        is_kind_chosen: bool = False,
    ) -> Response:
        environment = self._instance.provider_environment
        choices = await deps_of(request).read(read_access_choices)
        return self._pages.page(
            request,
            "pages/create_key/form.html",
            status=status,
            form=form,
            like=like,
            form_id=new_form_id(self._instance.now_ms()),
            kinds=await deps_of(request).read(kinds.read_kind_choices, form.value("kind")),
            is_kind_chosen=is_kind_chosen,
            choices=choices,
            asks_providers=AI_GATEWAY if asks_providers(choices) else None,
            ticked=ticked.scopes if ticked else (),
            ai_choices=await deps_of(request).read(ai.ai_choices, environment, ticked.providers if ticked else None),
            name_length=NAME_LENGTH,
            consumers=await deps_of(request).read(offer_consumers),
            plain=is_plain(form),
        )


def _read_ticked(request: Request) -> Ticked:
    return Ticked(form_of(request).get(ai.FIELD, []), form_of(request).get("scope", []))


def _place_problems(form: Form, problems: Sequence[Problem]) -> list[Problem]:
    """The problems at the form's fields; one of the expiry is at the choices, unless a date was given."""
    placed = place_budget_problems(place_limit_problems(problems))
    if form.value("day"):
        return placed
    return [Problem("expires", one.message) if one.location == "expires_at" else one for one in placed]


def asks_providers(choices: AccessChoices) -> bool:
    """Whether the providers of the AI gateway are chosen one by one: not if the owner changed that preset."""
    return choices.presets[AI_GATEWAY] is PRESETS[AI_GATEWAY]


def create_once(tx: KeyFormTransaction, form: Form, ticked: Ticked) -> Created | Repeated | Stale:
    """Create the key, unless this form was used before. Raises ``Invalid``, ``Forbidden``."""
    form_id = form.value("form")
    use = use_once(tx, form_id)
    if use == "stale":
        return Stale()
    if use == "again":
        return Repeated(find_created(tx, form_id))
    access, choices = form.value("access"), read_access_choices(tx)
    if access == _SAME:
        scopes = keys.get(tx, form.value("like")).scopes
    elif access == kinds.ACCESS:
        chosen = kinds.read_kind_choices(tx, form.value("kind")).chosen
        scopes = (None if chosen is None else chosen.defaults.scopes) or ()
    elif access == AI_GATEWAY and asks_providers(choices):
        scopes = ai.ai_scopes(ticked.providers)
    else:
        scopes = choices.scopes_of(access, ticked.scopes)
    rest: dict[str, Any] = {"kind": form.value("kind") or None, "may_rotate": form.value("may_rotate") == "yes"}
    problems = Problems()
    new = NewKey(form.value("name"), scopes=scopes, **rest, **_read_fields(tx, form, problems))
    return keys.create(tx, new, problems.found)


def _read_fields(tx: KeyFormTransaction, form: Form, problems: Problems) -> dict[str, Any]:
    """The options of the new key; those with a problem are left out."""
    read = read_all(form, tx.now_ms, problems)
    if form.value("kind") != form.value(kinds.FILLED):  # its defaults were never shown, so empty means nothing
        read |= {name: UNSET for name in _OF_KIND if not read.get(name)}
    return read


def find_created(tx: KeyFormTransaction, form_id: str) -> ApiKey | None:
    """The key that the form created, if it's among the latest events, not deleted and certain.

    The event has the time at which the form was used: both were written in one transaction. Another form may have been
    used in the same millisecond; then it's uncertain which key is whose, and the owner might revoke the wrong one.
    """
    used_at_ms = find_use(tx, form_id)
    created = [
        event.subject
        for event in tx.events.page(None, None, _EVENTS_LOOKED_AT)
        if event.name == "key_created" and event.at_ms == used_at_ms and event.actor == tx.caller.actor
    ]
    return tx.keys.tombstone(created[0]) if len(created) == 1 and created[0] else None
