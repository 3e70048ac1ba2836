"""Forward-auth: a proxy learns whether to pass a request on, and the usage log has that request."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.api import forward_auth
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.http.route_policy import AuthMode, policy_of
from ari.keys import NewConsumer, token
from tests.support.app import App, content_of, running_app
from tests.support.asgi import AsgiResponse
from tests.support.commands import create_key, delete_key, revoke_key

PATH = "/api/forward-auth"
ORIGINAL = {"x_original_method": "GET", "x_original_uri": "/orders/7?page=2"}
MINUTE = {"name": "default", "limit": 2, "window": "1m"}


@pytest.fixture
def haproxy(data_dir: Path) -> Iterator[App]:
    """An app that HAProxy asks, with the declared scope ``orders:read``."""
    with running_app(data_dir, forward_auth="haproxy", trusted_proxies="127.0.0.1") as app:
        Deps(app.instance).do_sync(keys.declare_scope, "orders:read", "List orders.")
        yield app


def ask(app: App, key: str | None = None, options: str = "scope=orders:read", **headers: str) -> AsgiResponse:
    return app("GET", f"{PATH}?{options}", key, **(ORIGINAL | headers))


def problem_of(response: AsgiResponse) -> tuple[int, str]:
    found = content_of(response)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    return response.status, found["code"]


def test_the_route_takes_no_session_and_only_its_handler_decides() -> None:
    """A browser that is signed in can't ask, and no other mode of authentication runs before."""
    declared = policy_of(forward_auth.verify_for_proxy)
    assert declared.auth is AuthMode.FORWARD_AUTH
    assert declared.fast is not None


def test_a_good_key_passes_and_the_request_is_logged(haproxy: App) -> None:
    """With its own method, path without the query, and route; every identity header is there."""
    consumer = Deps(haproxy.instance).do_sync(keys.create_consumer, NewConsumer("Acme", "acme.1"))
    made = create_key(
        haproxy.instance, "Wéb shop", scopes=("orders:read",), consumer=consumer.id, metadata={"plan": "prö"}
    )
    answer = ask(haproxy, made.secret, "scope=orders:read&metadata=true", x_forwarded_for="203.0.113.7")
    assert (answer.status, answer.body) == (200, b"")
    assert {name: value for name, value in answer.headers.items() if name.startswith("x-ari-")} == {
        "x-ari-key-id": made.key.id,
        "x-ari-key-name": "W%C3%A9b shop",
        "x-ari-key-consumer": "acme.1",
        "x-ari-key-scopes": "orders:read",
        "x-ari-key-metadata": '{"plan":"pr\\u00f6"}',
    }
    assert answer.headers["cache-control"] == "no-store"
    [row] = haproxy.rows()
    assert (row.method, row.path, row.route, row.source) == ("GET", "/orders/7", "/orders/*", "proxy")
    assert (row.code, row.status, row.client_address, row.key_id) == ("ok", 200, "203.0.113.7", made.key.id)


def test_a_revoked_key_is_refused_on_the_next_request(haproxy: App) -> None:
    """And the refused attempt is in its log, as is that of a deleted key."""
    made = create_key(haproxy.instance, "theirs", scopes=("orders:read",))
    assert ask(haproxy, made.secret).status == 200
    revoked = revoke_key(haproxy.instance, made.key)
    answer = ask(haproxy, made.secret)
    assert problem_of(answer) == (401, "revoked")
    challenges = 'Bearer realm="ari", error="invalid_token", ApiKey realm="ari", header="x-api-key"'
    assert answer.headers["www-authenticate"] == challenges
    delete_key(haproxy.instance, revoked)
    assert problem_of(ask(haproxy, made.secret)) == (401, "revoked")
    rows = haproxy.rows()
    assert [(row.code, row.status, row.source, row.route) for row in rows] == [
        ("revoked", 401, "proxy", "/orders/*"),
        ("revoked", 401, "proxy", "/orders/*"),
        ("ok", 200, "proxy", "/orders/*"),
    ]


def test_refusals_say_what_is_missing(haproxy: App) -> None:
    """No key, an unknown key, a key without the scope."""
    assert problem_of(ask(haproxy)) == (401, "missing")
    assert problem_of(ask(haproxy, "hunter2")) == (401, "malformed")
    assert problem_of(ask(haproxy, token.mint())) == (401, "unknown")
    answer = ask(haproxy, haproxy.key("usage:read"))
    assert problem_of(answer) == (403, "insufficient_scope")
    assert 'error="insufficient_scope", scope="orders:read"' in answer.headers["www-authenticate"]
    assert [row.code for row in haproxy.rows()] == ["insufficient_scope"]
    both = ask(haproxy, haproxy.key("usage:read"), "scope=usage:read&scope=orders:read")
    assert content_of(both)["scope"] == "orders:read"


