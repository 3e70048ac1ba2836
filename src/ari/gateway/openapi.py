"""The gateway in the description of the API. What runs is ``Gateway.handle``."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import ConfigDict, RootModel
from starlette.routing import BaseRoute

from ari.gateway.route import METHODS, TEMPLATE, narrowed
from ari.http.access import keys_need
from ari.http.answer import Answer
from ari.http.direct import streamed_by
from ari.http.exchange import Exchange

_Provider = Annotated[str, Path(description="A provider of the gateway, such as `openai`.", examples=["openai"])]
_Rest = Annotated[
    str, Path(description="The rest of the provider's own path.", examples=["v1/chat/completions", "v1/messages"])
]
_ERRORS = (
    "forbidden",
    "not_found",
    "conflict",
    "unsupported_media_type",
    "request_timeout",
    "provider_rejected",
    "provider_unreachable",
    "provider_timed_out",
)


class ProviderRequestIn(RootModel[dict[str, Any]]):
    """What the provider takes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "gpt-5.1", "messages": [{"role": "user", "content": "Hello"}]}]}
    )


class ProviderAnswerOut(RootModel[dict[str, Any]]):
    """The provider's own answer, JSON or a stream of events, passed on as it comes. Its errors keep their status and
    body, but for a refusal of the provider key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "chatcmpl-1", "object": "chat.completion"}]})


def routes(
    handler: Callable[[Exchange], Awaitable[Answer | None]], problems: Callable[..., dict[int | str, Any]]
) -> list[BaseRoute]:
    """One route for what is read and one for what is sent; further methods are forwarded without being described."""
    router = APIRouter(tags=["AI gateway"])
    answers = problems(*_ERRORS)

    @router.get(TEMPLATE, response_model=ProviderAnswerOut, summary="Read from a provider", responses=answers)
    @keys_need(narrowed)
    @streamed_by(handler)
    def read_from_provider(provider: _Provider, path: _Rest) -> None:
        """As a request that sends a body: scope `ai:<provider>` for what the provider is asked for, else
        `ai-account:<provider>`; API keys only."""

    @router.post(TEMPLATE, response_model=ProviderAnswerOut, summary="Send to a provider", responses=answers)
    @keys_need(narrowed)
    @streamed_by(handler)
    def send_to_provider(provider: _Provider, path: _Rest, body: ProviderRequestIn) -> None:
        """Forwarded to the provider with the key that is sealed here, body and answer unchanged and streamed both ways.
        Takes API keys only: scope `ai:<provider>` for what answers questions, `ai-account:<provider>` for all else that
        the provider's key may do. Point an SDK at `/api/ai/<provider>` and give it an API key of this instance."""

    others = [method for method in METHODS if method not in ("GET", "POST")]

    @router.api_route(TEMPLATE, methods=others, include_in_schema=False)
    @keys_need(narrowed)
    @streamed_by(handler)
    def change_at_provider(provider: _Provider, path: _Rest) -> None:
        """As above."""

    return list(router.routes)
