"""``/api/upstreams``: named OpenAI-compatible services of the operator's own."""

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.integration_shapes import IntegrationOut, IntegrationsOut, NewUpstreamIn, UpstreamName
from ari.api.responses import respond
from ari.http.route_policy import AuthMode, policy
from ari.integrations.credentials import state, states
from ari.integrations.facts import integration_facts
from ari.integrations.providers import providers
from ari.integrations.upstream_commands import add_upstream, remove_upstream
from ari.usage.reports.queries import last_uses

router = APIRouter(prefix="/api/upstreams", tags=["Integrations"])


@router.get("", response_model=IntegrationsOut, summary="List named upstreams", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def list_upstreams(deps: CallerDeps) -> Response:
    """The named upstreams, by name. `GET /api/integrations` lists them after the built-in providers."""
    found = await deps.read(states, deps.instance.provider_environment)
    used = await deps.report(last_uses)
    named = [one for one in found if one.provider.name not in providers()]
    find_rest = deps.instance.find_rest
    items = [integration_facts(one, used.get(one.provider.name), find_rest) for one in named]
    return respond({"items": items, "next_cursor": None})


@router.post(
    "",
    status_code=201,
    response_model=IntegrationOut,
    summary="Add a named upstream",
    responses=document_errors("conflict", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def post_upstream(body: NewUpstreamIn, deps: CallerDeps) -> Response:
    """Adds an OpenAI-compatible service under a name of its own: `/api/ai/<name>/v1/…`, with the scopes `ai:<name>` and
    `ai-account:<name>`. Its base URL and keys are changed at `/api/integrations/<name>`. API keys can set only public
    base URLs and those in `ARI_AI_PRIVATE_ADDRESSES`."""
    environment = deps.instance.provider_environment
    listed = environment.private_addresses
    added = await deps.do(add_upstream, body.name, body.title or body.name, body.base_url, listed)
    return respond(integration_facts(await deps.read(state, added, environment)), 201)


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    summary="Remove a named upstream",
    responses=document_errors("not_found", "confirmation_required", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def delete_upstream(name: UpstreamName, deps: CallerDeps) -> Response:
    """Removes an upstream with its keys and base URL. The next request to it is a 404."""
    await deps.do(remove_upstream, name)
    return Response(status_code=204)