def test_a_key_bound_to_addresses_is_checked_against_the_client(haproxy: App) -> None:
    """The address that the proxy reports, not the proxy's own; a client's own header doesn't count."""
    made = create_key(haproxy.instance, "bound", scopes=("orders:read",), addresses=("203.0.113.7",))
    assert ask(haproxy, made.secret, x_forwarded_for="203.0.113.7").status == 200
    for spoofed in ("203.0.113.7, 198.51.100.1", "203.0.113.8", ""):
        assert problem_of(ask(haproxy, made.secret, x_forwarded_for=spoofed)) == (403, "ip_not_allowed")


def test_limits_are_charged_by_the_commit_that_logs_the_request(haproxy: App) -> None:
    """With the cost that the proxy names; a refused request consumes nothing."""
    made = create_key(haproxy.instance, "limited", scopes=("orders:read",), limits=[MINUTE])
    first = ask(haproxy, made.secret, "scope=orders:read&cost=2")
    assert (first.status, first.headers["ratelimit"]) == (200, '"default";r=0;t=61')
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=60'
    assert ask(haproxy, made.secret, "scope=orders:read&cost=0").status == 200
    second = ask(haproxy, made.secret)
    assert problem_of(second) == (429, "rate_limited")
    assert int(second.headers["retry-after"]) >= 60
    assert second.headers["ratelimit"].startswith('"default";r=0;t=')
    rows = haproxy.rows()
    assert [(row.code, row.status, row.consumed) for row in rows] == [
        ("rate_limited", 429, None),
        ("ok", 200, None),
        ("ok", 200, '{"default":2}'),
    ]
    assert problem_of(ask(haproxy, made.secret, "any_key=true&limits=other")) == (403, "proxy_misconfigured")
    assert problem_of(ask(haproxy, haproxy.key(), "any_key=true&limits=default")) == (403, "proxy_misconfigured")


@pytest.mark.parametrize("held", ["*", "orders:*", "usage:read"])
@pytest.mark.parametrize("scope", ["orders:raed", "order:read", "cats:*"])
def test_an_undeclared_scope_is_the_proxys_fault(haproxy: App, held: str, scope: str) -> None:
    """Whatever the key holds: ``*`` must not turn a misspelled scope into a yes."""
    answer = ask(haproxy, haproxy.key(held), f"scope=orders:read&scope={scope}")
    assert problem_of(answer) == (403, "proxy_misconfigured")
    assert f"the scope {scope}, which isn't declared" in content_of(answer)["detail"]
    [row] = haproxy.rows()
    assert (row.code, row.status, row.source) == ("proxy_misconfigured", 403, "proxy")


def count_attempts(app: App) -> dict[tuple[str, str], int]:
    """The attempts without a known key."""
    return {(one.reason, one.address): one.count for one in app.instance.database.usage.attempts(0, 20)}


