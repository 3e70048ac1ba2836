"""The JSON shapes of integrations."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from ari.api.shapes import Nullable, Sent, not_null
from ari.integrations.checks import MAX_BASE_URL, MAX_KEY

ProviderName = Annotated[str, Path(description="The name of a provider, as the list tells it.", examples=["openai"])]
_SPACES = 32
"""White space around a pasted key, which is cut."""


class IntegrationIn(Sent):
    """A key, a base URL, or both: a base URL is set first, and its change deletes the key sealed for the one before."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"key": "sk-proj-0123456789abcdefghij"}]})

    key: Annotated[StrictStr, Field(max_length=MAX_KEY + _SPACES)] | None = Field(
        None,
        description="The provider's key. It is sealed and never answered again.",
        examples=["sk-proj-0123…"],
        json_schema_extra=not_null,
    )
    base_url: Annotated[StrictStr, Field(max_length=MAX_BASE_URL)] | None = Field(
        None,
        description="Where the provider is, for a server of your own or a proxy; `null` = its built-in address.",
        examples=["http://127.0.0.1:11434"],
    )


class TestResultOut(BaseModel):
    """What the test call told."""

    outcome: Literal["works", "rejected", "restricted", "unreachable"] = Field(
        description="`restricted`: valid, but the key may not do what the test asks; `unreachable`: no verdict came.",
        examples=["works"],
    )
    words: str = Field(description="The same for people.", examples=["OpenAI accepted the key."])


class IntegrationOut(BaseModel):
    """How things stand with one provider. The key itself is never answered."""

    provider: str = Field(description="Its name in addresses and scopes.", examples=["openai"])
    title: str = Field(description="Its name for people.", examples=["OpenAI"])
    state: Literal["not_configured", "configured", "failing"] = Field(
        description="`failing`: the provider refuses the key or cannot be reached.", examples=["configured"]
    )
    source: Literal["environment", "stored"] | None = Field(
        description="Where the key that counts comes from; the environment wins. `null` = there is none.",
        examples=["stored"],
    )
    mask: str | None = Field(description="The first and last characters of that key.", examples=["sk-p…x7Qa"])
    base_url: str | None = Field(description="Where calls go.", examples=["https://api.openai.com"])
    added_at: Nullable = Field(description="When the stored key was added.", examples=["2026-11-02T12:00:00.000Z"])
    added_by: str | None = Field(
        description="Who added the stored key: an account, a key, or a user at the command line.",
        examples=["usr_01KB5Q2W8Z6N4T0V9YRJXH3M7C"],
    )
    last_used_at: Nullable = Field(
        description="The last request that was forwarded to it.", examples=["2026-11-23T08:15:42.317Z"]
    )
    last_tested_at: Nullable = Field(description="The last test.", examples=["2026-11-20T09:00:00.000Z"])
    last_test: TestResultOut | None = Field(description="What that test told.")
    failing_since: Nullable = Field(description="From when on it fails, if it does.", examples=[None])
    failing_reason: str | None = Field(description="Why it fails, for people.", examples=[None])


class IntegrationsOut(BaseModel):
    """Every provider, configured or not. They are few, so there is only one page."""

    items: list[IntegrationOut] = Field(description="The providers.")
    next_cursor: None = Field(description="Always `null`.", examples=[None])
