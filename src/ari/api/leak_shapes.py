"""Requests and responses of ``/api/leaks``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel, StrictStr

from ari.api.shapes import RequestModel

_EXAMPLE: dict[str, JsonValue] = {
    "token": "ari_k_" + "0" * 49,
    "url": "https://git.example.com/app/config.env",
    "source": "Nightly scan",
}


class LeakIn(RequestModel):
    """A key that was found where others can read it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    token: Annotated[StrictStr, Field(min_length=1, max_length=500)] = Field(
        description="The whole key, or a line with keys. Other text in it is ignored.",
        examples=[_EXAMPLE["token"]],
    )
    url: Annotated[StrictStr, Field(max_length=2_000)] | None = Field(
        None,
        description="The http(s) URL where it was found. Stored without user, query and fragment.",
        examples=[_EXAMPLE["url"]],
    )
    source: Annotated[StrictStr, Field(max_length=200)] | None = Field(
        None, description="The person, program or place that the report comes from.", examples=[_EXAMPLE["source"]]
    )


_HASH = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_ALERT: dict[str, JsonValue] = {
    "token": "ari_k_" + "0" * 49,
    "type": "ari_api_key",
    "url": "https://github.com/octocat/app/blob/main/config.env",
    "source": "content",
}


class GitHubAlertIn(BaseModel):
    """A match of GitHub's secret scanning. Fields that ARI doesn't know are ignored."""

    model_config = ConfigDict(hide_input_in_errors=True, json_schema_extra={"examples": [_ALERT]})

    token: StrictStr = Field(description="The text that GitHub found.", examples=[_ALERT["token"]])
    type: StrictStr = Field(description="GitHub's name of the pattern.", examples=[_ALERT["type"]])
    url: StrictStr | None = Field(None, description="Where it was found.", examples=[_ALERT["url"]])
    source: StrictStr | None = Field(
        None, description="The kind of place, such as `content` or `commit`.", examples=[_ALERT["source"]]
    )


class GitHubLabelOut(BaseModel):
    """Feedback on one match."""

    token_hash: str = Field(description="SHA-256 of the token, hexadecimal.", examples=[_HASH])
    token_type: str = Field(description="`type` of the alert.", examples=[_ALERT["type"]])
    label: Literal["true_positive", "false_positive"] = Field(
        description="`true_positive` if it is or was a key of this instance.", examples=["true_positive"]
    )


class GitHubLabelsOut(RootModel[list[GitHubLabelOut]]):
    """Feedback on every match, in the order of the request."""


class LeakReportedOut(BaseModel):
    """The same for every report."""

    status: Literal["received"] = Field(description="Always `received`.", examples=["received"])