@pytest.mark.parametrize(
    ("options", "headers", "code"),
    [
        ("any_key=true", {"x_original_method": "A" * 40}, "invalid_request"),
        ("any_key=true", {"x_original_method": "CONNECT", "x_original_uri": "192.0.2.1:443"}, "invalid_request"),
        ("any_key=true", {"x_original_uri": "/" + "a" * 33_000}, "too_large"),
        ("any_key=true", {"authorization": "Bearer a", "x_api_key": "b"}, "invalid_request"),
        ("any_key=true", {"x_forwarded_uri": "/"}, "proxy_misconfigured"),
        ("cost=1", {}, "proxy_misconfigured"),
        ("any_key=true", {}, "missing"),
    ],
)
def test_each_refusal_without_a_known_key_is_counted(
    haproxy: App, options: str, headers: dict[str, str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Promise 2, by the client's address. Only what the configuration causes is a warning in ARI's log."""
    for _ in range(2):
        answer = ask(haproxy, None, options, x_forwarded_for="203.0.113.7", **headers)
        assert problem_of(answer)[1] == code
    [((reason, address), count)] = count_attempts(haproxy).items()
    assert (address, count) == ("203.0.113.7", 2)
    assert reason == code or "authorization" in headers
    assert haproxy.rows() == []
    assert ("misconfigured" in capsys.readouterr().out) is (code == "proxy_misconfigured")


def test_an_odd_request_with_a_good_key_is_in_its_log(haproxy: App) -> None:
    """As a refusal of ARI itself, since the request can't be logged as it was."""
    assert problem_of(ask(haproxy, haproxy.key(), x_original_method="A" * 40)) == (400, "invalid_request")
    assert [(row.code, row.status, row.route) for row in haproxy.rows()] == [("invalid_request", 400, PATH)]
    assert count_attempts(haproxy) == {}


@pytest.mark.parametrize("options", ["", "scope=", "cost=1", "any_key=true&scop=orders:read"])
def test_a_proxy_that_names_no_scope_is_refused_with_any_key(haproxy: App, options: str) -> None:
    """The log shows the operator which requests that hits."""
    answer = ask(haproxy, haproxy.key(), options)
    assert problem_of(answer) == (403, "proxy_misconfigured")
    assert [(row.code, row.path) for row in haproxy.rows()] == [("proxy_misconfigured", "/orders/7")]
    assert problem_of(ask(haproxy, None, options)) == (403, "proxy_misconfigured")


def test_any_live_key_will_do_if_the_proxy_says_so(haproxy: App) -> None:
    """But not one that is dead."""
    made = create_key(haproxy.instance, "any", scopes=("usage:read",))
    assert ask(haproxy, made.secret, "any_key=true").status == 200
    revoke_key(haproxy.instance, made.key)
    assert problem_of(ask(haproxy, made.secret, "any_key=true")) == (401, "revoked")


def test_headers_of_another_proxy_are_refused(haproxy: App) -> None:
    """Even with a good key: a client may have sent them."""
    for name in ("x_forwarded_uri", "x_forwarded_method", "x_original_url"):
        answer = ask(haproxy, haproxy.key(), **{name: "/"})
        assert problem_of(answer) == (403, "proxy_misconfigured")
        assert name.replace("_", "-").lower() in content_of(answer)["detail"]
    assert {(row.path, row.source) for row in haproxy.rows()} == {(PATH, "request")}


def test_contradicting_or_repeated_keys_are_refused(haproxy: App) -> None:
    """As everywhere; the first of them that is known has the row."""
    key = haproxy.key("orders:read")
    for headers in ({"authorization": f"Bearer {haproxy.key()}"}, {"x_api_key": key}):
        assert problem_of(ask(haproxy, key, **headers)) == (400, "invalid_request")
    answer = ask(haproxy, f"{key},{key}")
    assert problem_of(answer) == (400, "invalid_request")
    assert ask(haproxy, None, authorization=f"Bearer {key}").status == 200


@pytest.mark.parametrize("where", ["/orders?key={}", "/orders/{}/items", "/orders/%61ri_k_{}"])
def test_a_key_in_the_original_url_is_refused_and_reported(haproxy: App, where: str) -> None:
    """security.md 19: its row has no trace of it."""
    made = create_key(haproxy.instance, "in url", scopes=("orders:read",))
    url = where.format(made.secret.removeprefix("ari_k_") if "%61" in where else made.secret)
    answer = ask(haproxy, None, x_original_uri=url)
    assert problem_of(answer) == (400, "key_in_url")
    assert "key_exposed" in haproxy.events()
    [row] = haproxy.rows()
    assert (row.code, row.key_id) == ("key_in_url", made.key.id)
    assert made.secret[12:40] not in row.path + row.route


def test_a_preflight_needs_no_key_where_the_proxy_allows_it(haproxy: App) -> None:
    """Browsers send none with it; it isn't logged, since no key made it, and names nobody."""
    preflight = {
        "x_original_method": "OPTIONS",
        "origin": "https://shop.example",
        "access_control_request_method": "GET",
    }
    answer = ask(haproxy, None, "scope=orders:read&preflight=allow", **preflight)
    assert (answer.status, answer.headers["x-ari-key-id"]) == (200, "")
    assert haproxy.rows() == []
    assert problem_of(ask(haproxy, None, "scope=orders:read", **preflight)) == (401, "missing")
    assert problem_of(ask(haproxy, "ari_k_x", "scope=orders:read&preflight=allow", **preflight)) == (401, "malformed")
    for missing in preflight:
        less = {name: value for name, value in preflight.items() if name != missing}
        assert problem_of(ask(haproxy, None, "any_key=true&preflight=allow", **less)) == (401, "missing")


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS", "HEAD", "PROPFIND", "TRACE", "get"])
def test_any_method_asks_the_same_question(haproxy: App, method: str) -> None:
    """Some proxies keep the client's. A body is neither needed nor read as JSON."""
    answer = haproxy(method, f"{PATH}?scope=orders:read", haproxy.key(), {"x": 1}, **ORIGINAL)
    assert (answer.status, answer.body) == (200, b"")
    assert [row.method for row in haproxy.rows()] == ["GET"]
    refused = haproxy(method, f"{PATH}?scope=orders:read", None, **ORIGINAL)
    assert (refused.status, refused.body == b"") == (401, method == "HEAD")


def test_the_host_is_the_clients_and_counts_nothing(haproxy: App) -> None:
    """Proxies pass it on; ARI neither checks it nor builds an address from it."""
    assert ask(haproxy, haproxy.key(), host="api.example.net").status == 200
    assert "api.example.net" not in ask(haproxy, None, host="api.example.net").text


def test_hostile_text_harms_no_row(haproxy: App) -> None:
    """Methods, paths and agents with anything in them; each request has its row."""
    key = haproxy.key()
    passed = ("/\u202e", "/" + "é" * 3_000, "/" * 500, "/../..", "*", "/;%0")
    for url in passed:
        assert ask(haproxy, key, x_original_uri=url, x_original_method="M" * 32).status == 200
    for url in ("/%00/x", "/\x00", "/a\r\nb", "/;%0a"):
        assert ask(haproxy, key, x_original_uri=url, x_original_method="M" * 32).status == 400
    rows = haproxy.rows()
    assert [row.status for row in rows].count(200) == len(passed)
    assert len(rows) == 10
    assert all(len(row.path) <= 1_024 and len(row.route) <= 80 for row in rows)
    assert {row.method for row in rows if row.status == 200} == {"M" * 16}


def test_if_the_key_or_the_log_is_out_of_reach_nothing_passes(haproxy: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise 1: ARI can't decide, so 503; the proxy's limits aren't charged twice by a second try."""
    key = haproxy.key()
    tries: list[Any] = []

    async def fail(*args: Any) -> None:
        tries.append(args)
        raise Unavailable("The usage log can't be written right now.")

    with monkeypatch.context() as patched:
        patched.setattr(haproxy.instance.usage, "write", fail)
        answer = ask(haproxy, key)
    assert problem_of(answer) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert len(tries) == 1
    with monkeypatch.context() as patched:
        patched.setattr(haproxy.app.services.lookup, "find", fail)
        assert problem_of(ask(haproxy, key)) == (503, "unavailable")
    assert ask(haproxy, key).status == 200


def test_only_the_proxy_may_ask(data_dir: Path) -> None:
    """Nobody else learns about a key here, and a session opens nothing."""
    with running_app(data_dir, forward_auth="haproxy", trusted_proxies="192.0.2.1") as app:
        answer = ask(app, app.key(), "any_key=true")
        assert problem_of(answer) == (403, "proxy_misconfigured")
        assert "ARI_TRUSTED_PROXIES" in content_of(answer)["detail"]
        assert [(row.path, row.route, row.source) for row in app.rows()] == [(PATH, PATH, "request")]
        assert problem_of(app("GET", PATH + "/x", None)) == (403, "proxy_misconfigured")
        assert count_attempts(app) == {("proxy_misconfigured", "127.0.0.1"): 1}


def test_it_is_off_by_default(app: App) -> None:
    """With the setting's name, which the operator needs next."""
    answer = ask(app, app.key(), "any_key=true")
    assert problem_of(answer) == (403, "proxy_misconfigured")
    assert "ARI_FORWARD_AUTH" in content_of(answer)["detail"]


def test_allowed_addresses_of_the_instance_are_not_those_of_the_api(data_dir: Path) -> None:
    """ALLOWED_IPS protects ARI's own pages and API; the clients of another API come from anywhere."""
    settings = {"forward_auth": "caddy", "trusted_proxies": "127.0.0.1", "allowed_ips": "10.0.0.0/8"}
    with running_app(data_dir, **settings) as app:
        headers = {"x_forwarded_method": "GET", "x_forwarded_uri": "/", "x_forwarded_for": "203.0.113.7"}
        assert app("GET", f"{PATH}?any_key=true", app.key(), **headers).status == 200
        assert app("GET", "/api/me", app.key(), x_forwarded_for="203.0.113.7").status == 403


def test_nginx_gets_refusals_that_its_configuration_restores(data_dir: Path) -> None:
    """401 and 403 only; the status, the body and the limit's headers are all there."""
    with running_app(data_dir, forward_auth="nginx", trusted_proxies="127.0.0.1") as app:
        made = create_key(app.instance, "limited", limits=[MINUTE | {"limit": 1}])
        assert ask(app, made.secret, "any_key=true").status == 200
        answer = ask(app, made.secret, "any_key=true")
        assert (answer.status, answer.headers["x-ari-status"]) == (403, "429")
        assert json.loads(answer.headers["x-ari-problem"])["code"] == "rate_limited"
        assert answer.headers["ratelimit"].startswith('"default";r=0')
        assert answer.headers["retry-after"]
        for key, status in ((None, "401"), ("x,y", "400")):
            refused = ask(app, key, "any_key=true")
            assert refused.headers["x-ari-status"] == status
            assert refused.status in (401, 403)


def test_a_refusal_does_not_bind_the_host_of_the_api_to_https(data_dir: Path) -> None:
    """Proxies pass ARI's headers on from their own host, for which Strict-Transport-Security isn't ARI's to say."""
    settings = {"forward_auth": "haproxy", "trusted_proxies": "127.0.0.1", "public_url": "https://ari.example.net"}
    with running_app(data_dir, **settings) as app:
        assert "strict-transport-security" not in ask(app, None, "any_key=true").headers
        assert "strict-transport-security" in app("GET", "/api/me").headers
