"""Requests and responses about API keys."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictStr

from ari.api.budget_shapes import BudgetOut, Budgets, BudgetUseOut
from ari.api.limit_shapes import CreditsIn, CreditsOut, LimitOut, Limits, RemainingOut
from ari.api.model_shapes import ModelRulesIn, ModelRulesOut
from ari.api.ownership_shapes import (
    METADATA_BOUND,
    Addresses,
    ConsumerReference,
    Environment,
    KeyConsumerOut,
    Metadata,
    Tags,
)
from ari.api.shapes import (
    HINT,
    KEY_ID,
    SECRET,
    Name,
    NextCursor,
    Nullable,
    RequestModel,
    Scopes,
    Time,
    not_null,
    without_default,
)
from ari.keys.expiry import DURATION_WORDS, EXPIRES_PATTERN
from ari.keys.limits.fields import MAX_LIMITS
from ari.keys.names import REASON_LENGTH

CREATED: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-02T12:00:00.000Z"]}


class NewKeyIn(RequestModel):
    """A key to create. Set either `expires` or `expires_at`; omit both for a key that never expires."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Automation Script", "expires": "90d", "scopes": ["api:read"]}]}
    )

    name: Name
    expires: StrictStr | None = Field(
        None,
        description=f"Lifetime of the key: {DURATION_WORDS}. Pick the shortest that works.",
        examples=["90d"],
        json_schema_extra={"pattern": EXPIRES_PATTERN},
    )
    expires_at: Time | None = Field(None, description="When the key expires (RFC 3339).")
    scopes: Scopes | None = Field(None, description="Scopes of the key; default: those of the default preset.")
    may_rotate: StrictBool = Field(False, description="Whether the key can rotate itself: `POST /api/me/rotate`.")
    limits: Limits = Field(
        default_factory=list, description=f"Rate limits, up to {MAX_LIMITS}; default: its kind's, or none."
    )
    credits: CreditsIn | None = Field(
        None,
        description="Credits to use up; default: its kind's, or the key needs none. `null`: the key needs none.",
        json_schema_extra=without_default,
    )
    kind: Annotated[StrictStr, Field(json_schema_extra={"maxLength": 40})] | None = Field(
        None, description="Kind of the key; default: the built-in kind.", examples=["acme-live"]
    )
    environment: Environment | None = Field(
        None, description="What the key is for; default: its kind's, or that of the calling key, or `live`."
    )
    consumer: ConsumerReference | None = Field(
        None,
        description="ID or external ID of the consumer it belongs to; default: that of the calling key. A key that "
        "belongs to none needs `consumers:read` for this.",
    )
    tags: Tags = Field(default_factory=list, description="Tags to filter by.")
    metadata: Metadata = Field(
        default_factory=dict, description=f"Your facts about the key; verify returns them. {METADATA_BOUND}"
    )
    addresses: Addresses = Field(
        default_factory=list, description="IP addresses and networks that the key works from; none: from everywhere."
    )
    models: ModelRulesIn | None = Field(
        None,
        description="AI models that the key may use; default: its kind's, or all. `null`: all.",
        json_schema_extra=without_default,
    )
    budgets: Budgets = Field(default_factory=list, description="Budgets for AI requests; default: its kind's, or none.")


class KeyChangeIn(RequestModel):
    """Fields to change; omitted fields stay the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Nightly backup"}]})

    name: Name | None = Field(None, description="A new name.", json_schema_extra=not_null)
    disabled: StrictBool | None = Field(
        None,
        description="`true` disables the key until it's set to `false`.",
        examples=[True],
        json_schema_extra=not_null,
    )
    may_rotate: StrictBool | None = Field(
        None, description="Whether the key can rotate itself.", examples=[True], json_schema_extra=not_null
    )
    scopes: Scopes | None = Field(
        None, description="The key's new scopes (replaces the old list).", json_schema_extra=not_null
    )
    expires_at: Time | None = Field(
        None, description="New expiry (RFC 3339); `null` = never.", json_schema_extra=without_default
    )
    limits: Limits | None = Field(
        None,
        description="The key's rate limits (replaces the old list). One that keeps its name keeps its count.",
        json_schema_extra=not_null,
    )
    credits: CreditsIn | None = Field(
        None, description="New balance or refill; `null` removes the credits.", json_schema_extra=without_default
    )
    environment: Environment | None = Field(None, description="What the key is for.", json_schema_extra=not_null)
    consumer: ConsumerReference | None = Field(
        None,
        description="ID or external ID of the consumer it belongs to; `null` = none.",
        json_schema_extra=without_default,
    )
    tags: Tags | None = Field(None, description="New tags (replace the old ones).", json_schema_extra=not_null)
    metadata: Metadata | None = Field(
        None, description=f"New metadata (replaces the old). {METADATA_BOUND}", json_schema_extra=not_null
    )
    addresses: Addresses | None = Field(
        None,
        description="New addresses and networks (replace the old ones); an empty list: from everywhere.",
        json_schema_extra=not_null,
    )
    models: ModelRulesIn | None = Field(
        None, description="New AI models (replace both lists); `null`: all models.", json_schema_extra=without_default
    )
    budgets: Budgets | None = Field(
        None,
        description="Budgets for AI requests (replace the old list). One that keeps its name and unit keeps what was "
        "used.",
        json_schema_extra=not_null,
    )


class RevokeSelfIn(RequestModel):
    """Optional details of a revocation."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Committed to git"}]})

    reason: Annotated[StrictStr, Field(max_length=REASON_LENGTH)] | None = Field(
        None,
        description=f"Reason for the audit log; up to {REASON_LENGTH} characters.",
        examples=["Committed to git"],
    )


