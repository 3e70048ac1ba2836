"""``/api/apply`` and ``/api/scopes/import``: declare many things at once, in one transaction."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.responses import Response

from ari.api.apply_shapes import AppliedOut, ApplyIn, ImportedScopesOut, ImportScopesIn
from ari.api.deps import CallerDeps, require_scope
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.api.validation import parse_body
from ari.base.errors import Invalid, Problem
from ari.deps import Deps
from ari.http.context import RequestContext
from ari.http.responses import Response as FastResponse
from ari.http.responses import json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.integrations.apply import apply_all
from ari.keys.commands.apply import change_facts
from ari.keys.configuration import Configuration, parse_configuration
from ari.keys.openapi_scopes import find_scopes, keep_new

router = APIRouter(prefix="/api", tags=["Scopes"])

MAX_DOCUMENT_BYTES = 8 * 1024 * 1024
MAX_DOCUMENT_DEPTH = 64
"""Schemas of real documents nest deeply."""
_IMPORT = TypeAdapter(ImportScopesIn)
_SECTIONS = {"scopes", "presets", "default_preset", "kinds", "instance_policy"} | {
    "model_aliases",
    "model_prices",
    "model_discounts",
    "upstreams",
    "instance_budgets",
    "provider_budgets",
    "consumer_models",
    "key_models",
}
_SCOPE_SECTIONS = {"scopes", "presets", "default_preset"}
_SAFE_PART = re.compile(r"[a-z][a-z_:-]{0,63}|[0-9]{1,5}")


@router.post(
    "/apply",
    response_model=AppliedOut,
    summary="Apply a configuration",
    responses=document_errors("scope_in_use", "kind_in_use", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope=None)
async def apply_configuration(body: ApplyIn, deps: CallerDeps) -> Response:
    """Declares scopes, saves presets, kinds and named upstreams, chooses the default preset, sets the rules for all
    keys, the aliases and prices of models, budgets, and the models that keys and consumers may use. Lists the changes
    only, unless `dry_run` is `false`. Applying the same again changes nothing.
    A key needs the scopes of the sections that are given: `scopes:write` for `scopes`, `presets` and `default_preset`,
    `kinds:write` for `kinds`, `integrations:write` for upstreams, aliases, prices, discounts and budgets, `keys:write`
    for `key_models`, and `consumers:write` with `keys:write` for `consumer_models`. Each change needs the same rights
    as on its own. A preset that loses its last scope by pruning is removed; if it
    was the default, `standard` is the default again."""
    given = body.model_dump(include=_SECTIONS, exclude_unset=True)
    sections = {name: section for name, section in given.items() if section is not None}
    if _SCOPE_SECTIONS & sections.keys():
        require_scope(deps, "scopes:write")
    with _hide_names():
        wanted = parse_configuration(sections)
        changes = await _apply(deps, wanted, body.dry_run, body.prune, body.force)
    return respond({"dry_run": body.dry_run, "changes": changes})


async def _import_scopes(context: RequestContext, _services: Services) -> FastResponse:
    body, deps = parse_body(_IMPORT, context.json), context.deps
    found = await asyncio.to_thread(find_scopes, body.document)
    new = await deps.read(keep_new, found)
    with _hide_names():
        changes = await _apply(deps, Configuration(scopes=new), body.dry_run)
    skipped = [{"name": name, "reason": reason} for name, reason in found.skipped.items()]
    return json_response({"dry_run": body.dry_run, "changes": changes, "skipped": skipped})


@router.post(
    "/scopes/import",
    response_model=ImportedScopesOut,
    summary="Import scopes from OpenAPI",
    responses=document_errors(*BODY_ERRORS),
)
@policy(
    AuthMode.KEY_OR_SESSION,
    scope="scopes:write",
    fast=FastRoute(_import_scopes),
    max_body_bytes=MAX_DOCUMENT_BYTES,
    max_body_depth=MAX_DOCUMENT_DEPTH,
)
def import_scopes(body: ImportScopesIn) -> None:
    """Declares the scopes of OAuth flows and security requirements. Those already declared keep their descriptions.
    Lists the changes only, unless `dry_run` is `false`. The body can be up to 8 MiB, with 64 levels."""


async def _apply(
    deps: Deps, wanted: Configuration, dry_run: bool, prune: bool = False, force: bool = False
) -> list[dict[str, Any]]:
    run = deps.rehearse if dry_run else deps.do
    listed = deps.instance.provider_environment.private_addresses
    changes = await run(apply_all, wanted, prune, force=force or dry_run, listed=listed)
    return [change_facts(one) for one in changes]


@contextmanager
def _hide_names() -> Iterator[None]:
    """Replace names that may be pasted secrets in the locations of ``Invalid`` (security.md 7)."""
    try:
        yield
    except Invalid as error:
        raise Invalid(*(Problem(_hide(one.location), one.message) for one in error.problems)) from None


def _hide(location: str) -> str:
    return ".".join(part if _SAFE_PART.fullmatch(part) else "?" for part in location.split("."))
