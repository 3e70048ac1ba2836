"""Consumers, and what an operator says about a key, in requests and responses."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

from ari.api.budget_shapes import BudgetOut, Budgets, BudgetUseOut
from ari.api.limit_shapes import CreditsIn, CreditsOut, LimitOut, Limits, RemainingOut
from ari.api.model_shapes import ModelRulesIn, ModelRulesOut
from ari.api.shapes import NextCursor, PageIn, RequestModel, not_null, without_default
from ari.keys.model import ENVIRONMENTS
from ari.keys.names import NAME_LENGTH
from ari.keys.ownership import EXTERNAL_ID_LENGTH, MAX_TAGS, METADATA_BYTES, TAG_PATTERN
from ari.keys.policy import MAX_ADDRESSES

CONSUMER_ID = "con_01KB5Q2W8Z6N4T0V9YRJXH3M7C"
_EXTERNAL_ID = "customer_4711"
_CREATED: dict[str, JsonValue] = {"format": "date-time", "examples": ["2026-11-02T12:00:00.000Z"]}

Environment = Annotated[StrictStr, Field(examples=["live"], json_schema_extra={"enum": [*ENVIRONMENTS]})]
ConsumerName = Annotated[
    StrictStr,
    Field(
        description="The customer, team or service; 1–100 characters.",
        examples=["Acme Inc."],
        json_schema_extra={"minLength": 1, "maxLength": NAME_LENGTH},
    ),
]
ConsumerReference = Annotated[
    StrictStr,
    Field(examples=[_EXTERNAL_ID], json_schema_extra={"minLength": 1, "maxLength": EXTERNAL_ID_LENGTH}),
]
Tags = Annotated[
    list[Annotated[StrictStr, Field(json_schema_extra={"pattern": TAG_PATTERN})]],
    Field(examples=[["billing"]], json_schema_extra={"maxItems": MAX_TAGS}),
]
Metadata = Annotated[dict[str, Any], Field(examples=[{"plan": "pro"}])]
METADATA_BOUND = f"A JSON object of at most {METADATA_BYTES:,} bytes. Holders of the keys can read it (`GET /api/me`)."
Addresses = Annotated[
    list[Annotated[StrictStr, Field(json_schema_extra={"maxLength": 64})]],
    Field(examples=[["203.0.113.0/24", "2001:db8::/32"]], json_schema_extra={"maxItems": MAX_ADDRESSES}),
]
ExternalId = Annotated[
    StrictStr,
    Field(
        examples=[_EXTERNAL_ID],
        json_schema_extra={"pattern": r"^[!-.0-\[\]-~]+$", "maxLength": EXTERNAL_ID_LENGTH},
    ),
]


class NewConsumerIn(RequestModel):
    """A consumer to create."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme Inc.", "external_id": _EXTERNAL_ID}]})

    name: ConsumerName
    external_id: ExternalId | None = Field(None, description="Your own ID for it, which you can use in place of ARI's.")
    metadata: Metadata = Field(
        default_factory=dict, description=f"Your facts about it; verify returns them. {METADATA_BOUND}"
    )
    limits: Limits = Field(default_factory=list, description="Rate limits that its keys share; default: none.")
    credits: CreditsIn | None = Field(None, description="Credits that its keys share; default: they need none.")
    models: ModelRulesIn | None = Field(None, description="AI models that its keys may use; default: all.")
    budgets: Budgets = Field(default_factory=list, description="Budgets that its keys share; default: none.")


class ConsumerChangeIn(RequestModel):
    """Fields to change; omitted fields stay the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Acme Corporation"}]})

    name: ConsumerName | None = Field(None, description="A new name.", json_schema_extra=not_null)
    external_id: ExternalId | None = Field(
        None, description="Your own ID for it; `null` = none.", json_schema_extra=without_default
    )
    metadata: Metadata | None = Field(
        None, description=f"New metadata (replaces the old). {METADATA_BOUND}", json_schema_extra=not_null
    )
    limits: Limits | None = Field(
        None,
        description="Rate limits that its keys share (replaces the old list). One that keeps its name keeps its count.",
        json_schema_extra=not_null,
    )
    credits: CreditsIn | None = Field(
        None, description="New shared balance or refill; `null` removes the credits.", json_schema_extra=without_default
    )
    models: ModelRulesIn | None = Field(
        None, description="New AI models (replace both lists); `null`: all models.", json_schema_extra=without_default
    )
    budgets: Budgets | None = Field(
        None,
        description="Budgets that its keys share (replace the old list). One that keeps its name and unit keeps what "
        "was used.",
        json_schema_extra=not_null,
    )


class ConsumersIn(PageIn):
    text: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Only consumers whose name, ID or external ID contains this.", examples=["acme"]
    )


class KeyConsumerOut(BaseModel):
    """The consumer of a key."""

    id: str = Field(description="Consumer ID.", examples=[CONSUMER_ID])
    external_id: str | None = Field(description="Your own ID for it.", examples=[_EXTERNAL_ID])
    name: str = Field(description="Name.", examples=["Acme Inc."])
    metadata: dict[str, Any] = Field(description="Your facts about it.", examples=[{"plan": "pro"}])


class ConsumerOut(KeyConsumerOut):
    """Someone whom keys belong to: a customer, a team, a service."""

    created_at: str = Field(description="When it was created.", json_schema_extra=_CREATED)
    created_by: str = Field(
        description="ID of the account or key that created it, or the command-line user.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    key_count: int = Field(description="Its keys that aren't deleted.", examples=[3])
    limits: list[LimitOut] = Field(description="Rate limits that its keys share.")
    credits: CreditsOut | None = Field(description="Credits that its keys share; `null` if they need none.")
    models: ModelRulesOut | None = Field(description="AI models that its keys may use; `null`: all.")
    budgets: list[BudgetOut] = Field(description="Budgets that its keys share.")


class ConsumerDetailOut(ConsumerOut):
    """A consumer, with what remains of its limits now."""

    remaining: list[RemainingOut] = Field(description="What remains of the limits that its keys share.")
    budget_use: list[BudgetUseOut] = Field(description="Use of the budgets that its keys share.")


class ConsumersOut(BaseModel):
    """A page of consumers, newest first."""

    items: list[ConsumerOut] = Field(description="Consumers on this page.")
    next_cursor: NextCursor