class RevokedSelfOut(BaseModel):
    """The calling key, revoked; no other facts about it, because it may be called from anywhere."""

    id: str = Field(description="Key ID; not a secret.", examples=[KEY_ID])
    hint: str = Field(description="First and last characters of the newest secret.", examples=[HINT])
    status: Literal["revoked"] = Field(description="Always `revoked`.", examples=["revoked"])
    revoked_at: str = Field(description="When the key was revoked.", json_schema_extra=CREATED)


class RevokeIn(RevokeSelfIn):
    """Optional details of a revocation."""

    with_made: StrictBool = Field(
        False, description="Also revoke active keys that this key created or gave more access."
    )


class KeyOut(BaseModel):
    """An API key, without its secret."""

    id: str = Field(description="Key ID; not a secret.", examples=[KEY_ID])
    name: str = Field(description="The script or app that uses the key.", examples=["Automation Script"])
    hint: str = Field(description="First and last characters of the newest secret.", examples=[HINT])
    scopes: list[str] = Field(description="Scopes of the key.", examples=[["api:read"]])
    status: Literal["active", "expired", "revoked", "disabled"] = Field(
        description="The first that applies: `revoked`, `expired`, `disabled` or `active`.", examples=["active"]
    )
    created_at: str = Field(description="When the key was created.", json_schema_extra=CREATED)
    created_by: str = Field(
        description="ID of the account or key that created it, or the command-line user.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    expires_at: Nullable = Field(
        description="When the key expires; `null` = never.", examples=["2027-01-31T12:00:00.000Z"]
    )
    revoked_at: Nullable = Field(description="When the key was revoked; `null` if it wasn't.", examples=[None])
    disabled: bool = Field(description="Whether the key is disabled.", examples=[False])
    may_rotate: bool = Field(description="Whether the key can rotate itself.", examples=[False])
    limits: list[LimitOut] = Field(description="Rate limits of the key.")
    credits: CreditsOut | None = Field(description="Credits of the key; `null` if it needs none.")
    last_used_at: Nullable = Field(description="Last allowed request.", examples=["2026-11-23T08:15:42.317Z"])
    request_count: int = Field(
        description="Requests that the key was allowed to make, whatever their response status.", examples=[1204]
    )
    refused_count: int = Field(description="Refused requests.", examples=[0])
    kind: str | None = Field(description="Kind of the key; `null` = the built-in kind.", examples=[None])
    environment: Environment = Field(description="What the key is for.")
    consumer: KeyConsumerOut | None = Field(description="The consumer it belongs to; `null` = none.")
    tags: list[str] = Field(description="Tags of the key.", examples=[["billing"]])
    metadata: dict[str, Any] = Field(description="Your facts about the key.", examples=[{"plan": "pro"}])
    addresses: list[str] = Field(
        description="Networks that the key works from; none: from everywhere.", examples=[["203.0.113.0/24"]]
    )
    models: ModelRulesOut | None = Field(description="AI models that the key may use; `null`: all.")
    budgets: list[BudgetOut] = Field(description="Budgets for AI requests of the key.")


class SecretOut(BaseModel):
    """A secret of a key, without its text."""

    number: int = Field(description="1 for the first secret; each rotation counts up.", examples=[2])
    hint: str = Field(description="First and last characters.", examples=[HINT])
    active: bool = Field(description="Whether the secret isn't retired.", examples=[True])
    created_at: str = Field(description="When the secret was created.", json_schema_extra=CREATED)
    retires_at: Nullable = Field(description="When it retires, or did; `null` for the newest secret.", examples=[None])
    last_used_at: Nullable = Field(
        description="Last allowed request; `null` if there was none since the key was first rotated.",
        examples=["2026-11-23T08:15:42.317Z"],
    )


class KeyDetailOut(KeyOut):
    """An API key with its secrets, without their text, and what remains of its limits now."""

    secrets: list[SecretOut] = Field(description="Secrets of the key, newest first; up to 100.")
    remaining: list[RemainingOut] = Field(description="What remains of the limits of the key and its consumer now.")
    budget_use: list[BudgetUseOut] = Field(description="Use of the budgets of the key and its consumer now.")


class CreatedOut(BaseModel):
    """The new key and its secret (returned only once)."""

    key: KeyOut = Field(description="The new key, without its secret.")
    secret: str = Field(
        description="The secret to send as `x-api-key`. It's never shown again.",
        examples=["ari_k_" + "0" * 49],
        json_schema_extra=SECRET,
    )


class KeysOut(BaseModel):
    """A page of API keys, newest first."""

    items: list[KeyOut] = Field(description="Keys on this page.")
    next_cursor: NextCursor


class MeKeyOut(BaseModel):
    """The caller is an API key."""

    type: Literal["api_key"] = Field(description="Type of caller.")
    key: KeyOut = Field(description="Key ID.")
    budget_use: list[BudgetUseOut] = Field(description="Use of the budgets of the key and its consumer now.")
    secret_number: int | None = Field(
        description="Number of the secret sent; 1 until the key is rotated.", examples=[1]
    )
    secret_replaced_at: Nullable = Field(
        description="When a newer secret replaced the one sent; `null` = it's the newest one.", examples=[None]
    )
    secret_retires_at: Nullable = Field(
        description="When the secret sent stops working, because the key was rotated; `null` = it's the newest one.",
        examples=[None],
    )
