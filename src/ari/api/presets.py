"""``/api/presets``: list, save, reset and remove presets, and choose the default for new keys."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.preset_shapes import PresetIn, PresetName, PresetOut, PresetsOut
from ari.api.responses import respond
from ari.http.route_policy import AuthMode, policy
from ari.keys.ports import KeyTransaction
from ari.keys.presets import Preset

router = APIRouter(prefix="/api/presets", tags=["Scopes"])


@router.get("", response_model=PresetsOut, summary="List presets", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:read")
async def list_presets(deps: CallerDeps) -> Response:
    """ARI's own presets and yours."""
    return respond({"items": await deps.read(_list_facts), "next_cursor": None})


@router.get(
    "/{name}", response_model=PresetOut, summary="Get a preset", responses=document_errors("not_found", "invalid")
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:read")
async def read_preset(name: PresetName, deps: CallerDeps) -> Response:
    """One preset."""
    return respond(await deps.read(_read_facts, name))


@router.put(
    "/{name}",
    response_model=PresetOut,
    summary="Create or replace a preset",
    responses=document_errors("confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def save_preset(name: PresetName, body: PresetIn, deps: CallerDeps) -> Response:
    """Also replaces one of ARI's own. A key can only change presets within its own scopes. No key changes."""
    await deps.do(keys.save_preset, Preset(name, body.label, body.description, tuple(body.scopes)))
    return respond(await deps.read(_read_facts, name))


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    summary="Remove or reset a preset",
    responses=document_errors("not_found", "conflict", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def remove_preset(name: PresetName, deps: CallerDeps) -> Response:
    """One of ARI's own is reset to its original. Keys keep their scopes. The default can't be removed."""
    await deps.do(keys.remove_preset, name)
    return Response(status_code=204)


@router.post(
    "/{name}/default",
    response_model=PresetOut,
    summary="Choose the default preset",
    responses=document_errors("not_found", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def choose_default_preset(name: PresetName, deps: CallerDeps) -> Response:
    """New keys without `scopes` get the scopes that the preset has at that time."""
    await deps.do(keys.choose_default_preset, name)
    return respond(await deps.read(_read_facts, name))


def _list_facts(tx: KeyTransaction) -> list[dict[str, Any]]:
    default = keys.get_default_preset(tx)
    return [keys.preset_facts(preset, default) for preset in keys.list_presets(tx).values()]


def _read_facts(tx: KeyTransaction, name: str) -> dict[str, Any]:
    return keys.preset_facts(keys.get_preset(tx, name), keys.get_default_preset(tx))
