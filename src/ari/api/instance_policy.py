"""``/api/instance-policy``: the rules for all keys."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.api.shapes import RequestModel, without_default
from ari.http.route_policy import AuthMode, policy
from ari.keys import UNSET, InstancePolicyChange
from ari.keys.instance_policy import LONGEST_DAYS
from ari.usage.reports.policy_preview import MAX_READ, preview_facts, preview_policy

router = APIRouter(prefix="/api/instance-policy", tags=["API keys"])

_LIFETIME = "Longest lifetime of a key, from when its expiry is set; `null` = no limit. Existing keys keep theirs."
_UNUSED = (
    "Keys that made no allowed request for this many days are disabled; `null` = never. They can be enabled again."
)


class InstancePolicyIn(RequestModel):
    """Rules to change; omitted rules stay the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_lifetime_days": 365}]})

    max_lifetime_days: StrictInt | None = Field(
        None, ge=1, le=LONGEST_DAYS, description=_LIFETIME, examples=[365], json_schema_extra=without_default
    )
    disable_unused_days: StrictInt | None = Field(
        None, ge=1, le=LONGEST_DAYS, description=_UNUSED, examples=[90], json_schema_extra=without_default
    )


class InstancePolicyOut(BaseModel):
    """The rules for all keys."""

    max_lifetime_days: int | None = Field(description=_LIFETIME, examples=[365])
    disable_unused_days: int | None = Field(description=_UNUSED, examples=[90])


class PolicyPreviewIn(BaseModel):
    """Rules to preview; omitted rules stay the same."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    max_lifetime_days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description=_LIFETIME, examples=[365])
    disable_unused_days: int | None = Field(None, ge=1, le=LONGEST_DAYS, description=_UNUSED, examples=[90])


class PolicyPreviewOut(InstancePolicyOut):
    """The rules after a change, and the active keys that they would affect."""

    outliving_keys: int = Field(
        description="Keys that expire later than the longest lifetime allows, or never. They keep their expiry.",
        examples=[12],
    )
    unused_keys: int = Field(description="Keys that would be disabled within an hour.", examples=[3])
    complete: bool = Field(
        description=f"Whether all keys were looked at: only the {MAX_READ:,} least used are. Otherwise there may be "
        "more unused keys.",
        examples=[True],
    )


@router.get("", response_model=InstancePolicyOut, summary="Get the rules for all keys", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def read_instance_policy(deps: CallerDeps) -> Response:
    """Both rules are off by default."""
    return respond(asdict(await deps.read(keys.get_instance_policy)))


@router.get(
    "/preview",
    response_model=PolicyPreviewOut,
    summary="Preview a change to the rules for all keys",
    responses=document_errors("invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def preview_instance_policy(deps: CallerDeps, query: Annotated[PolicyPreviewIn, Query()]) -> Response:
    """The rules after the change, and how many active keys they would affect. Nothing is changed."""
    found = await deps.read(preview_policy, deps.instance.key_use, _change_of(query))
    return respond(preview_facts(found))


@router.patch(
    "",
    response_model=InstancePolicyOut,
    summary="Change the rules for all keys",
    responses=document_errors("confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:write", sensitive=True)
async def change_instance_policy(body: InstancePolicyIn, deps: CallerDeps) -> Response:
    """Only the owner's session can change them: rules bind keys, so keys get 403 `forbidden`."""
    return respond(asdict(await deps.do(keys.change_instance_policy, _change_of(body))))


def _change_of(sent: InstancePolicyIn | PolicyPreviewIn) -> InstancePolicyChange:
    given = sent.model_fields_set
    return InstancePolicyChange(
        max_lifetime_days=sent.max_lifetime_days if "max_lifetime_days" in given else UNSET,
        disable_unused_days=sent.disable_unused_days if "disable_unused_days" in given else UNSET,
    )
