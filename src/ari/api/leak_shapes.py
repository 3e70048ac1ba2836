"""Requests and responses of ``/api/leaks``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr

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
        description="The whole key, as it was found.", examples=[_EXAMPLE["token"]]
    )
    url: Annotated[StrictStr, Field(max_length=2_000)] | None = Field(
        None,
        description="The http(s) URL where it was found. Stored without user, query and fragment.",
        examples=[_EXAMPLE["url"]],
    )
    source: Annotated[StrictStr, Field(max_length=200)] | None = Field(
        None, description="The person, program or place that the report comes from.", examples=[_EXAMPLE["source"]]
    )


class LeakReportedOut(BaseModel):
    """The same for every report."""

    status: Literal["received"] = Field(description="Always `received`.", examples=["received"])
