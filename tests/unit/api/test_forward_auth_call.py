"""Calls of a proxy: each mode reads its one family of headers, and options only from where clients can't write."""

from pathlib import Path
from typing import Any

import pytest

from ari.api.forward_auth_call import Options, OriginalRequest, RefusedCall, read_options, read_original
from ari.base.settings import Settings
from ari.http.client_address import ClientFinder
from ari.http.request_head import RequestHead, read_head
from tests.support import asgi
from tests.support.instances import START_MS, settings_for

PATH = "/api/forward-auth"
FAMILIES = {
    "nginx": ("X-Original-Method", "X-Original-URI"),
    "ingress-nginx": ("X-Original-Method", "X-Original-URL"),
    "apache": ("X-Original-Method", "X-Original-URI"),
    "haproxy": ("X-Original-Method", "X-Original-URI"),
    "caddy": ("X-Forwarded-Method", "X-Forwarded-Uri"),
    "traefik": ("X-Forwarded-Method", "X-Forwarded-Uri"),
    "apisix": ("X-Forwarded-Method", "X-Forwarded-Uri"),
}
ALL = sorted({name for family in FAMILIES.values() for name in family})
OTHER_FAMILIES = [(mode, name) for mode, own in [*FAMILIES.items(), ("envoy", ())] for name in ALL if name not in own]


def settings_of(mode: str | None, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, None, forward_auth=mode, trusted_proxies="127.0.0.1")


def head_of(target: str = PATH + "?scope=orders:read", method: str = "GET", **headers: str | list[str]) -> RequestHead:
    lines: list[tuple[bytes, bytes]] = []
    for name, values in headers.items():
        lines += [
            (name.lower().encode(), value.encode()) for value in ([values] if isinstance(values, str) else values)
        ]
    return read_head(asgi.scope_of(method, target.encode(), lines), START_MS)


def original_of(head: RequestHead, settings: Settings, peer: str | None = "127.0.0.1") -> OriginalRequest:
    return read_original(head, settings, is_proxy=ClientFinder(settings.trusted_proxies).trusts(peer))


def refusal(read: Any, *args: Any, code: str = "proxy_misconfigured") -> str:
    with pytest.raises(RefusedCall) as caught:
        read(*args)
    assert caught.value.fault.reason.code == code
    return str(caught.value.fault.detail)


@pytest.mark.parametrize(("mode", "family"), FAMILIES.items())
def test_each_mode_reads_its_own_family(tmp_path: Path, mode: str, family: tuple[str, str]) -> None:
    """The path has no query, the whole URL is kept to find keys in it."""
    settings = settings_of(mode, tmp_path)
    for url in ("/orders/7?page=2", "https://api.example.net/orders/7?page=2", "http://[::1]:8080/orders/7?page=2"):
        found = original_of(head_of(**{family[0]: "PATCH", family[1]: url}), settings)
        assert found == OriginalRequest("PATCH", "/orders/7", url.encode())
    assert original_of(head_of(**{family[0]: "GET", family[1]: "https://api.example.net"}), settings).path == "/"


@pytest.mark.parametrize(("mode", "foreign"), OTHER_FAMILIES)
def test_another_family_is_refused_even_next_to_the_right_one(tmp_path: Path, mode: str, foreign: str) -> None:
    """A client may send it: whichever ARI believed, the log and the route would be the client's word."""
    family = dict.fromkeys(FAMILIES.get(mode, ()), "/orders")
    target = PATH + "/scope=orders:read/orders"
    for headers in (family | {foreign: "/x"}, {foreign: "/x"}, family | {foreign: ["/x", "/y"]}):
        assert foreign.lower() in refusal(original_of, head_of(target, **headers), settings_of(mode, tmp_path))


@pytest.mark.parametrize(("mode", "family"), FAMILIES.items())
def test_a_missing_or_repeated_header_is_refused(tmp_path: Path, mode: str, family: tuple[str, str]) -> None:
    """Also where a client got a second line past the proxy, or sends the name with an underscore."""
    settings = settings_of(mode, tmp_path)
    good: dict[str, Any] = {family[0]: "GET", family[1]: "/orders"}
    for name in family:
        without = {one: value for one, value in good.items() if one != name}
        assert name.lower() in refusal(original_of, head_of(**without), settings)
        assert name.lower() in refusal(original_of, head_of(**(good | {name: ["GET", "GET"]})), settings)
        underscored = without | {name.replace("-", "_"): "/orders"}
        assert name.lower() in refusal(original_of, head_of(**underscored), settings)


