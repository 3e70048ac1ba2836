"""Limits and credits in requests and responses."""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictInt, StrictStr

from ari.keys.limits.charge import CONSUMER_PREFIX
from ari.keys.limits.fields import DEFAULT_NAME, MAX_LIMITS, MAX_NAME_LENGTH, MAX_UNITS
from ari.keys.unset import UNSET, Unset

LIMIT_PATTERN = rf"^[a-z0-9][a-z0-9_-]{{0,{MAX_NAME_LENGTH - 1}}}$"
CHARGED_PATTERN = rf"^({CONSUMER_PREFIX})?{LIMIT_PATTERN[1:]}"
MAX_NAMES = 2 * (MAX_LIMITS + 1)
"""Names of a key's limits, of its consumer's, and ``credits`` of both."""
_WINDOW_PATTERN = r"^[1-9][0-9]{0,8}[smhd]$"
_INPUT = ConfigDict(extra="forbid", hide_input_in_errors=True)
_NAME = "Lowercase letters, digits, `-` and `_`; `credits` is reserved."

_UNITS: dict[str, JsonValue] = {"minimum": 1, "maximum": MAX_UNITS}

LimitName = Annotated[StrictStr, Field(pattern=LIMIT_PATTERN, examples=[DEFAULT_NAME])]
ChargedNames = Annotated[
    list[Annotated[StrictStr, Field(pattern=CHARGED_PATTERN, examples=[DEFAULT_NAME])]], Field(max_length=MAX_NAMES)
]
LimitNames = Annotated[list[LimitName], Field(max_length=MAX_NAMES)]
Units = Annotated[StrictInt, Field(ge=1, le=MAX_UNITS)]


class LimitIn(BaseModel):
    """A rate limit: never more than `limit` units within any `window`."""

    model_config = _INPUT

    name: StrictStr = Field(
        DEFAULT_NAME,
        description=f"Name of the limit. {_NAME}",
        examples=[DEFAULT_NAME],
        json_schema_extra={"pattern": LIMIT_PATTERN},
    )
    limit: StrictInt = Field(
        description="Units per window. A request consumes 1 unit.", examples=[100], json_schema_extra=_UNITS
    )
    window: StrictStr = Field(
        description="From `1s` to `31d`, in seconds, minutes, hours or days.",
        examples=["1m"],
        json_schema_extra={"pattern": _WINDOW_PATTERN},
    )


Limits = Annotated[
    list[LimitIn],
    Field(examples=[[{"name": "default", "limit": 100, "window": "1m"}]], json_schema_extra={"maxItems": MAX_LIMITS}),
]


class RefillIn(BaseModel):
    """Raises the balance to `amount` each day, or on the first day of each month."""

    model_config = _INPUT

    amount: StrictInt = Field(
        description="Balance after a refill. A higher balance stays.", examples=[1000], json_schema_extra=_UNITS
    )
    every: StrictStr = Field(description="How often.", examples=["month"], json_schema_extra={"enum": ["day", "month"]})
    hour: StrictInt = Field(
        0, description="Hour of the day.", examples=[0], json_schema_extra={"minimum": 0, "maximum": 23}
    )
    time_zone: StrictStr = Field(
        "UTC",
        description="Time zone of the day and the hour.",
        examples=["Europe/Berlin"],
        json_schema_extra={"maxLength": 64},
    )


class CreditsIn(BaseModel):
    """Credits to use up. On change, a field that is omitted stays as it is."""

    model_config = _INPUT

    amount: Annotated[StrictInt, Field(json_schema_extra=_UNITS | {"minimum": 0})] | None = Field(
        None, description="The new balance; required for a key without credits.", examples=[1000]
    )
    refill: RefillIn | None = Field(None, description="Refill by the calendar; `null` for none.")


def credits_of(sent: CreditsIn | None, given: Collection[str]) -> dict[str, Any] | Unset | None:
    """The change of credits in a body with these fields, as commands take it."""
    if "credits" not in given:
        return UNSET
    return None if sent is None else sent.model_dump(exclude_unset=True)


class LimitOut(BaseModel):
    """A rate limit."""

    name: str = Field(description="Name of the limit.", examples=[DEFAULT_NAME])
    limit: int = Field(description="Units per window.", examples=[100])
    window: str = Field(description="Length of the sliding window.", examples=["1m"])


class RefillOut(BaseModel):
    """A refill of credits."""

    amount: int = Field(description="Balance after a refill.", examples=[1000])
    every: Literal["day", "month"] = Field(description="How often.", examples=["month"])
    hour: int = Field(description="Hour of the day.", examples=[0])
    time_zone: str = Field(description="Time zone of the day and the hour.", examples=["Europe/Berlin"])


class CreditsOut(BaseModel):
    """Credits of a key."""

    granted: int = Field(description="Credits granted since the balance was set, with every top-up.", examples=[1000])
    refill: RefillOut | None = Field(description="Refill by the calendar; `null` for none.")


class RemainingOut(BaseModel):
    """What remains under one limit."""

    name: str = Field(
        description="Name of the limit; `consumer:` precedes one of the consumer.", examples=[DEFAULT_NAME]
    )
    limit: int = Field(
        description="Units per window. For `credits`: the refill, or without one all that was granted.", examples=[100]
    )
    window: str | None = Field(description="Length of the window; `null` for credits.", examples=["1m"])
    remaining: int = Field(description="Units left.", examples=[99])
    more_in_seconds: int | None = Field(
        description="Seconds until more units are available; `null` if none were used, or credits aren't refilled.",
        examples=[60],
    )


class ResetIn(BaseModel):
    """Limits to reset."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"examples": [{"limits": [DEFAULT_NAME]}]})

    limits: LimitNames | None = Field(
        None, description="Names of limits of this key or consumer; default: all.", examples=[[DEFAULT_NAME]]
    )


class TopUpIn(BaseModel):
    """Credits to add."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"examples": [{"amount": 500}]})

    amount: Units = Field(description="Credits to add to the balance.", examples=[500])
