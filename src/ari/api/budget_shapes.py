"""Budgets for AI requests in requests and responses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictInt, StrictStr

from ari.api.limit_shapes import LIMIT_PATTERN
from ari.keys.limits.budget_fields import MAX_BUDGETS, PERIODS
from ari.keys.limits.fields import DEFAULT_NAME, MAX_UNITS

_INPUT = ConfigDict(extra="forbid", hide_input_in_errors=True)
_USD: dict[str, JsonValue] = {"pattern": r"^[0-9]{1,10}(\.[0-9]{1,6})?$"}
_TOKENS: dict[str, JsonValue] = {"minimum": 1, "maximum": MAX_UNITS}
_EXAMPLE: dict[str, JsonValue] = {"name": "monthly", "amount_usd": "25.00", "period": "month"}
_ENDS = "2026-12-01T00:00:00.000Z"
PeriodName = Literal["day", "week", "month", "rolling", "total"]

BudgetName = Annotated[StrictStr, Field(examples=[DEFAULT_NAME], json_schema_extra={"pattern": LIMIT_PATTERN})]
AmountUsd = Annotated[StrictStr, Field(examples=["25.00"], json_schema_extra=_USD)]
IncreaseTokens = Annotated[StrictInt, Field(examples=[1_000_000], json_schema_extra=_TOKENS | {"minimum": 0})]
AmountTokens = Annotated[StrictInt, Field(examples=[1_000_000], json_schema_extra=_TOKENS)]


class BudgetIn(BaseModel):
    """What AI requests may cost, or how many tokens they may use, in each period: `amount_usd` or `amount_tokens`."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: StrictStr = Field(
        DEFAULT_NAME,
        description="Name of the budget. Lowercase letters, digits, `-` and `_`.",
        examples=["monthly"],
        json_schema_extra={"pattern": LIMIT_PATTERN},
    )
    amount_usd: AmountUsd | None = Field(None, description="Amount in US dollars, as decimal text.")
    amount_tokens: AmountTokens | None = Field(None, description="Amount in tokens of AI models, read and generated.")
    period: StrictStr = Field(
        description="Calendar period, `rolling` for any `window`, or `total` for all time.",
        examples=["month"],
        json_schema_extra={"enum": list(PERIODS)},
    )
    window: StrictStr | None = Field(
        None, description="Length of a rolling period, from `1s` to `31d`; only with `rolling`.", examples=["24h"]
    )
    time_zone: StrictStr = Field(
        "UTC",
        description="Time zone of days, weeks (from Monday) and months.",
        examples=["Europe/Berlin"],
        json_schema_extra={"maxLength": 64},
    )
    hard: StrictBool = Field(
        True, description="Whether requests that don't fit are refused; otherwise they only cause warnings."
    )


Budgets = Annotated[
    list[BudgetIn],
    Field(examples=[[_EXAMPLE]], json_schema_extra={"maxItems": MAX_BUDGETS}),
]


class BudgetIncreaseOut(BaseModel):
    """A one-time increase of a budget."""

    amount_usd: str | None = Field(description="Amount in US dollars.", examples=["10.00"])
    amount_tokens: int | None = Field(description="Amount in tokens.", examples=[None])
    ends_at: str | None = Field(description="When it ends; `null` = never.", examples=[_ENDS])


class DefaultBudgetOut(BaseModel):
    """A budget for AI requests of a new key."""

    name: str = Field(description="Name of the budget.", examples=["monthly"])
    amount_usd: str | None = Field(description="Amount in US dollars; `null` for tokens.", examples=["25.00"])
    amount_tokens: int | None = Field(description="Amount in tokens; `null` for US dollars.", examples=[None])
    period: PeriodName = Field(description="The period.", examples=["month"])
    window: str | None = Field(description="Length of a rolling period.", examples=[None])
    time_zone: str = Field(description="Time zone of the period.", examples=["Europe/Berlin"])
    hard: bool = Field(description="Whether requests that don't fit are refused.", examples=[True])


class BudgetOut(DefaultBudgetOut):
    """A budget for AI requests."""

    increases: list[BudgetIncreaseOut] = Field(description="One-time increases.")


class BudgetUseOut(BaseModel):
    """The use of a budget in its current period. One of the units is `null` throughout."""

    name: str = Field(
        description="Name of the budget, after `consumer:`, `provider:<name>:` or `instance:` for a shared one.",
        examples=["monthly"],
    )
    period: PeriodName = Field(description="The period.", examples=["month"])
    time_zone: str = Field(description="Time zone of the period.", examples=["Europe/Berlin"])
    hard: bool = Field(description="Whether requests that don't fit are refused.", examples=[True])
    limit_usd: str | None = Field(description="Amount with its increases, in US dollars.", examples=["35.00"])
    limit_tokens: int | None = Field(description="Amount with its increases, in tokens.", examples=[None])
    increase_usd: str | None = Field(description="Its one-time increases in this period.", examples=["10.00"])
    increase_tokens: int | None = Field(description="Its one-time increases in this period.", examples=[None])
    used_usd: str | None = Field(description="Used, reservations included.", examples=["7.35"])
    used_tokens: int | None = Field(description="Used, reservations included.", examples=[None])
    reserved_usd: str | None = Field(description="Reserved by requests that are running.", examples=["0.02"])
    reserved_tokens: int | None = Field(description="Reserved by requests that are running.", examples=[None])
    remaining_usd: str | None = Field(description="Left; never less than 0.", examples=["27.65"])
    remaining_tokens: int | None = Field(description="Left; never less than 0.", examples=[None])
    ends_at: str | None = Field(
        description="When the period ends, or more of a rolling budget is available; `null` = never.", examples=[_ENDS]
    )


class SharedBudgetUseOut(BudgetUseOut):
    """The use of a budget of the instance or of a provider in its current period."""

    name: str = Field(
        description="Name of the budget, after `instance:` or `provider:<name>:`. Requests take it without.",
        examples=["instance:monthly"],
    )


class BudgetIncreaseIn(BaseModel):
    """An amount to add to a budget until its current period ends: `amount_usd` or `amount_tokens`. 0 ends the increases
    that the budget has."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"examples": [{"name": "monthly", "amount_usd": "10.00"}]})

    name: BudgetName = Field(DEFAULT_NAME, description="Name of the budget.")
    amount_usd: AmountUsd | None = Field(None, description="Amount in US dollars; `0` ends the increases.")
    amount_tokens: IncreaseTokens | None = Field(None, description="Amount in tokens; `0` ends the increases.")

    @property
    def amount(self) -> dict[str, Any]:
        """The amount as commands take it."""
        return self.model_dump(include={"amount_usd", "amount_tokens"}, exclude_none=True)


class BudgetResetIn(BaseModel):
    """Budgets to reset."""

    model_config = _INPUT | ConfigDict(json_schema_extra={"examples": [{"budgets": ["monthly"]}]})

    budgets: Annotated[list[BudgetName], Field(max_length=MAX_BUDGETS)] | None = Field(
        None, description="Names of budgets; default: all.", examples=[["monthly"]]
    )


def budgets_of(sent: list[BudgetIn]) -> list[dict[str, Any]]:
    """The budgets as commands take them."""
    return [one.model_dump(exclude_unset=True) for one in sent]
