"""``/api/integrations``: provider keys, which are set but never returned."""

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.integration_shapes import IntegrationIn, IntegrationOut, IntegrationsOut, ProviderName, TestResultOut
from ari.api.responses import respond
from ari.api.shapes import find_nulls
from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.deps import Deps
from ari.http.route_policy import AuthMode, policy
from ari.integrations import commands, pool
from ari.integrations.credentials import state, states
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import integration_facts
from ari.integrations.key_test import probe_provider
from ari.integrations.model import Provider, State
from ari.integrations.upstreams import find_provider
from ari.usage.reports.queries import last_uses

router = APIRouter(prefix="/api/integrations", tags=["Integrations"])


@router.get("", response_model=IntegrationsOut, summary="List integrations", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def list_integrations(deps: CallerDeps) -> Response:
    """Every supported provider and its status. Keys are masked to their first and last characters."""
    environment = deps.instance.provider_environment
    found = await deps.read(states, environment)
    used = await deps.report(last_uses)
    items = [integration_facts(one, used.get(one.provider.name), deps.instance.find_rest) for one in found]
    return respond({"items": items, "next_cursor": None})


@router.get(
    "/{provider}", response_model=IntegrationOut, summary="Read an integration", responses=document_errors("not_found")
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def read_integration(provider: ProviderName, deps: CallerDeps) -> Response:
    """Status of one provider."""
    return await _respond(deps, await deps.read(find_provider, provider))


@router.put(
    "/{provider}",
    response_model=IntegrationOut,
    summary="Set a provider key or base URL",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def put_integration(provider: ProviderName, body: IntegrationIn, deps: CallerDeps) -> Response:
    """Stores the key encrypted, replaces the previous one (of several, the first), and sends it only to the base URL it
    was saved for. API keys can set only public base URLs and those in `ARI_AI_PRIVATE_ADDRESSES`, and can't change
    `resend`, because ARI sends its own email through it."""
    Problems(find_nulls(body, {"base_url"})).raise_found()
    if not body.model_fields_set:
        raise Invalid(Problem("key", "Set key, base_url, key_choice or several of them."))
    wanted = await deps.do(_put, provider, deps.instance.provider_environment, body)
    return await _respond(deps, wanted)


@router.delete(
    "/{provider}",
    status_code=204,
    response_class=Response,
    summary="Remove a provider key",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def delete_integration(provider: ProviderName, deps: CallerDeps) -> Response:
    """Deletes the stored keys and base URL immediately. Keys set in the environment can't be removed here."""
    await deps.do(commands.remove, await deps.read(find_provider, provider))
    return Response(status_code=204)


@router.post(
    "/{provider}/test",
    response_model=TestResultOut,
    summary="Test a provider key",
    responses=document_errors("not_found", "not_configured", "rate_limited", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def test_integration(provider: ProviderName, deps: CallerDeps) -> Response:
    """Makes one side-effect-free call to the provider, within 10 seconds, and returns whether the key works. API keys
    can make 30 tests an hour in total. If an API key set the base URL, tests by API keys don't report why a connection
    failed."""
    instance = deps.instance
    wanted = await deps.read(find_provider, provider)
    result = await probe_provider(deps, instance.prober, wanted, instance.provider_environment)
    return respond({"outcome": result.outcome, "words": result.words})


async def _respond(deps: Deps, provider: Provider) -> Response:
    environment = deps.instance.provider_environment
    found: State = await deps.read(state, provider, environment)
    used = await deps.report(last_uses)
    return respond(integration_facts(found, used.get(provider.name), deps.instance.find_rest))


def _put(tx: commands.BaseUrlTransaction, name: str, environment: ProviderEnvironment, body: IntegrationIn) -> Provider:
    provider = find_provider(tx, name)
    if "base_url" in body.model_fields_set:
        commands.set_base_url(tx, provider, body.base_url, environment.private_addresses)
    if body.key is not None:
        commands.put_key(tx, provider, environment, body.key)
    if body.key_choice is not None:
        pool.set_key_choice(tx, provider, body.key_choice)
    return provider
