"""security.md 1: no spelling of a path grants more than the exact one, and no endpoint runs unauthorized.

Every route of the running app is requested in thousands of spellings, with no credential, a key without the scope, a
key with it, and a session. The endpoints are replaced by probes that record which of them ran.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from starlette.responses import Response
from starlette.routing import Route

from ari.accounts import sessions
from ari.accounts.model import Account
from ari.deps import Deps
from ari.http.cookies import session_cookie_name
from ari.http.dispatch import Dispatcher
from ari.http.middleware import Middleware
from ari.http.responses import Response as WholeResponse
from ari.http.route_policy import AuthMode, RoutePolicy, policy_of
from ari.http.route_table import NO_ROUTE
from ari.instance import Instance
from ari.keys import scopes
from ari.server import build_app
from ari.storage.transaction import Transaction
from tests.support import asgi, raw
from tests.support.asgi import AsgiResponse
from tests.support.commands import create_key
from tests.support.instances import opened
from tests.support.routes import example_of
from tests.support.spellings import spellings

HOST = (b"host", b"127.0.0.1:3000")
SEED = 20261128
SHARE = float(os.environ.get("ARI_TEST_SPELLINGS", "0.15"))
"""The share of each route's spellings that is requested: each costs 1 ms. ``make fuzz`` requests all of them."""
METHODS = ("GET", "POST", "HEAD", "DELETE", "OPTIONS", "get", "TRACE")
AT_ONCE = 64
"""Requests in progress: their rows in the usage log share commits, which would take half of the time."""
OVERRIDES = [(b"x-http-method-override", b"GET"), (b"x-original-url", b"/api/health"), (b"x-rewrite-url", b"/sign-in")]


@dataclass
class Caller:
    """The caller; ``held`` are the scopes of its key."""

    name: str
    headers: list[tuple[bytes, bytes]]
    held: tuple[str, ...] = ()
    has_key: bool = False
    has_session: bool = False

    def is_permitted(self, wanted: RoutePolicy, method: str) -> bool:
        """The rule, said once more and apart from the guard. No caller here sends a CSRF token."""
        if wanted.auth in (AuthMode.OPEN, AuthMode.FORWARD_AUTH):  # the handler of the latter decides
            return True
        if self.has_key:
            needs = wanted.scope is None or any(_covers(one, wanted.scope) for one in self.held)
            return wanted.auth in (AuthMode.KEY, AuthMode.KEY_OR_SESSION) and needs
        if method not in ("GET", "HEAD", "OPTIONS"):
            return False
        if wanted.auth is AuthMode.VISITOR:
            return True
        return self.has_session and wanted.auth is not AuthMode.KEY


def _covers(held: str, wanted: str) -> bool:
    resource, _, action = held.partition(":")
    return held in ("*", wanted) or (action == "*" and wanted.startswith(f"{resource}:"))


@dataclass
class Probed:
    """The guard of the real app, around probes."""

    guard: Middleware
    routes: list[Route]

    async def call(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]]
    ) -> tuple[AsgiResponse, list[RoutePolicy]]:
        """Send one request; returns the response and the access of each endpoint that ran."""
        ran: list[RoutePolicy] = []
        _ran.set(ran)
        return await asgi.call(self.guard, method, target, headers), ran


_ran: ContextVar[list[RoutePolicy]] = ContextVar("ran")
"""Of one request: the access of each endpoint that ran."""


def _probe(real: Any) -> Any:
    """An endpoint with the declarations of a real one, which only says that it ran."""
    declared = policy_of(real)

    async def endpoint(request: Any) -> Response:
        _ran.get().append(declared)
        return Response(status_code=299)

    async def handler(context: Any, services: Any) -> WholeResponse:
        _ran.get().append(context.route.policy)
        return WholeResponse(299, [], b"")

    fast = None if declared.fast is None else replace(declared.fast, handler=handler)
    marked: Any = endpoint
    marked.__ari_policy__ = replace(declared, fast=fast)
    return endpoint


async def _no_router(scope: Any, receive: Any, send: Any) -> None:
    """The framework's router decides nothing."""
    raise AssertionError(f"the router was asked for {scope}")


@contextmanager
def probed_app(instance: Instance) -> Iterator[Probed]:
    """The real routes in a guard of their own."""
    real = build_app(instance)
    router: Any = real.app
    routes = [Route(one.path, _probe(one.endpoint), methods=list(one.methods)) for one in router.routes]
    found = Probed(Middleware(_no_router, instance, routes, real.error_page), routes)
    found.guard.app = Dispatcher(_no_router, found.guard.events.report_unauthorized)
    yield found


def callers(instance: Instance) -> list[Caller]:
    """No credential, a key with almost nothing, a key with everything, a session."""
    narrow = create_key(instance, scopes=("api:read",))
    wide = create_key(instance, scopes=("*",))
    account = Account("usr_1", "owner@example.com", "a hash", instance.now_ms())

    def sign_in(tx: Transaction) -> str:
        tx.accounts.add_owner(account)
        return sessions.start(tx, account)

    token = Deps(instance).do_sync(sign_in)
    cookie = f"{session_cookie_name(instance.settings)}={token}".encode()
    return [
        Caller("nobody", []),
        Caller("narrow key", [(b"x-api-key", narrow.secret.encode())], ("api:read",), has_key=True),
        Caller("wide key", [(b"x-api-key", wide.secret.encode())], ("*",), has_key=True),
        Caller("session", [(b"cookie", cookie), (b"sec-fetch-site", b"same-origin")], has_session=True),
    ]


def test_no_spelling_grants_more_than_the_exact_one(data_dir: Path) -> None:
    """Some spellings of each route, by four callers: what ran is what the caller may."""
    asyncio.run(_ask_for_all(data_dir))


