"""Which key a request presents."""

import pytest

from ari.http.credentials import explain_mistake, read_credentials
from ari.http.request_head import RequestHead, read_head
from ari.keys import token

_OTHER_KIND = token.mint("acme_live_")


def _head(*headers: tuple[str, str]) -> RequestHead:
    scope = {
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "method": "GET",
        "path": "/api/me",
        "raw_path": b"/api/me",
        "query_string": b"",
    }
    return read_head(scope, 1)


def _read(*headers: tuple[str, str]) -> tuple[tuple[bytes, ...], bool]:
    found = read_credentials(_head(*headers))
    return found.tokens, found.is_contradictory


@pytest.mark.parametrize(
    ("headers", "tokens", "contradictory"),
    [
        ([], (), False),
        ([("x-api-key", "a")], (b"a",), False),
        ([("x-api-key", " a ")], (b"a",), False),
        ([("authorization", "Bearer a")], (b"a",), False),
        ([("authorization", "bearer a")], (b"a",), False),
        ([("authorization", "Basic YTpi")], (), False),
        ([("x-api-key", "a"), ("authorization", "Basic YTpi")], (b"a",), False),
        ([("x-api-key", "a"), ("authorization", "Bearer a")], (b"a",), False),
        ([("x-api-key", "a"), ("authorization", "Bearer b")], (b"a", b"b"), True),
        ([("x-api-key", "a"), ("x-api-key", "a")], (b"a",), True),
        ([("x-api-key", "a,b")], (b"a", b"b"), True),
        ([("authorization", "ApiKey a")], (b"a",), False),
        ([("authorization", "APIKEY \t a")], (b"a",), False),
        ([("authorization", "ari_k_a")], (b"ari_k_a",), False),
        ([("authorization", "Bearer Bearer a")], (b"a",), False),
        ([("authorization", "a")], (), False),
        ([("authorization", "Bearer")], (), False),
        ([("authorization", "Basic ari_k_a")], (), False),
        ([("authorization", "Digest a, b=c")], (), False),
        ([("x-api-key", "Bearer a")], (b"a",), False),
        ([("x-api-key", "apikey a")], (b"a",), False),
        ([("x-api-key", "Bearer a"), ("authorization", "ApiKey a")], (b"a",), False),
        ([("x-api-key", "Bearer a"), ("authorization", "b")], (b"a",), False),
        ([("x-api-key", "Bearer a"), ("authorization", "ari_k_b")], (b"a", b"ari_k_b"), True),
        ([("authorization", "ari_k_a, ari_k_b")], (b"ari_k_a", b"ari_k_b"), True),
        ([("authorization", _OTHER_KIND)], (_OTHER_KIND.encode(),), False),
        ([("authorization", _OTHER_KIND[:-1])], (), False),
        ([("x-api-key", _OTHER_KIND)], (_OTHER_KIND.encode(),), False),
        ([("x_api_key", "a")], (), False),
        ([("x-api-key", "")], (b"",), False),
    ],
)
def test_what_counts(headers: list[tuple[str, str]], tokens: tuple[bytes, ...], contradictory: bool) -> None:
    """x-api-key, Bearer or ApiKey; other schemes are ignored; doubled or different is a contradiction."""
    assert _read(*headers) == (tokens, contradictory)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([("authorization", "Token ari_k_a")], "a scheme that ARI does not read"),
        ([("authorization", "Basic YTpi")], "a scheme that ARI does not read"),
        ([("authorization", "Bearer: ari_k_a")], "without a colon"),
        ([("authorization", "Bearer")], "no key"),
        ([("authorization", "Bearer 'ari_k_a'")], "quotes"),
        ([("x-api-key", '"ari_k_a"')], "quotes"),
        ([("x-api-key", "<ari_k_a>")], "brackets"),
        ([("x-api-key", "$ARI_API_KEY")], "variable"),
        ([("x-api-key", "${ARI_API_KEY}")], "variable"),
        ([("x-api-key", "{{ARI_API_KEY}}")], "variable"),
        ([("x-api-key", "{{ secrets.ARI_API_KEY }}")], "variable"),
        ([("authorization", "Bearer ${{ secrets.KEY }}")], "variable"),
        ([("x-api-key", "%ARI_API_KEY%")], "variable"),
        ([("x-api-key", "ARI_API_KEY=ari_k_a")], "Send the key alone"),
        ([("authorization", "Bearer export KEY=ari_k_a")], "Send the key alone"),
        ([("authorization", "'Bearer ari_k_a'")], "quotes"),
        ([("authorization", '"ari_k_a"')], "quotes"),
        ([("authorization", "apikey=ari_k_a")], "a scheme that ARI does not read"),
        ([("x-api-key", "ari_k_a b")], "space"),
        ([("x-api-key", "")], "no key"),
    ],
)
def test_a_mistake_is_named(headers: list[tuple[str, str]], words: str) -> None:
    """The sentence says what to change, and holds nothing of what was sent."""
    found = explain_mistake(_head(*headers))
    assert found is not None
    assert words in found
    assert "ari_k_a" not in found


@pytest.mark.parametrize("headers", [[], [("x-api-key", "ari_k_a")], [("authorization", "Bearer ari_k_a")]])
def test_no_mistake_is_invented(headers: list[tuple[str, str]]) -> None:
    """A key that is sent as documented is wrong for another reason."""
    assert explain_mistake(_head(*headers)) is None
