"""``ari.guard``, remote: a service asks a real instance; what ARI doesn't decide is refused, and never the caller's
fault."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.guard import Admission, Ari, Requirement, read_request
from ari.keys import token
from tests.support.ports import free_port

Call = Callable[[Ari], Awaitable[Any]]


@pytest.fixture(scope="module")
def service(shared_owner: Any) -> Any:
    """The owner of an instance on which the scopes of a service are declared."""
    api = shared_owner.api(shared_owner.create_key("guard: owner", scopes=["*"])[1])
    for name in ("remote:read", "remote:write"):
        api.post("/api/scopes", json={"name": name, "description": "A scope of the service"})
    return shared_owner


def run(service: Any, call: Call, url: str | None = None, key: str | None = None, **options: Any) -> Any:
    """What ``call`` returns for an ``Ari`` that asks the instance."""
    key = key or service.create_key("guard: the service", scopes=["keys:verify"])[1]

    async def main() -> Any:
        ari = Ari.remote(url or service.url, key=key, **options)
        try:
            return await call(ari)
        finally:
            await ari.close()

    return asyncio.run(main())


async def admit(ari: Ari, secret: str, *scopes: str, path: str = "/orders/7", **options: Any) -> Admission:
    """The decision about a request with this key."""
    requirement: Requirement = ari.require(*(scopes or ("remote:read",)), **options)
    scope = {
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"x-api-key", secret.encode()), (b"user-agent", b"shop/1")],
        "client": ("203.0.113.7", 1),
    }
    return await ari.admit(read_request(scope, requirement, "/orders/{order_id}", ari.clock, ari.clock.monotonic()))


def test_a_request_is_verified_and_logged_with_its_route(service: Any) -> None:
    """The log has the route, path, address and user agent of the service's own request."""
    key, secret = service.create_key("guard: route", scopes=["remote:read"], tags=["a"])
    admission = run(service, lambda ari: admit(ari, secret))
    assert (admission.key.id, admission.key.tags, admission.key.verified) == (key["id"], ("a",), True)
    reader = service.api(service.create_key("guard: reader", scopes=["usage:read"])[1])
    [row] = reader.get(f"/api/keys/{key['id']}/usage").json()["items"]
    assert (row["source"], row["method"], row["route"], row["path"]) == (
        "verify",
        "GET",
        "/orders/{order_id}",
        "/orders/7",
    )
    assert (row["client_address"], row["user_agent"]) == ("203.0.113.7", "shop/1")


def test_refusals_have_their_status_and_headers(service: Any) -> None:
    """The same as ARI's own: missing scope, revoked, unknown, malformed, limits."""
    _, secret = service.create_key("guard: reader", scopes=["remote:read"])
    lacking = run(service, lambda ari: admit(ari, secret, "remote:read", "remote:write")).refusal
    assert (lacking.status, lacking.problem["scope"]) == (403, "remote:write")
    unknown = run(service, lambda ari: admit(ari, token.mint())).refusal
    assert (unknown.status, unknown.code) == (401, "unknown")
    assert (b"www-authenticate", b'Bearer realm="ari", error="invalid_token"') in unknown.headers
    assert run(service, lambda ari: admit(ari, "ari_k_x")).refusal.code == "malformed"
    limits = [{"name": "default", "limit": 3, "window": "1h"}]
    _, limited = service.create_key("guard: limited", scopes=["remote:read"], limits=limits)

    async def spend(ari: Ari) -> list[Admission]:
        return [await admit(ari, limited, cost=2) for _ in range(2)]

    first, second = run(service, spend)
    assert dict(first.headers)[b"ratelimit"].startswith(b'"default";r=1')
    assert (second.refusal.status, second.refusal.code, second.refusal.problem["limit"]) == (
        429,
        "rate_limited",
        "default",
    )
    assert {b"retry-after", b"ratelimit"} <= dict(second.refusal.headers).keys()


def test_requests_of_one_tick_share_a_call(service: Any) -> None:
    """150 requests are two calls; each gets its own verdict, also next to one that can't be read."""
    caller, caller_secret = service.create_key("guard: batches", scopes=["keys:verify"])
    _, secret = service.create_key("guard: batched", scopes=["remote:read"])

    async def ask(ari: Ari) -> list[Admission]:
        good = [admit(ari, secret) for _ in range(148)]
        return await asyncio.gather(*good, admit(ari, secret, "nobody:knows"), admit(ari, token.mint()))

    *found, wrong, unknown = run(service, ask, key=caller_secret)
    assert all(one.key is not None for one in found)
    assert (wrong.refusal.status, unknown.refusal.code) == (500, "unknown")
    reader = service.api(service.create_key("guard: reader", scopes=["usage:read"])[1])
    rows = reader.get(f"/api/keys/{caller['id']}/usage").json()["items"]
    assert [row["route"] for row in rows] == ["/api/verify/batch"] * 2


