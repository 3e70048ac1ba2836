"""Describes the gateway for OpenAPI. ``Gateway.handle`` serves the requests."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import ConfigDict, RootModel
from starlette.routing import BaseRoute

from ari.gateway.route import METHODS, TEMPLATE, resolve_scope
from ari.http.context import RequestContext
from ari.http.responses import Response
from ari.http.route_policy import AuthMode, FastRoute, policy
from ari.http.services import Services
from ari.integrations.providers import providers

_Provider = Annotated[str, Path(description="A provider, such as `openai`.", examples=["openai"])]
_Rest = Annotated[str, Path(description="The provider's own path.", examples=["v1/chat/completions", "v1/messages"])]
_ERRORS = (
    "forbidden",
    "model_not_allowed",
    "not_found",
    "conflict",
    "unsupported_media_type",
    "request_timeout",
    "provider_rejected",
    "provider_rate_limited",
    "provider_unreachable",
    "provider_timed_out",
)

_SUMMARIES = {
    "GET": "GET from a provider",
    "POST": "POST to a provider",
    "PUT": "PUT to a provider",
    "PATCH": "PATCH at a provider",
    "DELETE": "DELETE at a provider",
}
_FORWARDED = (
    "Forwards the request to the provider with the stored provider key. Bodies and streams are passed through in both "
    "directions. Point an SDK at `/api/ai/<provider>` and use an ARI API key."
)


class ProviderRequestIn(RootModel[dict[str, Any]]):
    """The request body, as the provider defines it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "gpt-5.1", "messages": [{"role": "user", "content": "Hello"}]}]}
    )


class ProviderResponseOut(RootModel[dict[str, Any]]):
    """The provider's response, JSON or a stream of events, forwarded as it arrives. Its errors keep their status and
    body, except when it rejects the provider key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "chatcmpl-1", "object": "chat.completion"}]})


def scopes_for(method: str) -> list[str]:
    """The scopes of which a request with this method needs one; the first is for paths that a provider lists."""
    is_listed = any(one.startswith(f"{method} ") for provider in providers().values() for one in provider.reaches)
    return (["ai:<provider>"] if is_listed else []) + ["ai-account:<provider>"]


def _describe(method: str) -> dict[str, Any]:
    scopes = scopes_for(method)
    security = [{scheme: [scope]} for scope in scopes for scheme in ("ApiKey", "Bearer")]
    words = (
        "Requires scope `ai:<provider>` for inference paths (chat, embeddings, images, speech, the list of models) "
        "and `ai-account:<provider>` for all others, such as files and fine-tuning."
        if len(scopes) > 1
        else "Requires scope `ai-account:<provider>`."
    )
    return {
        "response_model": ProviderResponseOut,
        "summary": _SUMMARIES[method],
        "description": f"{_FORWARDED} {words} API keys only: a session is refused.",
        "openapi_extra": {"security": security},
    }


def routes(
    handler: Callable[[RequestContext, Services], Awaitable[Response | None]],
    problems: Callable[..., dict[int | str, Any]],
) -> list[BaseRoute]:
    """One route for each method that the gateway forwards."""
    router = APIRouter(tags=["AI gateway"])
    answers = problems(*_ERRORS)

    def read_from_provider(provider: _Provider, path: _Rest) -> None:
        """Described by ``_describe``, like the others."""

    def send_to_provider(provider: _Provider, path: _Rest, body: ProviderRequestIn) -> None:
        """For POST."""

    def put_at_provider(provider: _Provider, path: _Rest, body: ProviderRequestIn) -> None:
        """For PUT."""

    def change_at_provider(provider: _Provider, path: _Rest, body: ProviderRequestIn) -> None:
        """For PATCH."""

    def delete_at_provider(provider: _Provider, path: _Rest) -> None:
        """For DELETE."""

    endpoints: tuple[Callable[..., None], ...] = (
        read_from_provider,
        send_to_provider,
        put_at_provider,
        change_at_provider,
        delete_at_provider,
    )
    declare = policy(AuthMode.KEY, scope_resolver=resolve_scope, fast=FastRoute(handler, streams=True))
    for method, endpoint in zip(METHODS, endpoints, strict=True):
        router.add_api_route(TEMPLATE, declare(endpoint), methods=[method], responses=answers, **_describe(method))
    return list(router.routes)