@pytest.mark.parametrize(("mode", "family"), FAMILIES.items())
def test_an_odd_method_or_target_is_the_clients_fault(tmp_path: Path, mode: str, family: tuple[str, str]) -> None:
    """The proxy did its part: it sent each header once, with what its client wrote."""
    settings = settings_of(mode, tmp_path)
    for method in ("G ET", "", "A" * 33, "GÉT"):
        head = head_of(**{family[0]: method, family[1]: "/orders"})
        assert "method" in refusal(original_of, head, settings, code="invalid_request")
    for target in ("orders", "", "192.0.2.1:443", "ftp://x/y"):
        head = head_of(**{family[0]: "GET", family[1]: target})
        assert "target" in refusal(original_of, head, settings, code="invalid_request")


CONTROLS = (
    "/reports%0a",
    "/%0Areports",
    "/a%00b",
    "/a%1F",
    "/a%7f",
    "/a%c2%85",
    "/a%C2%9f?x=1",
    "/a\x0bb",
    "/a b",
    "/a\x85",
)
PRINTABLE = ("/a%20b", "/a%C2%A0", "/caf%C3%A9", "/café", "/€", "/a%250a", "/a?x=%0a", "/a%c3%85")


@pytest.mark.parametrize(("mode", "family"), FAMILIES.items())
def test_no_tunnel_and_no_control_character_passes(tmp_path: Path, mode: str, family: tuple[str, str]) -> None:
    """Whatever the proxy's configuration forgets: a body past the proxy, and a path that an app takes for another."""
    settings = settings_of(mode, tmp_path)
    for method in ("CONNECT", "TRACE", "connect"):
        for target in ("/", "/orders", "192.0.2.1:443"):
            head = head_of(**{family[0]: method, family[1]: target})
            assert "CONNECT" in refusal(original_of, head, settings, code="invalid_request")
    for target in (*CONTROLS, "https://api.example.net/reports%0a"):
        head = head_of(**{family[0]: "GET", family[1]: target})
        assert "control" in refusal(original_of, head, settings, code="invalid_request")
    for target in PRINTABLE:
        assert original_of(head_of(**{family[0]: "GET", family[1]: target}), settings).method == "GET"


def test_nor_does_one_of_envoy(tmp_path: Path) -> None:
    """Which sends method and path as its own."""
    settings = settings_of("envoy", tmp_path)
    head = head_of(PATH + "/scope=orders:read/orders", "CONNECT")
    assert "CONNECT" in refusal(original_of, head, settings, code="invalid_request")
    for target in CONTROLS[:7]:
        head = head_of(PATH + "/scope=orders:read" + target)
        assert "control" in refusal(original_of, head, settings, code="invalid_request")


def test_envoy_asks_with_the_request_line(tmp_path: Path) -> None:
    """Its query is the client's, so options are the first segment of the path, which only ``path_prefix`` can write."""
    settings = settings_of("envoy", tmp_path)
    head = head_of(PATH + "/scope=orders:read&cost=2/orders/7?any_key=true&scope=x", "PROPFIND")
    assert original_of(head, settings) == OriginalRequest("PROPFIND", "/orders/7", b"/orders/7?any_key=true&scope=x")
    assert read_options(head, settings) == Options(("orders:read",), cost=2)
    for path in ("/../keys", "/%2e%2e/keys", "//x", "/a%2Fb", "/any_key=true/x"):
        head = head_of(PATH + "/scope=orders:read" + path)
        assert original_of(head, settings).path == path
        assert read_options(head, settings) == Options(("orders:read",))
    assert original_of(head_of(PATH + "/any_key=true"), settings).path == "/"
    head = head_of(PATH + "/scope=orders:read", "A" * 33)
    assert "method" in refusal(original_of, head, settings, code="invalid_request")


@pytest.mark.parametrize("options", ["any_key=true", "scope=orders:*"])
def test_envoy_asks_about_the_whole_server(tmp_path: Path, options: str) -> None:
    """``OPTIONS *`` (RFC 9112 §3.2.4) follows the options without a slash, and isn't part of them."""
    settings = settings_of("envoy", tmp_path)
    head = head_of(f"{PATH}/{options}*", "OPTIONS")
    assert original_of(head, settings) == OriginalRequest("OPTIONS", "*", b"*")
    assert read_options(head, settings) == read_options(head_of(f"{PATH}/{options}/", "OPTIONS"), settings)


