"""``/api/integrations``: provider keys. They come in and never go out again."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.here import WITH_BODY, Here, answer, problems
from ari.api.integration_shapes import IntegrationIn, IntegrationOut, IntegrationsOut, ProviderName, TestResultOut
from ari.base.caller import Caller
from ari.base.errors import Invalid, Problem
from ari.http.route_policy import AuthMode, policy
from ari.integrations import manage
from ari.integrations.credentials import state, states
from ari.integrations.facts import integration_facts
from ari.integrations.model import Provider, State
from ari.integrations.providers import provider_named
from ari.storage.transaction import Transaction

router = APIRouter(prefix="/api/integrations", tags=["Integrations"])


@router.get("", response_model=IntegrationsOut, summary="List integrations", responses=problems())
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def list_integrations(here: Here) -> Response:
    """Every supported provider and its status. Keys are masked to their first and last characters."""
    environment = here.instance.provider_environment
    found = await here.instance.aread(lambda unit: states(unit, environment))
    used = await here.instance.areport(lambda reader: reader.ai_last_used())
    items = [integration_facts(one, used.get(one.provider.name)) for one in found]
    return answer({"items": items, "next_cursor": None})


@router.get(
    "/{provider}", response_model=IntegrationOut, summary="Read an integration", responses=problems("not_found")
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:read")
async def read_integration(provider: ProviderName, here: Here) -> Response:
    """Status of one provider."""
    return await _answered(here, provider_named(provider))


@router.put(
    "/{provider}",
    response_model=IntegrationOut,
    summary="Set a provider key or base URL",
    responses=problems("not_found", "confirmation_required", "forbidden", *WITH_BODY),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def put_integration(provider: ProviderName, body: IntegrationIn, here: Here) -> Response:
    """Stores the key encrypted, replaces the previous one, and sends it only to the base URL it was saved for. API keys
    can set only public base URLs and those in `ARI_AI_PRIVATE_ADDRESSES`, and can't change `resend`, because ARI sends
    its own email through it."""
    wanted, given = provider_named(provider), body.model_fields_set
    if not given or (body.key is None and "base_url" not in given):
        raise Invalid(Problem("key", "Set key, base_url or both."))
    instance = here.instance
    listed = instance.provider_environment.private_addresses

    def put(unit: Transaction, by: Caller) -> None:
        now_ms = instance.now_ms()
        if "base_url" in given:
            manage.set_base_url(unit, by, now_ms, wanted, body.base_url, listed)
        if body.key is not None:
            environment = instance.provider_environment
            manage.put_key(unit, instance.master_keys, by, now_ms, wanted, environment, body.key)

    await instance.acommand(here.caller, put)
    return await _answered(here, wanted)


@router.delete(
    "/{provider}",
    status_code=204,
    response_class=Response,
    summary="Remove a provider key",
    responses=problems("not_found", "confirmation_required", "forbidden", *WITH_BODY),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def delete_integration(provider: ProviderName, here: Here) -> Response:
    """Deletes the stored key and base URL immediately. Keys set in the environment can't be removed here."""
    wanted, now_ms = provider_named(provider), here.instance.now_ms
    await here.instance.acommand(here.caller, lambda unit, by: manage.remove(unit, by, now_ms(), wanted))
    return Response(status_code=204)


@router.post(
    "/{provider}/test",
    response_model=TestResultOut,
    summary="Test a provider key",
    responses=problems("not_found", "not_configured", "rate_limited", *WITH_BODY),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def test_integration(provider: ProviderName, here: Here) -> Response:
    """Makes one side-effect-free call to the provider, within 10 seconds, and returns whether the key works. API keys
    can make 30 tests an hour in total. If an API key set the base URL, tests by API keys don't report why a connection
    failed."""
    result = await here.instance.atest_integration(here.caller, provider_named(provider))
    return answer({"outcome": result.outcome, "words": result.words})


async def _answered(here: Any, provider: Provider) -> Response:
    environment = here.instance.provider_environment
    found: State = await here.instance.aread(lambda unit: state(unit, provider, environment))
    used = await here.instance.areport(lambda reader: reader.ai_last_used())
    return answer(integration_facts(found, used.get(provider.name)))
