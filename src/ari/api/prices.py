"""``/api/prices``: the operator's own prices of models, and discounts."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictStr
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.responses import respond
from ari.api.shapes import RequestModel
from ari.http.route_policy import AuthMode, policy
from ari.integrations.ai_rules.price_fields import MAX_ENTRIES, MAX_PATTERN_LENGTH
from ari.prices.replace import get_prices, replace_prices

router = APIRouter(prefix="/api/prices", tags=["Integrations"])

_PATTERN = "Provider and model; `*` matches any text. Of several patterns that match, the longest counts."
_PRICES: list[JsonValue] = [{"model": "openai/gpt-5*", "input_usd": "1.10", "output_usd": "8.80"}]
_DISCOUNTS: list[JsonValue] = [{"model": "anthropic/*", "percent": "15"}]


class ModelPriceIn(RequestModel):
    """Prices in US dollars per million tokens; left out: the price of other input or output tokens."""

    input_usd: StrictStr | None = Field(None, description="Input tokens; left out: free.", examples=["1.10"])
    output_usd: StrictStr | None = Field(None, description="Output tokens; left out: free.", examples=["8.80"])
    cached_input_usd: StrictStr | None = Field(None, description="Input read from a cache.", examples=["0.11"])
    cache_write_usd: StrictStr | None = Field(None, description="Input written to a cache.", examples=["1.40"])
    input_audio_usd: StrictStr | None = Field(None, description="Audio input.", examples=["32.00"])
    output_audio_usd: StrictStr | None = Field(None, description="Audio output.", examples=["64.00"])
    input_image_usd: StrictStr | None = Field(None, description="Image input.", examples=["5.00"])
    output_image_usd: StrictStr | None = Field(None, description="Image output.", examples=["40.00"])
    per_request_usd: StrictStr | None = Field(
        None, description="Each request, in US dollars, in addition to its tokens.", examples=["0.005"]
    )


class OwnPriceIn(ModelPriceIn):
    """Your own price of models."""

    model: StrictStr = Field(max_length=MAX_PATTERN_LENGTH, description=_PATTERN, examples=["openai/gpt-5*"])


class DiscountIn(RequestModel):
    """A percentage off every price, your own ones included."""

    model: StrictStr = Field(max_length=MAX_PATTERN_LENGTH, description=_PATTERN, examples=["anthropic/*"])
    percent: StrictStr = Field(description="From 0 to 100.", examples=["15"])


class PricesIn(RequestModel):
    """All own prices and discounts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"prices": _PRICES, "discounts": _DISCOUNTS}]})

    prices: list[OwnPriceIn] = Field(
        [], description=f"Own prices, at most {MAX_ENTRIES}; they replace the bundled ones.", examples=[_PRICES]
    )
    discounts: list[DiscountIn] = Field([], description=f"Discounts, at most {MAX_ENTRIES}.", examples=[_DISCOUNTS])


class OwnPriceOut(BaseModel):
    """Prices in US dollars per million tokens; `null`: not set."""

    model: str = Field(description=_PATTERN, examples=["openai/gpt-5*"])
    input_usd: str | None = Field(description="Input tokens.", examples=["1.10"])
    output_usd: str | None = Field(description="Output tokens.", examples=["8.80"])
    cached_input_usd: str | None = Field(description="Input read from a cache.", examples=["0.11"])
    cache_write_usd: str | None = Field(description="Input written to a cache.", examples=["1.40"])
    input_audio_usd: str | None = Field(description="Audio input.", examples=["32.00"])
    output_audio_usd: str | None = Field(description="Audio output.", examples=["64.00"])
    input_image_usd: str | None = Field(description="Image input.", examples=["5.00"])
    output_image_usd: str | None = Field(description="Image output.", examples=["40.00"])
    per_request_usd: str | None = Field(description="Each request, in US dollars.", examples=["0.005"])


class DiscountOut(BaseModel):
    """A percentage off every price."""

    model: str = Field(description=_PATTERN, examples=["anthropic/*"])
    percent: str = Field(description="From 0 to 100.", examples=["15"])


class PricesOut(BaseModel):
    """All own prices and discounts, and the version of all prices."""

    version: str = Field(
        description="Version of the bundled prices, and after `+` how often your own were changed.",
        examples=["0.2.3+7"],
    )
    library_version: str = Field(description="Version of the bundled prices of `genai-prices`.", examples=["0.2.3"])
    prices: list[OwnPriceOut] = Field(description="Own prices.")
    discounts: list[DiscountOut] = Field(description="Discounts.")


@router.get("", response_model=PricesOut, summary="Get your own prices", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def read_prices(deps: CallerDeps) -> Response:
    """Models without a price of your own have that of the bundled library `genai-prices`, if it knows them."""
    return respond(await deps.read(get_prices))


@router.put(
    "",
    response_model=PricesOut,
    summary="Replace your own prices",
    responses=document_errors("confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def put_prices(body: PricesIn, deps: CallerDeps) -> Response:
    """Replaces all own prices and discounts. They count from the next request on; requests that are running, and
    costs that are logged, keep theirs. Amounts are in US dollars, as text."""
    return respond(await deps.do(replace_prices, body.model_dump()))
