"""Requests and responses of ``/api/verify``, for OpenAPI; ``verify.py`` parses and writes them itself."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt, StrictStr

from ari.api.limit_shapes import ChargedNames, RemainingOut
from ari.api.ownership_shapes import Environment, KeyConsumerOut
from ari.api.shapes import FieldProblem, Nullable, RequestModel
from ari.usage.cleaning import PATH_LENGTH, ROUTE_LENGTH, USER_AGENT_LENGTH

MAX_ITEMS = 100
MAX_SCOPES = 20
MAX_COST = 1_000_000
METHOD_PATTERN = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,16}$"
"""A token (RFC 9110 §5.6.2)."""
REQUEST_ID_PATTERN = r"^[0-9A-Za-z._:/+=@-]{1,128}$"
SCOPE_PATTERN = r"^(\*|[a-z][a-z0-9_-]{0,30}:(\*|[a-z][a-z0-9_-]{0,30}))$"

_EXAMPLE: dict[str, JsonValue] = {"key": "ari_k_" + "0" * 49, "scopes": ["usage:read"], "client_address": "203.0.113.7"}
MAX_ADDRESS_LENGTH = 64


class VerifyIn(RequestModel):
    """A key that your service received."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    key: StrictStr = Field(
        description="The key exactly as received. Anything that isn't an ARI key is `malformed`.",
        examples=[_EXAMPLE["key"]],
    )
    scopes: Annotated[list[Annotated[StrictStr, Field(pattern=SCOPE_PATTERN)]], Field(max_length=MAX_SCOPES)] = Field(
        default_factory=list,
        description="Scopes the key must have: ARI's own or declared ones. A scope that isn't declared is a 422.",
        examples=[["usage:read"]],
    )
    client_address: Annotated[StrictStr, Field(max_length=MAX_ADDRESS_LENGTH)] | None = Field(
        None,
        description="IP address of your client, for the key's usage log and for keys that are bound to addresses: "
        "without it, such a key is refused with `ip_not_allowed`.",
        examples=["203.0.113.7"],
    )
    cost: Annotated[StrictInt, Field(ge=0, le=MAX_COST)] = Field(
        1, description="Units that this request consumes from limits and credits; 0 reads what remains.", examples=[1]
    )
    limits: ChargedNames | None = Field(
        None,
        description="Names of the limits to consume, as `limits` of the response has them: `default` is the key's own, "
        "`consumer:default` its consumer's; `credits` and `consumer:credits` for credits. By default all of them. A "
        "name that neither has is invalid.",
        examples=[["default"]],
    )
    method: Annotated[StrictStr, Field(pattern=METHOD_PATTERN)] | None = Field(
        None, description="Method of the request to your service, for the key's usage log.", examples=["GET"]
    )
    route: Annotated[StrictStr, Field(min_length=1, max_length=ROUTE_LENGTH)] | None = Field(
        None,
        description="Route of the request to your service, with parameter names instead of values, for the key's usage "
        "log. At most 1,000 different routes are logged per hour; further ones are logged as `(other)`.",
        examples=["/orders/{order_id}"],
    )
    path: Annotated[StrictStr, Field(min_length=1, max_length=PATH_LENGTH)] | None = Field(
        None,
        description="Path of the request to your service, without the query, for the key's usage log.",
        examples=["/orders/7"],
    )
    user_agent: Annotated[StrictStr, Field(max_length=USER_AGENT_LENGTH)] | None = Field(
        None, description="User agent of your client, for the key's usage log.", examples=["curl/8.5.0"]
    )
    request_id: Annotated[StrictStr, Field(pattern=REQUEST_ID_PATTERN)] | None = Field(
        None, description="Your ID of the request, for the key's usage log.", examples=["order-7"]
    )


class VerifyBatchIn(RequestModel):
    """Several keys; each is verified separately."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: Annotated[list[VerifyIn], Field(max_length=MAX_ITEMS)] = Field(
        description="Keys to verify, up to 100.", examples=[[_EXAMPLE]]
    )


class VerifyItemsIn(RequestModel):
    """A batch whose items are not looked at yet: one that cannot be read harms no other."""

    items: Annotated[list[Any], Field(max_length=MAX_ITEMS)]


class VerifiedKeyOut(BaseModel):
    """Public details of a key."""

    id: str = Field(description="Key ID.", examples=["key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    name: str = Field(description="The script or app that uses the key.", examples=["Automation Script"])
    hint: str = Field(description="First and last characters of the secret sent.", examples=["ari_k_7Qm2…b4Zk"])
    scopes: list[str] = Field(description="Scopes of the key.", examples=[["usage:read"]])
    expires_at: Nullable = Field(
        description="When the key expires; `null` = never.", examples=["2027-01-31T12:00:00.000Z"]
    )
    secret_number: int = Field(description="Number of the secret sent; 1 until the key is rotated.", examples=[1])
    secret_retires_at: Nullable = Field(
        description="When the secret sent stops working, because the key was rotated; `null` = it's the newest one.",
        examples=[None],
    )
    kind: str | None = Field(description="Kind of the key; `null` = the built-in kind.", examples=[None])
    environment: Environment = Field(description="What the key is for.")
    consumer: KeyConsumerOut | None = Field(description="The consumer it belongs to; `null` = none.")
    tags: list[str] = Field(description="Tags of the key.", examples=[["billing"]])
    metadata: dict[str, Any] = Field(description="Your facts about the key.", examples=[{"plan": "pro"}])


class VerdictOut(BaseModel):
    """Result for one key."""

    valid: bool = Field(description="Whether the key is valid and has the scopes.", examples=[True])
    code: str = Field(description="`ok`, or the reason it's refused.", examples=["ok"])
    key: VerifiedKeyOut | None = Field(description="`null` if ARI has no such key.")
    limits: list[RemainingOut] = Field(
        description="What remains of the limits of the key and its consumer, after this request. Empty without limits, "
        "or if the key was refused for another reason."
    )
    exceeded: str | None = Field(
        description="The limit that refused the key, with `rate_limited` or `credits_exhausted`.", examples=["default"]
    )
    retry_after_seconds: int | None = Field(
        description="When to try again, if a limit refused the key; `null` if waiting doesn't help.", examples=[12]
    )


class BatchVerdictOut(VerdictOut):
    """Result for one item. One that can't be parsed has the code `invalid` and `errors`, one that ARI couldn't decide
    `unavailable`."""

    errors: list[FieldProblem] | None = Field(
        None, description="Problems of an item with the code `invalid`.", examples=[None]
    )


class VerdictsOut(BaseModel):
    """Results, in the order of the items."""

    items: list[BatchVerdictOut] = Field(description="Results.")
