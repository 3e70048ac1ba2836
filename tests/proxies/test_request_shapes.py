"""Requests of proxies that the suite can't run, byte for byte as their source code sends them.

Traefik: ``pkg/middlewares/auth/forward.go`` of traefik/traefik at commit bd22897c builds the request, and Go's
``net/http`` writes it: Host, User-Agent, the other headers sorted by name, and last the Accept-Encoding of its own.
APISIX: ``apisix/plugins/forward-auth.lua`` of apache/apisix at commit 000fce27 collects the headers, and
``lib/resty/http.lua`` of ledgetech/lua-resty-http at commit 00e6cc53 writes them in the order of a Lua table, which is
any order, with Host and, if there is none, its own User-Agent.
"""

import json
import random
import re
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ari.storage.tables import usage_rows
from tests.proxies.harness import ROOT, declare_scopes, find_program
from tests.support import raw
from tests.support.owner import Owner, start_owner
from tests.support.server import ServerProcess
from tests.support.usage import log_of

AGENT = "orders-client/1.2"
CLIENT = "203.0.113.7"
ORIGINAL = {"method": "PUT", "target": "/orders/42?fields=id%2Cname&x=%25"}


@contextmanager
def forward_auth_server(mode: str, folder: Path) -> Iterator[Owner]:
    """The owner of a running instance for one kind of proxy."""
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    server = ServerProcess(data_dir, settings={"ARI_FORWARD_AUTH": mode, "ARI_TRUSTED_PROXIES": "127.0.0.1"})
    owner = start_owner(server)
    try:
        owner.make_keys_over_http()
        declare_scopes(owner)
        yield owner
    finally:
        owner.close()
        server.kill()


