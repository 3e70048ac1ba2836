"""``/api/kinds``: list, add, change and remove kinds of keys."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ari import keys
from ari.api.budget_shapes import budgets_of
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.kind_shapes import KindChangeIn, KindName, KindOut, KindsOut, NewKindIn, ScannerName, ScannerRulesOut
from ari.api.limit_shapes import credits_of
from ari.api.model_shapes import models_of
from ari.api.responses import respond
from ari.api.shapes import find_nulls
from ari.base.errors import NotFound, Problem
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, KindChange
from ari.keys.kinds import kind_facts
from ari.keys.ports import KeyTransaction
from ari.keys.scanner_rules import FILE_NAMES, SCANNERS, write_rules

router = APIRouter(prefix="/api/kinds", tags=["API keys"])


@router.get("", response_model=KindsOut, summary="List kinds of keys", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def list_kinds(deps: CallerDeps) -> Response:
    """The kinds of keys, with their prefixes, defaults and numbers of keys."""
    return respond({"items": await deps.read(keys.read_kinds_facts), "next_cursor": None})


@router.post(
    "",
    status_code=201,
    response_model=KindOut,
    summary="Add a kind of keys",
    responses=document_errors("kind_exists", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="kinds:write", sensitive=True)
async def add_kind(body: NewKindIn, deps: CallerDeps) -> Response:
    """Its default scopes must be the caller's own."""
    kind = await deps.do(keys.add_kind, body.name, body.prefix, _change_of(body), _find_nulls(body))
    return respond(kind_facts(kind, 0), 201)


@router.get(
    "/scanner-rules/{scanner}",
    response_model=ScannerRulesOut,
    summary="Get rules for a secret scanner",
    responses=document_errors("not_found"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_scanner_rules(scanner: ScannerName, deps: CallerDeps) -> Response:
    """A file with which gitleaks, TruffleHog or GitHub secret scanning finds keys of every kind. It matches the shape
    of keys, but can't check the checksum."""
    if scanner not in SCANNERS:
        raise NotFound
    prefixes = [kind.prefix for kind in await deps.read(keys.list_kinds)]
    rules = write_rules(scanner, prefixes)
    return respond({"scanner": scanner, "file_name": FILE_NAMES[scanner], "rules": rules})


@router.get(
    "/{name}", response_model=KindOut, summary="Get a kind of keys", responses=document_errors("not_found", "invalid")
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_kind(name: KindName, deps: CallerDeps) -> Response:
    """Its prefix, defaults and number of keys."""
    return respond(await deps.read(keys.read_kind_facts, name))


@router.patch(
    "/{name}",
    response_model=KindOut,
    summary="Change a kind of keys",
    responses=document_errors("not_found", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="kinds:write", sensitive=True)
async def change_kind(name: KindName, body: KindChangeIn, deps: CallerDeps) -> Response:
    """The prefix stays: keys have it. Existing keys keep their scopes, expiry, limits and credits. A key with limits
    can't loosen limits of a kind."""
    return respond(await deps.do(_change, name, _change_of(body), _find_nulls(body)))


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    summary="Remove a kind of keys",
    responses=document_errors("not_found", "kind_in_use", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="kinds:write")
async def remove_kind(name: KindName, deps: CallerDeps) -> Response:
    """Only a kind without keys can be removed."""
    await deps.do(keys.remove_kind, name)
    return Response(status_code=204)


def _change(tx: KeyTransaction, name: str, wanted: KindChange, found: list[Problem]) -> dict[str, Any]:
    keys.change_kind(tx, name, wanted, found)
    return keys.read_kind_facts(tx, name)


def _find_nulls(body: KindChangeIn) -> list[Problem]:
    return find_nulls(body, KindChangeIn.model_fields.keys() - {"description"})


def _change_of(body: KindChangeIn) -> KindChange:
    given: dict[str, Any] = {field: getattr(body, field) for field in body.model_fields_set - {"name", "prefix"}}
    if given.get("description", UNSET) is None:
        del given["description"]
    if given.get("scopes") is not None:
        given["scopes"] = tuple(given["scopes"])
    if given.get("limits") is not None:
        given["limits"] = [limit.model_dump() for limit in given["limits"]]
    if given.get("budgets") is not None:
        given["budgets"] = budgets_of(given["budgets"])
    given["models"] = models_of(body.models, body.model_fields_set)
    given["credits"] = credits_of(body.credits, body.model_fields_set)
    return KindChange(**given)