async def _ask_for_all(data_dir: Path) -> None:
    chance = random.Random(SEED)
    statuses: Counter[int] = Counter()
    with opened(data_dir, None) as instance, probed_app(instance) as probed:
        who = callers(instance)
        await probed.guard.start()
        spelled = ((route, target) for route in probed.routes for target in spellings(example_of(route.path), chance))
        asks = (
            _ask(probed, route, chance.choice(who), target, chance)
            for route, target in spelled
            if chance.random() < SHARE
        )
        while some := [*islice(asks, AT_ONCE)]:
            statuses.update(await asyncio.gather(*some))
        await probed.guard.stop()
        events = {one.name for one in Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 100))}
    assert "unauthorized_route" not in events
    # The probe is alive: real endpoints ran, and refusals of every kind were seen.
    assert {299, 303, 400, 401, 403, 404, 405} <= set(statuses), statuses
    assert statuses[500] == statuses[503] == 0
    assert sum(statuses.values()) > 20_000 * SHARE


async def _ask(probed: Probed, route: Route, caller: Caller, target: bytes, chance: random.Random) -> int:
    own = [method for method in route.methods or () if method != "HEAD"]
    method = chance.choice(own) if chance.random() < 0.8 else chance.choice(METHODS)
    headers = [HOST, *caller.headers, *([chance.choice(OVERRIDES)] if chance.random() < 0.1 else [])]
    response, ran = await probed.call(method, target, headers)
    for one in ran:
        assert caller.is_permitted(one, method), (caller.name, method, target, one)
    of_another_api = any(one.auth is AuthMode.FORWARD_AUTH for one in ran)  # its paths are only logged
    if not of_another_api and any(byte < 0x20 or byte == 0x7F for byte in _decode(target)):
        is_form = method not in ("GET", "HEAD", "OPTIONS") and not target.startswith(b"/api/")
        wanted_statuses = (400, 403) if is_form else (400,)
        assert response.status in wanted_statuses, (caller.name, method, target, response.status)
    assert (response.status == 299) == bool(ran)
    return response.status


def _decode(target: bytes) -> bytes:
    return unquote_to_bytes(target.partition(b"?")[0])


def test_the_exact_spelling_runs_for_who_may(data_dir: Path) -> None:
    """The other half: the differential test does not pass because everything is refused."""

    async def run() -> None:
        with opened(data_dir, None) as instance, probed_app(instance) as probed:
            nobody, _, wide, session = callers(instance)
            await probed.guard.start()
            for route in probed.routes:
                for method in set(route.methods or ()) - {"HEAD"}:
                    for caller in (nobody, wide, session):
                        target = example_of(route.path).encode()
                        _, ran = await probed.call(method, target, [HOST, *caller.headers])
                        wanted = policy_of(route.endpoint)
                        assert bool(ran) == caller.is_permitted(wanted, method), (
                            caller.name,
                            method,
                            route.path,
                        )
            await probed.guard.stop()

    asyncio.run(run())


def test_an_endpoint_that_was_not_authorized_is_404_and_an_event(data_dir: Path) -> None:
    """Whatever reaches the app without the guard's match finds no router there."""

    async def run() -> None:
        with opened(data_dir, None) as instance:
            guard = build_app(instance)
            _, _, wide, session = callers(instance)
            for target in (b"/settings", b"/api/keys", b"/api/health", b"/static/x", b"/settings%0a"):
                for caller in (wide, session):
                    response = await asgi.call(guard.app, "GET", target, [HOST, *caller.headers])
                    assert (response.status, response.body) == (404, b"")
            written = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 100))
            assert [one.name for one in written if one.name == "unauthorized_route"] == ["unauthorized_route"]

    asyncio.run(run())


def test_what_runs_is_the_route_that_was_matched(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that is wrong cannot open a page: what it does not match does not run, under any router's reading."""

    async def run() -> None:
        with opened(data_dir, None) as instance:
            guard = build_app(instance)
            *_, session = callers(instance)
            await guard.start()
            for wrong in (NO_ROUTE, guard.table.match("GET", "/api/health")):
                monkeypatch.setattr(guard.table, "match", lambda method, path, wrong=wrong: wrong)
                for target in (b"/settings", b"/settings/usage", b"/api/keys", b"/api/events"):
                    response = await asgi.call(guard, "GET", target, [HOST, *session.headers])
                    assert response.status != 200 or b'"status":"ok"' in response.body
                    assert b"API keys</h2>" not in response.body
            await guard.stop()

    asyncio.run(run())


@pytest.mark.parametrize("code", [*range(0x20), 0x7F, *range(0x80, 0xA0)])
def test_control_characters_in_a_path_are_400(shared_owner: Any, code: int) -> None:
    """Percent-encoded, at the end and inside, for pages and the API, with a key and without."""
    _, secret = shared_owner.create_key("k", scopes=["*"])
    spelled = "".join(f"%{byte:02x}" for byte in chr(code).encode()).encode()
    gateway = b"/api/ai/openai/v1/models"
    targets = (b"/settings", b"/api/keys", b"/", gateway, gateway + b"/a%2F")
    for target in (*(path + spelled for path in targets), b"/api" + spelled + b"/me"):
        assert raw.get(shared_owner.server.port, target).status == 400
    assert raw.get(shared_owner.server.port, b"/api/me" + spelled, b"x-api-key: " + secret.encode()).status == 400


def test_every_scope_that_a_route_needs_exists(data_dir: Path) -> None:
    """A misspelled scope would close the route to all keys but those that may do everything."""
    with opened(data_dir, None) as instance:
        wanted = {found.policy.scope for found in build_app(instance).table.all()} - {None, "*"}
    assert wanted <= set(scopes.SCOPES), wanted - set(scopes.SCOPES)
