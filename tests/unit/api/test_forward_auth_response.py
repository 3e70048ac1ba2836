"""Identity headers are always complete and never break a header; a refusal passes every proxy."""

import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from ari.api.forward_auth_response import accept, adapt_refusal, encode_json, encode_text
from ari.http.responses import Response
from ari.keys.model import Consumer
from tests.support.contexts import a_key

IDENTITY = {"x-ari-key-id", "x-ari-key-name", "x-ari-key-consumer", "x-ari-key-scopes"}


def headers_of(response: Response) -> dict[str, str]:
    return {name.decode(): value.decode("ascii") for name, value in response.headers}


def test_a_key_is_named_to_the_api_behind_the_proxy() -> None:
    """200 with an empty body; metadata only if the proxy asks for it."""
    key = replace(a_key("orders:read", "orders:write"), name="Web shop", metadata='{"plan": "pro"}')
    found = accept(key, sends_metadata=False)
    assert (found.status, found.body) == (200, b"")
    assert headers_of(found) == {
        "x-ari-key-id": "key_1",
        "x-ari-key-name": "Web shop",
        "x-ari-key-consumer": "",
        "x-ari-key-scopes": "orders:read orders:write",
        "content-length": "0",
    }
    assert headers_of(accept(key, sends_metadata=True))["x-ari-key-metadata"] == '{"plan":"pro"}'


def test_the_consumer_is_named_as_the_operator_names_it() -> None:
    """By the external ID, or ARI's where there is none."""
    key = replace(a_key(), consumer=Consumer("con_1", "Acme", "customer 47/ü"))
    assert headers_of(accept(key, sends_metadata=False))["x-ari-key-consumer"] == "customer 47/%C3%BC"
    key = replace(a_key(), consumer=Consumer("con_1", "Acme"))
    assert headers_of(accept(key, sends_metadata=False))["x-ari-key-consumer"] == "con_1"


def test_without_a_key_every_identity_header_is_empty() -> None:
    """So that a proxy which copies them replaces what a client sent."""
    found = headers_of(accept(None, sends_metadata=True))
    assert {name: found[name] for name in found if name.startswith("x-ari-")} == dict.fromkeys(
        IDENTITY | {"x-ari-key-metadata"}, ""
    )


@pytest.mark.parametrize(
    "name",
    ["Ünïcödé 🔑", "100 % \u00a0", "a\r\nx-ari-key-scopes: *", "a, b; c", '"q"', "\x00\x7f", "日本", "%41", "~!'"],
)
def test_any_name_fits_into_a_header_and_comes_out_again(name: str) -> None:
    """Printable ASCII but % stays as it is, so ordinary names need no decoding."""
    encoded = encode_text(name)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert unquote(encoded) == name


def test_metadata_is_one_line_of_ascii() -> None:
    """Whatever its strings hold."""
    text = '{"a": "ü\\r\\n🔑", "n": [1, 2.5, null, true]}'
    encoded = encode_json(text)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert json.loads(encoded) == json.loads(text)


CHALLENGES = [
    (b"www-authenticate", b"A x=1"),
    (b"content-type", b"application/problem+json"),
    (b"www-authenticate", b"B"),
]


@pytest.mark.parametrize("proxy", ["haproxy", "apache", "caddy", "traefik", "envoy", "apisix", None])
@pytest.mark.parametrize("status", [400, 401, 403, 413, 429, 500, 503])
def test_most_proxies_pass_a_refusal_on_as_it_is(proxy: str | None, status: int) -> None:
    """With all challenges on one line: some keep only one line of a name."""
    found = adapt_refusal(Response(status, CHALLENGES, b'{"a": "\xe2\x80\x9c"}'), proxy)  # type: ignore[arg-type]  # its names
    assert (found.status, found.body) == (status, b'{"a": "\xe2\x80\x9c"}')
    assert headers_of(found) == {"content-type": "application/problem+json", "www-authenticate": "A x=1, B"}


@pytest.mark.parametrize("proxy", ["nginx", "ingress-nginx"])
@pytest.mark.parametrize(
    ("status", "sent"), [(400, 403), (401, 401), (403, 403), (413, 403), (429, 403), (500, 403), (503, 403)]
)
def test_nginx_gets_only_401_and_403(proxy: str, status: int, sent: int) -> None:
    """Others become its own 500. Status and body are headers, from which its configuration restores them."""
    found = adapt_refusal(Response(status, CHALLENGES, '{"a": "“"}'.encode()), proxy)  # type: ignore[arg-type]  # its names
    assert (found.status, found.body) == (sent, b"")
    headers = headers_of(found)
    assert headers["content-length"] == "0"
    assert (headers["x-ari-status"], headers["x-ari-problem"]) == (str(status), '{"a":"\\u201c"}')