@pytest.fixture(scope="module")
def traefik(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """An instance behind Traefik."""
    with forward_auth_server("traefik", tmp_path_factory.mktemp("traefik")) as owner:
        yield owner


@pytest.fixture(scope="module")
def apisix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """An instance behind APISIX."""
    with forward_auth_server("apisix", tmp_path_factory.mktemp("apisix")) as owner:
        yield owner


def find_address(page: str, scope: str) -> str:
    """The target that the guide's config makes the proxy call for a scope."""
    found = re.search(rf'"http://127\.0\.0\.1:3000(\S+scope={scope})"', (ROOT / page).read_text(encoding="utf-8"))
    assert found, f"{page} calls nothing for {scope}"
    return found[1]


def find_list(page: str, name: str) -> list[str]:
    """The names of a list in the guide's config."""
    found = re.search(rf"{name}: \[([^\]]+)\]", (ROOT / page).read_text(encoding="utf-8"))
    assert found, f"{page} has no {name}"
    return found[1].split(", ")


def write_traefik(port: int, client: dict[str, str], scope: str = "orders:read", **original: str) -> bytes:
    """The request of Traefik about a client's request with these headers."""
    page = "docs/guides/forward-auth-traefik.md"
    asked = ORIGINAL | original
    allowed = {name for name in find_list(page, "authRequestHeaders") if name in client}
    headers = {name: client[name] for name in allowed}
    agent = headers.pop("User-Agent", "Go-http-client/1.1")
    headers |= {
        "X-Forwarded-For": CLIENT,
        "X-Forwarded-Host": "api.example.net",
        "X-Forwarded-Method": asked["method"],
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Uri": asked["target"],
    }
    lines = [
        f"GET {find_address(page, scope)} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"User-Agent: {agent}",
        *(f"{name}: {value}" for name, value in sorted(headers.items())),
        "Accept-Encoding: gzip",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def write_apisix(port: int, client: dict[str, str], scope: str = "orders:read", **original: str) -> bytes:
    """The request of APISIX about a client's request with these headers."""
    page = "docs/guides/forward-auth-apisix.md"
    asked = ORIGINAL | original
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Method": asked["method"],
        "X-Forwarded-Host": "api.example.net",
        "X-Forwarded-Uri": asked["target"],
        "X-Forwarded-For": CLIENT,
        **{name: client[name] for name in find_list(page, "request_headers") if name in client},
    }
    headers.setdefault("Host", f"127.0.0.1:{port}")
    headers.setdefault("User-Agent", "lua-resty-http/0.17.2 (Lua) ngx_lua/10026")
    lines = [f"{name}: {value}" for name, value in headers.items()]
    random.Random(scope + str(asked)).shuffle(lines)
    return "\r\n".join([f"GET {find_address(page, scope)} HTTP/1.1", *lines, "", ""]).encode()


WRITERS = {"traefik": write_traefik, "apisix": write_apisix}


@pytest.fixture(params=sorted(WRITERS))
def asking(request: pytest.FixtureRequest) -> Any:
    """Sends the request of a proxy about a client's headers; the attribute ``owner`` has the instance."""
    owner: Owner = request.getfixturevalue(request.param)
    write = WRITERS[request.param]

    def ask(client: dict[str, str], scope: str = "orders:read", **original: str) -> raw.RawAnswer:
        response = raw.send(owner.server.port, write(owner.server.port, client, scope, **original))
        assert response is not None
        return response

    ask.owner = owner  # type: ignore[attr-defined]  # a function with its instance
    return ask


def test_a_good_key_gets_200_and_every_identity_header(asking: Any) -> None:
    """Without a body; a consumer that the key lacks is an empty header, which replaces one of the client."""
    key, secret = asking.owner.create_key("Nightly export", scopes=["orders:read"])
    for headers in ({"X-Api-Key": secret}, {"Authorization": f"Bearer {secret}"}):
        response = asking(headers)
        assert (response.status, response.body) == (200, b"")
        identity = {name: values for name, values in response.headers.items() if name.startswith("x-ari-key-")}
        assert identity == {
            "x-ari-key-id": [key["id"]],
            "x-ari-key-name": ["Nightly export"],
            "x-ari-key-consumer": [""],
            "x-ari-key-scopes": ["orders:read"],
        }


def test_the_guides_pass_on_what_matters(asking: Any) -> None:
    """Every identity header is in APISIX's list, and every header of a refusal that a client needs."""
    _, secret = asking.owner.create_key("passed on", scopes=["orders:read"], limits=[LIMIT])
    page = "docs/guides/forward-auth-apisix.md"
    accepted = asking({"X-Api-Key": secret})
    sent = {name for name in accepted.headers if name.startswith("x-ari-key-")}
    assert {name.lower() for name in find_list(page, "upstream_headers")} == sent
    limited = asking({"X-Api-Key": secret})
    assert limited.status == 429
    needed = {"content-type", "cache-control", "retry-after", "ratelimit", "ratelimit-policy"}
    assert needed <= limited.headers.keys()
    assert needed | {"www-authenticate"} == {name.lower() for name in find_list(page, "client_headers")}
    pattern = re.search(r'authResponseHeadersRegex: "(.+)"', (ROOT / "docs/guides/forward-auth-traefik.md").read_text())
    assert pattern is not None
    assert all(re.search(pattern[1], name) for name in [*sent, "X_Ari_Key_Id", "x-ari_key-id", "X-Ari-Other"])


LIMIT = {"name": "default", "limit": 1, "window": "1h"}


def test_refusals_have_status_challenge_and_problem(asking: Any) -> None:
    """401 without a key, 403 without the scope, 429 over the limit."""
    _, secret = asking.owner.create_key("refused", scopes=["orders:read"], limits=[LIMIT])
    missing = asking({})
    assert (missing.status, json.loads(missing.body)["code"]) == (401, "missing")
    [challenge] = missing.headers["www-authenticate"]
    assert "Bearer" in challenge
    assert "ApiKey" in challenge
    forbidden = asking({"X-Api-Key": secret}, "reports:read", target="/reports/1")
    assert (forbidden.status, json.loads(forbidden.body)["scope"]) == (403, "reports:read")
    assert asking({"X-Api-Key": secret}).status == 200
    limited = asking({"X-Api-Key": secret})
    assert (limited.status, json.loads(limited.body)["code"]) == (429, "rate_limited")
    assert limited.headers["content-type"] == ["application/problem+json"]


def test_the_log_has_the_original_request(asking: Any) -> None:
    """Method, path and address of the client; its user agent, because the guides pass it on."""
    key, secret = asking.owner.create_key("logged", scopes=["orders:read"])
    assert asking({"X-Api-Key": secret, "User-Agent": AGENT}).status == 200
    assert asking({"X-Api-Key": secret}, method="OPTIONS", target="/").status == 200
    with log_of(asking.owner.server.data_dir) as connection:
        query = select(usage_rows).where(usage_rows.c.key_id == key["id"]).order_by(usage_rows.c.id)
        rows = connection.execute(query).all()
    assert [(row.method, row.path, row.client_address) for row in rows] == [
        ("PUT", "/orders/42", CLIENT),
        ("OPTIONS", "/", CLIENT),
    ]
    assert rows[0].user_agent == AGENT


def test_another_family_of_headers_is_refused(asking: Any) -> None:
    """If a config lets headers of clients through to ARI, they can't replace what the proxy says."""
    _, secret = asking.owner.create_key("family", scopes=["orders:read"])
    port = asking.owner.server.port
    write = WRITERS[asking.owner.server.settings["ARI_FORWARD_AUTH"]]
    request = write(port, {"X-Api-Key": secret})
    for line in (b"X-Original-URI: /spoofed", b"X-Original-URL: http://x/spoofed", b"X-Forwarded-Uri: /spoofed"):
        response = raw.send(port, request.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n"))
        assert response is not None
        assert (response.status, "x-ari-key-id" in response.headers) == (403, False)


def test_a_preflight_needs_no_key_if_the_config_says_so(asking: Any) -> None:
    """The guides pass on both headers by which ARI knows one."""
    port = asking.owner.server.port
    write = WRITERS[asking.owner.server.settings["ARI_FORWARD_AUTH"]]
    browser = {"Origin": "https://shop.example.net", "Access-Control-Request-Method": "PUT"}
    request = write(port, browser, method="OPTIONS")
    allowed = raw.send(port, request.replace(b"scope=orders:read ", b"scope=orders:read&preflight=allow "))
    checked = raw.send(port, request)
    assert allowed is not None
    assert checked is not None
    assert (allowed.status, checked.status) == (200, 401)


def read_guide(proxy: str) -> str:
    """The text of a proxy's guide."""
    return (ROOT / f"docs/guides/forward-auth-{proxy}.md").read_text(encoding="utf-8")


REFUSED = (
    "/a;b",
    "/a%3Bb",
    "/a/..;/b",
    "/a%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a%00",
    "/a//b",
    "/a/../b",
    "/a/.",
    "/a%0a",
    "/a%1F",
    "/a%7f",
    "/a%C2%85",
)
PASSED = ("/", "/reports", "/reports/", "/reports/1.5", "/.well-known/x", "/a..b/c", "/caf%C3%A9", "/%C2%A0")


def test_traefik_refuses_paths_with_two_readings() -> None:
    """Both routers have the pattern, and both paths of the collection are the second's."""
    patterns = re.findall(r"!PathRegexp\(`(.+?)`\)\n", read_guide("traefik"))
    assert len(patterns) == 2
    for pattern in patterns:
        # Traefik decodes what isn't reserved in a URL before it compares.
        assert [path for path in ("/a\n", "/a\x1f", "/a\x7f", "/a\x85") if not re.search(pattern, path)] == []
        assert [path for path in REFUSED if not re.search(pattern, path)] == []
        assert [path for path in PASSED if re.search(pattern, path)] == []
    assert "(Path(`/reports`) || PathPrefix(`/reports/`) || PathPrefix(`/reports.`))" in read_guide("traefik")
    assert read_guide("traefik").count("&& !Method(`CONNECT`) && !Method(`TRACE`)\n") == 2


def test_ingress_nginx_refuses_what_nginx_refuses() -> None:
    """The lines about paths and methods are those of nginx's own configuration, which tests run."""
    own, ingress = read_guide("nginx").split("## In Kubernetes")
    lines = [line.strip() for line in ingress.splitlines() if "($request_" in line]
    assert len(lines) == 3
    assert all(line in own for line in lines)


def test_apisix_refuses_paths_with_two_readings(tmp_path: Path) -> None:
    """The guide's function, run by the Lua of HAProxy with a substitute for what nginx gives it."""
    found = re.search(r"- \|\n( +return function\(\)\n.+?)#END", read_guide("apisix"), re.DOTALL)
    assert found is not None
    calls = [("GET", f"{path}?x=//;%2f", "nil", path in REFUSED) for path in REFUSED + PASSED]
    upgrades = ("WebSocket", "h2c", "websocket, h2c", "")
    calls += [("GET", "/a", json.dumps(value), value != "WebSocket") for value in upgrades]
    calls += [(method, "/a", "nil", method != "PUT") for method in ("CONNECT", "TRACE", "PUT")]
    script = "local function make()\n" + textwrap.dedent(found[1]) + "end\nlocal check, exited = make(), nil\n"
    for method, target, upgrade, refused in calls:
        given = f"request_method = '{method}', request_uri = {json.dumps(target)}, http_upgrade = {upgrade}"
        script += f"ngx = {{var = {{{given}}}}}\nexited = false\n"
        script += "ngx.exit = function(status) exited = exited or status == 400 or status == 405 end\ncheck()\n"
        script += f"if exited ~= {str(refused).lower()} then error({json.dumps(target)} .. tostring(exited)) end\n"
    (tmp_path / "check.lua").write_text(script)
    (tmp_path / "haproxy.cfg").write_text("global\n    lua-load check.lua\n")
    command = [find_program("haproxy"), "-c", "-f", "haproxy.cfg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "check.lua" not in done.stderr, done.stderr
    assert done.returncode in (0, 2), done.stderr
