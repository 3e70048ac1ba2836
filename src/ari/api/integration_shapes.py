"""Requests and responses about integrations."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from ari.api.shapes import Nullable, RequestModel, not_null
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY

ProviderName = Annotated[str, Path(description="Name of a provider, such as `openai`.", examples=["openai"])]
_SPACES = 32
"""Maximum whitespace around a pasted key, which is trimmed."""


class IntegrationIn(RequestModel):
    """A key, a base URL, or both. Changing the base URL deletes the key stored for the old one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "sk-proj-0123456789abcdefghij"}]})

    key: Annotated[StrictStr, Field(max_length=MAX_KEY + _SPACES)] | None = Field(
        None,
        description="The provider's key. It's stored encrypted and never returned.",
        examples=["sk-proj-0123…"],
        json_schema_extra=not_null,
    )
    base_url: Annotated[StrictStr, Field(max_length=MAX_BASE_URL)] | None = Field(
        None,
        description="Base URL, for your own server or a proxy; `null` = the provider's default.",
        examples=["http://127.0.0.1:11434"],
    )


class TestResultOut(BaseModel):
    """Result of a test call."""

    outcome: Literal["works", "rejected", "restricted", "unreachable"] = Field(
        description="`restricted`: the key is valid but lacks permissions; `unreachable`: the provider "
        "couldn't be reached or didn't confirm the key.",
        examples=["works"],
    )
    words: str = Field(description="Result for people.", examples=["OpenAI accepted the key."])


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


class IntegrationsOut(BaseModel):
    """Every provider, on a single page."""

    items: list[IntegrationOut] = Field(description="Providers.")
    next_cursor: None = Field(description="Always `null`.", examples=[None])
