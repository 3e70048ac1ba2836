"""``/api/keys/bulk``: change the keys of a consumer or kind, or with a tag."""

from dataclasses import replace

from fastapi import APIRouter
from starlette.responses import Response

from ari import keys
from ari.api.bulk_shapes import BulkIn, BulkOut
from ari.api.deps import CallerDeps, describe_keys, require_scope
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.api.shapes import parse_time
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.keys import AffectedKeys, BulkChange, Confirmed
from ari.keys.listing import KeyListTransaction

router = APIRouter(prefix="/api/keys", tags=["API keys"])


@router.post(
    "/bulk",
    response_model=BulkOut,
    summary="Change many API keys",
    responses=document_errors("confirmation_required", "keys_changed", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write")
async def change_keys(body: BulkIn, deps: CallerDeps) -> Response:
    """Revoke, disable, enable or re-expire the keys of a consumer or kind, with a tag, or with these IDs. Also needs
    `keys:read`. Each request changes at most 200 keys, all or none, with one event per key. Keys that the change
    doesn't fit are left out: `left_out` names those that their kind doesn't let live that long. With `key_ids`, the
    change must fit all of them. A dry run obeys the same rules."""
    require_scope(deps, "keys:read")
    wanted = BulkChange(body.action, body.reason, parse_time("expires_at", body.expires_at))
    _check(body)

    def run(tx: KeyListTransaction) -> AffectedKeys:
        where = keys.make_filter(tx, consumer=body.consumer, tag=body.tag, kind=body.kind)
        if body.key_ids is None:
            return keys.change_matching(tx, where, wanted)
        listed = frozenset(body.key_ids)
        if not _names_group(body):
            where = replace(where, key_ids=listed)
        return keys.change_matching(tx, where, wanted, Confirmed(listed, wanted))

    found = await (deps.rehearse(run) if body.dry_run else deps.do(run))
    left_out = [{"id": one.key.id, "name": one.key.name, "reason": one.reason} for one in found.left_out]
    return respond(
        {
            "items": await describe_keys(deps, found.keys),
            "remaining": found.remaining,
            "left_out": left_out,
            "left_out_count": found.left_out_count,
            "dry_run": body.dry_run,
        }
    )


def _names_group(body: BulkIn) -> bool:
    return any(one is not None for one in (body.consumer, body.tag, body.kind))


def _check(body: BulkIn) -> None:
    if not _names_group(body) and body.key_ids is None:
        raise Invalid(Problem("consumer", "Pass a consumer, a tag, a kind or key_ids."))
    given = body.model_fields_set
    if body.action == "expire" and "expires_at" not in given:
        raise Invalid(Problem("expires_at", "Pass a time, or null for never."))
    if body.action != "expire" and body.expires_at is not None:
        raise Invalid(Problem("expires_at", "Only for `expire`."))
    if body.action != "revoke" and body.reason is not None:
        raise Invalid(Problem("reason", "Only for `revoke`."))