def test_long_keys_and_paths_refuse_no_other_caller(service: Any) -> None:
    """A batch stays below the size that ARI accepts; hostile texts are refused alone."""
    _, secret = service.create_key("guard: next to others", scopes=["remote:read"])

    async def ask(ari: Ari) -> list[Admission]:
        long = [admit(ari, secret, path=f"/{n}/" + "\ufffd%00ab" * 400) for n in range(90)]
        return await asyncio.gather(*long, admit(ari, "x" * 60_000), admit(ari, secret))

    *found, huge, good = run(service, ask)
    assert all(one.key is not None for one in (*found, good))
    assert huge.refusal.code == "malformed"


def test_a_wrong_key_of_the_service_is_a_503(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The caller did nothing wrong, even with ``on_unavailable="allow"``; the service's log says what is."""
    _, secret = service.create_key("guard: caller", scopes=["remote:read"])
    for key in (token.mint(), service.create_key("guard: may not", scopes=["usage:read"])[1]):
        caplog.clear()
        refusal = run(service, lambda ari: admit(ari, secret), key=key, on_unavailable="allow").refusal
        assert (refusal.status, refusal.code) == (503, "unavailable")
        assert "It needs the scope keys:verify." in caplog.text
        assert key not in caplog.text


def test_an_instance_that_is_down_or_slow_refuses_by_default(service: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing listens, or nothing responds in time; with ``allow`` the request passes unverified and logged."""
    url = f"http://127.0.0.1:{free_port()}"
    refusal = run(service, lambda ari: admit(ari, token.mint()), url=url).refusal
    assert (refusal.status, dict(refusal.headers)[b"retry-after"]) == (503, b"1")
    with caplog.at_level(logging.WARNING):
        allowed = run(service, lambda ari: admit(ari, token.mint()), url=url, on_unavailable="allow")
    assert (allowed.key.verified, allowed.key.scopes) == (False, ())
    assert "Allowed without verification: GET /orders/{order_id}." in caplog.text

    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never responds
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert run(service, lambda ari: admit(ari, token.mint()), url=url, timeout_seconds=0.05).refusal.status == 503


def test_an_instance_that_restarts_works_again(owner: Any) -> None:
    """Down, it is a 503; back, the next request is decided, over new connections."""
    _, secret = owner.create_key("guard: caller", scopes=["usage:read"])

    async def restart(ari: Ari) -> list[int | None]:
        found = [await admit(ari, secret, "usage:read")]
        await asyncio.to_thread(owner.server.kill)
        found.append(await admit(ari, secret, "usage:read"))
        await asyncio.to_thread(owner.server.start)
        found.append(await admit(ari, secret, "usage:read"))
        return [None if one.refusal is None else one.refusal.status for one in found]

    assert run(owner, restart, timeout_seconds=20) == [None, 503, None]


def test_staleness_is_off_unless_set(service: Any) -> None:
    """Revoked = refused by the next request; with ``staleness_seconds`` it may work that long, except with limits."""
    owner = service.api(service.create_key("guard: revoker", scopes=["*"])[1])

    async def revoke_between(ari: Ari, **fields: Any) -> list[bool]:
        key, secret = await asyncio.to_thread(service.create_key, "guard: stale", scopes=["remote:read"], **fields)
        first = await admit(ari, secret)
        await asyncio.to_thread(owner.post, f"/api/keys/{key['id']}/revoke")
        return [first.refusal is None, (await admit(ari, secret)).refusal is None]

    limits = [{"name": "default", "limit": 3, "window": "1h"}]
    assert run(service, revoke_between) == [True, False]
    assert run(service, revoke_between, staleness_seconds=60) == [True, True]
    assert run(service, lambda ari: revoke_between(ari, limits=limits), staleness_seconds=60) == [True, False]
    ari = Ari.remote(service.url, key="k", staleness_seconds=60)
    with pytest.raises(ConfigurationError, match="nothing would be consumed"):
        ari.require("remote:read", cost=5)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "keys.example.net"},
        {"url": "https://user@keys.example.net"},
        {"key": ""},
        {"key": "a\nb"},
        {"on_unavailable": "open"},
        {"timeout_seconds": 0},
        {"staleness_seconds": -1},
        {"staleness_seconds": 1e9},
        {"trusted_proxies": ["0.0.0.0/0"]},
        {"trusted_proxies": ["proxy"]},
    ],
)
def test_wrong_arguments_stop_the_start(options: dict[str, Any]) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigurationError):
        Ari.remote(**{"url": "https://keys.example.net", "key": "k", **options})
