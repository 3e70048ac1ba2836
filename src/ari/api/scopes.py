"""``/api/scopes``: list, declare, describe and remove scopes, and list the keys that hold one."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from ari import keys
from ari.api.deps import CallerDeps, describe_keys
from ari.api.error_docs import BODY_ERRORS, document_errors
from ari.api.key_shapes import KeysOut
from ari.api.responses import respond, respond_page
from ari.api.scope_shapes import NewScopeIn, RemoveScopeIn, ScopeChangeIn, ScopeKeysIn, ScopeName, ScopeOut, ScopesOut
from ari.http.route_policy import AuthMode, policy
from ari.keys.scope_queries import scope_facts

router = APIRouter(prefix="/api/scopes", tags=["Scopes"])


@router.get("", response_model=ScopesOut, summary="List scopes", responses=document_errors())
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:read")
async def list_scopes(deps: CallerDeps) -> Response:
    """The scopes of your own API and ARI's own."""
    found = await deps.read(keys.list_scopes)
    return respond({"items": [scope_facts(scope) for scope in found], "next_cursor": None})


@router.post(
    "",
    status_code=201,
    response_model=ScopeOut,
    summary="Declare a scope",
    responses=document_errors("scope_exists", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def declare_scope(body: NewScopeIn, deps: CallerDeps) -> Response:
    """Declares a scope of your own API. No key gets it: that takes a caller that holds it, such as one with `*`."""
    scope = await deps.do(keys.declare_scope, body.name, body.description)
    return respond(scope_facts(await deps.read(keys.read_scope, scope.name)), 201)


@router.get(
    "/{name}", response_model=ScopeOut, summary="Get a scope", responses=document_errors("not_found", "invalid")
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:read")
async def read_scope(name: ScopeName, deps: CallerDeps) -> Response:
    """A scope and how many active keys hold it."""
    return respond(scope_facts(await deps.read(keys.read_scope, name)))


@router.patch(
    "/{name}",
    response_model=ScopeOut,
    summary="Change a scope's description",
    responses=document_errors("not_found", "conflict", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def describe_scope(name: ScopeName, body: ScopeChangeIn, deps: CallerDeps) -> Response:
    """A scope can't be renamed: your API asks for it by name."""
    await deps.do(keys.describe_scope, name, body.description)
    return respond(scope_facts(await deps.read(keys.read_scope, name)))


@router.delete(
    "/{name}",
    status_code=204,
    response_class=Response,
    summary="Remove a scope",
    responses=document_errors("not_found", "scope_in_use", "conflict", *BODY_ERRORS),
)
@policy(AuthMode.KEY_OR_SESSION, scope="scopes:write")
async def remove_scope(name: ScopeName, deps: CallerDeps, query: Annotated[RemoveScopeIn, Query()]) -> Response:
    """Verifications that name it are a 422 from then on. If active keys or presets list it by name, removing it needs
    `force`. A preset without another scope is removed, too; if it was the default, `standard` is the default again. If
    new keys of a kind get the scope, change that kind first: it is a 409 even with `force`."""
    await deps.do(keys.remove_scope, name, query.force)
    return Response(status_code=204)


@router.get(
    "/{name}/keys",
    response_model=KeysOut,
    summary="List the keys with a scope",
    responses=document_errors("not_found", "invalid"),
)
@policy(AuthMode.KEY_OR_SESSION, scope="keys:read")
async def list_keys_with_scope(name: ScopeName, deps: CallerDeps, query: Annotated[ScopeKeysIn, Query()]) -> Response:
    """The active keys that may do what the scope allows, including by a wildcard; newest first."""
    found = await deps.read(keys.list_keys_with_scope, name, query.before_id, query.limit + 1)
    return respond_page(await describe_keys(deps, found), query.limit)
