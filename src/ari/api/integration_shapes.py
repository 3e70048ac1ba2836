"""Requests and responses about integrations."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from ari.api.shapes import Nullable, RequestModel, not_null
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY
from ari.integrations.model import KeyChoice
from ari.integrations.pool import MAX_KEYS, MAX_LABEL
from ari.integrations.upstreams import MAX_TITLE, NAME_PATTERN

ProviderName = Annotated[
    str, Path(description="Name of a provider, such as `openai`, or of a named upstream.", examples=["openai"])
]
ProviderKeyId = Annotated[str, Path(description="ID of a provider key.", examples=["pky_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])]
UpstreamName = Annotated[str, Path(description="Name of an upstream, such as `vllm-a`.", examples=["vllm-a"])]
_SPACES = 32
"""Maximum whitespace around a pasted key, which is trimmed."""


class IntegrationIn(RequestModel):
    """A key, a base URL, or how keys are chosen. Changing the base URL deletes the keys stored for the old one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "sk-proj-0123456789abcdefghij"}]})

    key: Annotated[StrictStr, Field(max_length=MAX_KEY + _SPACES)] | None = Field(
        None,
        description="The provider's key, or the first of several. It's stored encrypted and never returned.",
        examples=["sk-proj-0123…"],
        json_schema_extra=not_null,
    )
    base_url: Annotated[StrictStr, Field(max_length=MAX_BASE_URL)] | None = Field(
        None,
        description="Base URL, for your own server or a proxy; `null` = the provider's default.",
        examples=["http://127.0.0.1:11434"],
    )
    key_choice: KeyChoice | None = Field(
        None,
        description="How a request gets one of several keys: each in turn, or always the same one for a consumer.",
        examples=["round_robin"],
        json_schema_extra=not_null,
    )


class NewProviderKeyIn(RequestModel):
    """One more key of a provider."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "sk-proj-0123456789abcdefghij", "label": "EU"}]})

    key: Annotated[StrictStr, Field(max_length=MAX_KEY + _SPACES)] = Field(
        description="The key. It's stored encrypted and never returned.", examples=["sk-proj-0123…"]
    )
    label: Annotated[StrictStr, Field(max_length=MAX_LABEL)] | None = Field(
        None, description="Name of the key, for people.", examples=["EU"], json_schema_extra=not_null
    )


class ProviderKeyChangeIn(RequestModel):
    """Another label or position, or another key in its place."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "EU", "position": 0}]})

    key: Annotated[StrictStr, Field(max_length=MAX_KEY + _SPACES)] | None = Field(
        None, description="The new key.", examples=["sk-proj-0123…"], json_schema_extra=not_null
    )
    label: Annotated[StrictStr, Field(max_length=MAX_LABEL)] | None = Field(
        None, description="Name of the key, for people.", examples=["EU"], json_schema_extra=not_null
    )
    position: Annotated[StrictInt, Field(ge=0, le=MAX_KEYS)] | None = Field(
        None,
        description="Its place among the provider's keys, counted from 0. The first is the one that tests use.",
        examples=[0],
        json_schema_extra=not_null,
    )


class NewUpstreamIn(RequestModel):
    """An OpenAI-compatible service."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "vllm-a", "title": "vLLM A", "base_url": "https://vllm-a.example.com/v1"}]
        }
    )

    name: Annotated[StrictStr, Field(max_length=40, json_schema_extra={"pattern": NAME_PATTERN})] = Field(
        description="Name in URLs and scopes. It can't be changed.", examples=["vllm-a"]
    )
    title: Annotated[StrictStr, Field(max_length=MAX_TITLE)] | None = Field(
        None, description="Name for people; the name if left out.", examples=["vLLM A"]
    )
    base_url: Annotated[StrictStr, Field(max_length=MAX_BASE_URL)] = Field(
        description="Base URL, with or without `/v1`.", examples=["https://vllm-a.example.com/v1"]
    )


class TestResultOut(BaseModel):
    """Result of a test call."""

    outcome: Literal["works", "rejected", "restricted", "unreachable"] = Field(
        description="`restricted`: the key is valid but lacks permissions; `unreachable`: the provider "
        "couldn't be reached or didn't confirm the key.",
        examples=["works"],
    )
    words: str = Field(description="Result for people.", examples=["OpenAI accepted the key."])


class ProviderKeyOut(BaseModel):
    """One stored key of a provider. The key itself is never returned."""

    id: str = Field(description="ID.", examples=["pky_01KB5Q2W8Z6N4T0V9YRJXH3M7C"])
    label: str = Field(description="Name for people; may be empty.", examples=["EU"])
    mask: str = Field(description="First and last characters of the key.", examples=["sk-p…x7Qa"])
    state: Literal["working", "rejected", "resting"] = Field(
        description="`rejected`: the provider refused it. Of several keys, such a key is not used until it is replaced "
        "or a test succeeds. `resting`: the provider limits it; each worker has its own record, and this is the one "
        "that responds.",
        examples=["working"],
    )
    added_at: Nullable = Field(description="When it was added.", examples=["2026-11-02T12:00:00.000Z"])
    added_by: str = Field(
        description="ID of the account or key that added it, or the command-line user.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    last_tested_at: Nullable = Field(description="Last test.", examples=["2026-11-20T09:00:00.000Z"])
    last_test: TestResultOut | None = Field(description="Result of the last test.")
    failing_since: Nullable = Field(description="When the provider rejected it.", examples=[None])
    failing_reason: str | None = Field(description="Why it's rejected, for people.", examples=[None])
    rests_until: Nullable = Field(description="When a resting key is used again.", examples=[None])
    rests_for: list[str] = Field(
        description="The models for which the provider limits a resting key; it serves others. Empty: all.",
        examples=[[]],
    )


class IntegrationOut(BaseModel):
    """Status of one provider. The key itself is never returned."""

    provider: str = Field(description="Name in URLs and scopes.", examples=["openai"])
    title: str = Field(description="Name for people.", examples=["OpenAI"])
    state: Literal["not_configured", "configured", "failing"] = Field(
        description="`failing`: the provider rejects the key or is unreachable.", examples=["configured"]
    )
    source: Literal["environment", "stored"] | None = Field(
        description="Source of the key; environment variables take precedence. `null` = no key.",
        examples=["stored"],
    )
    mask: str | None = Field(description="First and last characters of the key.", examples=["sk-p…x7Qa"])
    base_url: str | None = Field(description="Base URL in use.", examples=["https://api.openai.com"])
    added_at: Nullable = Field(description="When the stored key was added.", examples=["2026-11-02T12:00:00.000Z"])
    added_by: str | None = Field(
        description="ID of the account or key that added the stored key, or the command-line user.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    last_used_at: Nullable = Field(
        description="Last request forwarded to the provider.", examples=["2026-11-23T08:15:42.317Z"]
    )
    last_tested_at: Nullable = Field(description="Last test.", examples=["2026-11-20T09:00:00.000Z"])
    last_test: TestResultOut | None = Field(description="Result of the last test.")
    failing_since: Nullable = Field(description="Since when it has been failing; `null` if it isn't.", examples=[None])
    failing_reason: str | None = Field(description="Why it's failing, for people.", examples=[None])
    key_choice: KeyChoice = Field(description="How a request gets one of several keys.", examples=["round_robin"])
    keys: list[ProviderKeyOut] = Field(description="The stored keys. `mask` and the times above are of the first.")


class IntegrationsOut(BaseModel):
    """Every provider, on a single page."""

    items: list[IntegrationOut] = Field(description="Providers.")
    next_cursor: None = Field(description="Always `null`.", examples=[None])