@pytest.mark.parametrize(
    "target", [PATH, PATH + "/", PATH + "/orders/7", PATH + "?scope=orders:read", "/api%2Fforward-auth/scope=a:b/x"]
)
def test_envoy_without_options_in_its_prefix_is_refused(tmp_path: Path, target: str) -> None:
    """Whatever the client's query holds."""
    settings = settings_of("envoy", tmp_path)
    assert "path_prefix" in refusal(original_of, head_of(target), settings)
    assert "path_prefix" in refusal(read_options, head_of(target), settings)


@pytest.mark.parametrize("peer", [None, "", "unix:/run/x", "127.0.0.2", "192.0.2.1", "::1"])
def test_only_trusted_proxies_may_ask(tmp_path: Path, peer: str | None) -> None:
    """A client that reaches ARI itself could name any request, and spend and log in its key's name."""
    head = head_of(**{"X-Original-Method": "GET", "X-Original-URI": "/"})
    assert "ARI_TRUSTED_PROXIES" in refusal(original_of, head, settings_of("nginx", tmp_path), peer)


def test_without_a_mode_every_call_is_refused(tmp_path: Path) -> None:
    """It is never guessed from the headers."""
    head = head_of(**{"X-Original-Method": "GET", "X-Original-URI": "/"})
    assert "ARI_FORWARD_AUTH" in refusal(original_of, head, settings_of(None, tmp_path))


def test_a_head_that_is_too_large_is_refused_as_such(tmp_path: Path) -> None:
    """ARI's server closes such a connection before; another server in front of the app may not."""
    head = head_of(**{"X-Original-Method": "GET", "X-Original-URI": "/" + "a" * 33_000})
    with pytest.raises(RefusedCall) as caught:
        original_of(head, settings_of("nginx", tmp_path))
    assert caught.value.fault.reason.code == "too_large"


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("scope=orders:read", Options(("orders:read",))),
        ("scope=orders:read&scope=orders:write&scope=orders:read", Options(("orders:read", "orders:write"))),
        ("scope=orders%3Aread&cost=0", Options(("orders:read",), cost=0)),
        ("any_key=true", Options(())),
        ("any_key=false&scope=*", Options(("*",))),
        ("any_key=true&limits=default&limits=consumer:default", Options((), limits=("default", "consumer:default"))),
        ("any_key=true&metadata=true&preflight=allow", Options((), sends_metadata=True, allows_preflight=True)),
        ("any_key=true&metadata=false&preflight=check", Options(())),
    ],
)
def test_options_are_read(tmp_path: Path, query: str, options: Options) -> None:
    """In the query of the URL that the proxy calls."""
    assert read_options(head_of(f"{PATH}?{query}"), settings_of("caddy", tmp_path)) == options


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("", "any_key=true"),
        ("cost=2", "any_key=true"),
        ("scope=", "scope"),
        ("scope", "can't be read"),
        ("scope=orders", "scope"),
        ("scope=Orders:read", "scope"),
        ("scope=orders:read\x00", "scope"),
        ("&".join(f"scope=a:{letter}" for letter in "abcdefghijklmnopqrstu"), "20"),
        ("scope=orders:read&any_key=true", "Keep one"),
        ("any_key=1", "any_key"),
        ("any_key=true&any_key=true", "any_key"),
        ("any_key=true&cost=-1", "cost"),
        ("any_key=true&cost=1.5", "cost"),
        ("any_key=true&cost=%D9%A1", "cost"),
        ("any_key=true&cost=1000001", "cost"),
        ("any_key=true&cost=1&cost=2", "cost"),
        ("any_key=true&limits=", "limits"),
        ("any_key=true&limits=a b", "limits"),
        ("any_key=true&metadata=yes", "metadata"),
        ("any_key=true&preflight=true", "preflight"),
        ("any_key=true&scopes=orders:read", "unknown option"),
        ("any_key=true&Cost=2", "unknown option"),
        ("any_key=true&&cost=2", "can't be read"),
        ("any_key=true&" + "&".join(["cost=1"] * 70), "can't be read"),
    ],
)
def test_what_is_not_understood_is_refused(tmp_path: Path, query: str, word: str) -> None:
    """An option that is misspelled must not be left out silently: it may have been the scope."""
    assert word in refusal(read_options, head_of(f"{PATH}?{query}"), settings_of("nginx", tmp_path))


def test_only_envoy_may_call_below_the_path(tmp_path: Path) -> None:
    """Other proxies that append the client's path would let it choose."""
    assert "exactly" in refusal(read_options, head_of(PATH + "/x?any_key=true"), settings_of("nginx", tmp_path))
