"""``/api/integrations/{provider}/keys``: the stored keys of one provider."""

from fastapi import APIRouter
from starlette.responses import Response

from ari.api.deps import CallerDeps
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.integration_shapes import (
    NewProviderKeyIn,
    ProviderKeyChangeIn,
    ProviderKeyId,
    ProviderKeyOut,
    ProviderName,
    TestResultOut,
)
from ari.api.responses import respond
from ari.api.shapes import find_nulls
from ari.base.errors import Invalid, Problem
from ari.base.problems import Problems
from ari.http.route_policy import AuthMode, policy
from ari.integrations import pool
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.facts import provider_key_facts
from ari.integrations.key_test import probe_provider
from ari.integrations.model import ProviderKey
from ari.integrations.ports import IntegrationTransaction
from ari.integrations.upstreams import find_provider

router = APIRouter(prefix="/api/integrations/{provider}/keys", tags=["Integrations"])


@router.post(
    "",
    status_code=201,
    response_model=ProviderKeyOut,
    summary="Add a provider key",
    responses=document_errors("not_found", "conflict", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def add_provider_key(provider: ProviderName, body: NewProviderKeyIn, deps: CallerDeps) -> Response:
    """Stores one more key of the provider, encrypted. Requests use the keys in turn, or one for each consumer."""
    Problems(find_nulls(body)).raise_found()
    environment = deps.instance.provider_environment
    added = await deps.do(_add, provider, environment, body)
    return respond(provider_key_facts(added), 201)


@router.patch(
    "/{key_id}",
    response_model=ProviderKeyOut,
    summary="Change a provider key",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def change_provider_key(
    provider: ProviderName, key_id: ProviderKeyId, body: ProviderKeyChangeIn, deps: CallerDeps
) -> Response:
    """Changes the label or position of a key, or replaces the key itself, which ends its rejection."""
    if not body.model_fields_set:
        raise Invalid(Problem("key", "Set key, label or position."))
    Problems(find_nulls(body)).raise_found()
    environment = deps.instance.provider_environment
    changed = await deps.do(_change, provider, environment, key_id, body)
    return respond(provider_key_facts(changed, deps.instance.find_rest(changed)))


@router.delete(
    "/{key_id}",
    status_code=204,
    response_class=Response,
    summary="Remove one provider key",
    responses=document_errors("not_found", "confirmation_required", "forbidden", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write", sensitive=True)
async def remove_provider_key(provider: ProviderName, key_id: ProviderKeyId, deps: CallerDeps) -> Response:
    """Deletes one stored key immediately; the provider's other keys stay."""
    await deps.do(_remove, provider, key_id)
    return Response(status_code=204)


@router.post(
    "/{key_id}/test",
    response_model=TestResultOut,
    summary="Test one provider key",
    responses=document_errors("not_found", "not_configured", "rate_limited", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="integrations:write")
async def test_provider_key(provider: ProviderName, key_id: ProviderKeyId, deps: CallerDeps) -> Response:
    """Tests one stored key like `POST /api/integrations/{provider}/test`. If the provider accepts it, requests use it
    again."""
    instance = deps.instance
    wanted = await deps.read(find_provider, provider)
    result = await probe_provider(deps, instance.prober, wanted, instance.provider_environment, key_id)
    return respond({"outcome": result.outcome, "words": result.words})


def _add(
    tx: IntegrationTransaction, provider: str, environment: ProviderEnvironment, body: NewProviderKeyIn
) -> ProviderKey:
    return pool.add_key(tx, find_provider(tx, provider), environment, body.key, body.label or "")


def _change(
    tx: IntegrationTransaction,
    provider: str,
    environment: ProviderEnvironment,
    key_id: str,
    body: ProviderKeyChangeIn,
) -> ProviderKey:
    wanted = find_provider(tx, provider)
    if body.key is not None:
        pool.replace_key(tx, wanted, environment, key_id, body.key)
    return pool.change_key(tx, wanted, key_id, body.label, body.position)


def _remove(tx: IntegrationTransaction, provider: str, key_id: str) -> None:
    pool.remove_key(tx, find_provider(tx, provider), key_id)
