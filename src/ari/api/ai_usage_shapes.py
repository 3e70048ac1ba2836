"""Statistics of the AI gateway: requests, tokens and costs."""

from typing import Literal

from pydantic import BaseModel, Field

from ari.api.shapes import CompleteUntil
from ari.api.usage_shapes import KEY_ID, SINCE, UNTIL
from ari.usage.reports.ai_summary import TOP as MAX_NAMED


class AiSumsOut(BaseModel):
    """Total usage. Token counts cover the `told_count` requests for which the provider reported them, and costs the
    `priced_count` requests whose cost is known."""

    cost_usd: str | None = Field(
        description="Known costs in US dollars; `null` if no cost is known.", examples=["3.10422"]
    )
    priced_count: int = Field(description="Requests with a known cost.", examples=[118])
    estimated_count: int = Field(description="Requests whose tokens or cost are an estimate.", examples=[1])
    request_count: int = Field(description="Requests to providers.", examples=[120])
    failed_count: int = Field(description="Failed requests.", examples=[2])
    told_count: int = Field(description="Requests with known token counts.", examples=[118])
    input_tokens: int = Field(description="Input tokens, including cached ones.", examples=[98_400])
    output_tokens: int = Field(description="Output tokens.", examples=[20_110])
    cached_tokens: int = Field(description="Input tokens read from a cache.", examples=[41_000])


class AiPartOut(AiSumsOut):
    """Usage from `since` to the next part."""

    since: str = Field(description="Start of the part.", json_schema_extra=SINCE)


class AiCountOut(AiSumsOut):
    last_used_at: str = Field(
        description="Last request.",
        json_schema_extra={"format": "date-time", "examples": ["2026-11-23T14:02:11.402Z"]},
    )


class AiProviderOut(AiCountOut):
    """Usage at one provider."""

    provider: str = Field(description="Provider.", examples=["openai"])


class AiModelOut(AiProviderOut):
    """Usage of one model."""

    model: str | None = Field(description="Model; `null` if no successful response named it.", examples=["gpt-5.1"])


class AiKeyOut(AiCountOut):
    """Usage by one key."""

    key_id: str = Field(description="Key ID.", examples=[KEY_ID])
    name: str | None = Field(description="Name of the key.", examples=["Automation Script"])


class AiKeySummaryOut(AiSumsOut):
    """AI gateway usage by one key, between two whole hours."""

    since: str = Field(description="Start, a whole hour.", json_schema_extra=SINCE)
    until: str = Field(description="End (exclusive), a whole hour.", json_schema_extra=UNTIL)
    by: Literal["hour", "day", "week"] = Field(description="Length of the parts.", examples=["day"])
    time_zone: str = Field(description="Time zone of days and weeks.", examples=["UTC"])
    complete_until: CompleteUntil
    parts: list[AiPartOut] = Field(description="Parts of the range, including those without requests.")
    providers: list[AiProviderOut] = Field(description="By provider, highest cost first.")
    models: list[AiModelOut] = Field(description=f"By provider and model, at most {MAX_NAMED}, highest cost first.")


class AiGroupOut(AiCountOut):
    """Usage of the keys that a consumer or tag has now."""

    group: str = Field(description="Consumer ID, or the tag.", examples=["billing"])
    name: str = Field(description="Name of the consumer, or the tag.", examples=["billing"])


class AiSummaryOut(AiKeySummaryOut):
    """AI gateway usage by all keys, between two whole hours."""

    keys: list[AiKeyOut] = Field(description=f"By key, at most {MAX_NAMED}, highest cost first.")
    groups: list[AiGroupOut] | None = Field(
        description=f"With `group_by`: at most {MAX_NAMED} consumers or tags, highest cost first; otherwise `null`. A "
        "key with several tags counts in each.",
        examples=[
            [
                {
                    "group": "billing",
                    "name": "billing",
                    "cost_usd": "3.10422",
                    "priced_count": 118,
                    "estimated_count": 1,
                    "request_count": 120,
                    "failed_count": 2,
                    "told_count": 118,
                    "input_tokens": 98_400,
                    "output_tokens": 20_110,
                    "cached_tokens": 41_000,
                    "last_used_at": "2026-11-23T14:02:11.402Z",
                }
            ]
        ],
    )
