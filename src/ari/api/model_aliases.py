"""``/api/model-aliases``: other names for models in the AI gateway."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.api.shapes import RequestModel
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.aliases import MAX_ALIASES, MAX_TARGETS
from ari.integrations.ai_rules.change_aliases import get_aliases, set_aliases

router = APIRouter(prefix="/api/model-aliases", tags=["Integrations"])

_ALIASES: dict[str, JsonValue] = {"fast": ["openai/gpt-5-mini"], "smart": ["anthropic/claude-sonnet-4-5"]}
_TARGETS = f"The models of each alias, `provider/model`, in the order in which they are tried; up to {MAX_TARGETS}."


class ModelAliasesIn(RequestModel):
    """All aliases."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"aliases": _ALIASES}]})

    aliases: dict[str, list[StrictStr]] = Field(
        description=f"{_TARGETS} Up to {MAX_ALIASES} aliases.", examples=[_ALIASES]
    )


class ModelAliasesOut(BaseModel):
    """All aliases."""

    aliases: dict[str, list[str]] = Field(description=_TARGETS, examples=[_ALIASES])


@router.get("", response_model=ModelAliasesOut, summary="List model aliases", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def list_model_aliases(deps: CallerDeps) -> Response:
    """Callers of the AI gateway can use an alias in place of a model."""
    return respond({"aliases": await deps.read(get_aliases)})


@router.put(
    "",
    response_model=ModelAliasesOut,
    summary="Replace the model aliases",
    responses=document_errors("confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def replace_model_aliases(body: ModelAliasesIn, deps: CallerDeps) -> Response:
    """Applies from the next request. An alias gives nobody access to a model."""
    return respond({"aliases": await deps.do(set_aliases, body.aliases)})
