"""``/api/keys/import``: import keys of other systems by their hashes, on a fast route that takes a large body."""

from fastapi import APIRouter
from pydantic import TypeAdapter

from ari import keys
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.import_shapes import MAX_IMPORT_BYTES, ImportIn, ImportOut, ImportValuesIn
from ari.api.validation import MAX_PROBLEMS, parse_body
from ari.base.errors import Invalid
from ari.http.context import RequestContext
from ari.http.responses import Response, json_response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.keys import ImportResult, PreparedImport
from ari.keys.ports import ImportTransaction

router = APIRouter(prefix="/api/keys", tags=["API keys"])
_IMPORT = TypeAdapter(ImportValuesIn)


async def _import(context: RequestContext, _services: Services) -> Response:
    wanted = parse_body(_IMPORT, context.json)
    values = dict(enumerate(wanted.keys, 1))
    if wanted.dry_run:
        result = await context.deps.read(keys.check_import, values)
    else:
        prepared = await context.deps.read(keys.prepare_import, values)
        result = await context.deps.do(_import_keys, prepared, wanted.all_or_nothing)
    return json_response(keys.import_facts(result.lines, dry_run=wanted.dry_run))


def _import_keys(tx: ImportTransaction, prepared: PreparedImport, all_or_nothing: bool) -> ImportResult:
    try:
        return keys.import_keys(tx, prepared, all_or_nothing=all_or_nothing)
    except Invalid as error:
        raise Invalid(*error.problems[:MAX_PROBLEMS]) from None


@router.post(
    "/import",
    response_model=ImportOut,
    summary="Import keys of other systems",
    responses=document_errors("confirmation_required", *BODY_ERRORS),
)
@policy(
    AuthMode.KEY_OR_SESSION,
    scope="keys:write",
    sensitive=True,
    fast=FastRoute(_import),
    max_body_bytes=MAX_IMPORT_BYTES,
)
def import_keys(body: ImportIn) -> None:
    """Imports keys by their hashes, so their holders keep them. An invalid key doesn't affect the others, and a key
    that is stored already isn't imported again. A key can only grant scopes it has and can't grant a later expiry than
    its own. The body can be up to 5 MiB."""
