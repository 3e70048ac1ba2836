"""A request between its stages, without an instance."""

from collections.abc import MutableMapping
from typing import Any

from ari.base.served_request import ServedRequest
from ari.http.client_address import client_at, parse_address
from ari.http.context import RequestContext
from ari.http.credentials import read_credentials
from ari.http.request_head import read_head
from ari.http.route_policy import AuthMode, RoutePolicy
from ari.http.route_table import MatchedRoute
from ari.http.usage_record import UsageRecord
from ari.keys.model import ApiKey
from tests.support import asgi
from tests.support.instances import START_MS

ANY_KEY = RoutePolicy(AuthMode.KEY_OR_SESSION)


async def _receive() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_: MutableMapping[str, Any]) -> None:
    pass


def a_key(*scopes: str) -> ApiKey:
    """A living key with these scopes."""
    return ApiKey("key_1", "n", "ari_k_Ab12…yz89", scopes or ("*",), START_MS, "usr_1")


def a_context(
    method: str = "GET",
    target: str = "/api/me",
    *headers: tuple[bytes, bytes],
    key: ApiKey | None = None,
    route: MatchedRoute | None = None,
    recorder: Any = None,
    clock: Any = None,
) -> RequestContext:
    """A request from 192.0.2.7 for ``target``."""
    head = read_head(asgi.scope_of(method, target.encode(), [(b"host", b"127.0.0.1:3000"), *headers]), START_MS)
    instance: Any = None
    return RequestContext(
        instance,
        head,
        client_at(parse_address("192.0.2.7")),
        route or MatchedRoute(head.path, ANY_KEY),
        read_credentials(head),
        [],
        UsageRecord(recorder, clock, 0.0),
        _receive,
        None,
        _send,
        ServedRequest(head.request_id),
        key=key,
    )
