"""``/api/apply`` and ``/api/scopes/import``: declare many things at once, in one transaction."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.apply_shapes import AppliedOut, ApplyIn, ImportedScopesOut, ImportScopesIn
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.keys.commands.apply import Rehearsed, apply, change_facts, rehearse
from ari.keys.configuration import Configuration, parse_configuration
from ari.keys.openapi_scopes import find_scopes, keep_new

router = APIRouter(prefix="/api", tags=["Scopes"])

_SECTIONS = {"scopes", "presets", "default_preset"}
_SAFE_PART = re.compile(r"[a-z][a-z_:-]{0,63}|[0-9]{1,5}")


@router.post(
    "/apply",
    response_model=AppliedOut,
    summary="Apply a configuration",
    responses=document_errors("scope_in_use", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def apply_configuration(body: ApplyIn, deps: CallerDeps) -> Response:
    """Declares scopes, saves presets and chooses the default. Lists the changes only, unless `dry_run` is `false`.
    Applying the same again changes nothing. Each change needs the same rights as on its own."""
    sections = body.model_dump(include=_SECTIONS, exclude_none=True)
    with _hide_names():
        wanted = parse_configuration(sections)
        changes = await _apply(deps, wanted, body.dry_run, body.prune, body.force)
    return respond({"dry_run": body.dry_run, "changes": changes})


@router.post(
    "/scopes/import",
    response_model=ImportedScopesOut,
    summary="Import scopes from OpenAPI",
    responses=document_errors(*BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def import_scopes(body: ImportScopesIn, deps: CallerDeps) -> Response:
    """Declares the scopes of OAuth flows and security requirements. Those already declared keep their descriptions.
    Lists the changes only, unless `dry_run` is `false`."""
    found = find_scopes(body.document)
    new = await deps.read(keep_new, found)
    with _hide_names():
        changes = await _apply(deps, Configuration(scopes=new), body.dry_run)
    skipped = [{"name": name, "reason": reason} for name, reason in found.skipped.items()]
    return respond({"dry_run": body.dry_run, "changes": changes, "skipped": skipped})


async def _apply(
    deps: CallerDeps, wanted: Configuration, dry_run: bool, prune: bool = False, force: bool = False
) -> list[dict[str, Any]]:
    if not dry_run:
        return [change_facts(one) for one in await deps.do(apply, wanted, prune, force)]
    try:
        await deps.do(rehearse, wanted, prune)
    except Rehearsed as rehearsed:
        return [change_facts(one) for one in rehearsed.changes]
    raise AssertionError("a rehearsal always ends with its changes")


@contextmanager
def _hide_names() -> Iterator[None]:
    """Replace names that may be pasted secrets in the locations of ``Invalid`` (security.md 7)."""
    try:
        yield
    except Invalid as error:
        raise Invalid(*(Problem(_hide(one.location), one.message) for one in error.problems)) from None


def _hide(location: str) -> str:
    return ".".join(part if _SAFE_PART.fullmatch(part) else "?" for part in location.split("."))
