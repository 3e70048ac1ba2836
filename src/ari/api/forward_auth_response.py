"""Responses of ``/api/forward-auth``: whose key it is, for the API behind the proxy, or a refusal for the client."""

import json
from functools import lru_cache
from urllib.parse import quote

from ari.base.setting_types import Proxy
from ari.http.problem import Header
from ari.http.responses import Response
from ari.keys.model import ApiKey

_PRINTABLE = " !\"#$&'()*+,/:;<=>?@[\\]^`{|}"
"""ASCII that ``quote`` would encode. ``%`` isn't part of it, so that the encoding can be undone."""
_CACHE_SIZE = 4_096
_ONLY_401_AND_403 = ("nginx", "ingress-nginx")
"""nginx turns any other refusal of an ``auth_request`` into a 500, and drops its body."""


def accept(key: ApiKey | None, *, sends_metadata: bool) -> Response:
    """Exactly 200 without a body: Envoy treats 204 as a refusal. Every identity header is there, if only empty."""
    if key is None:
        headers = _make_headers("", "", "", ())
    else:
        consumer = "" if key.consumer is None else key.consumer.external_id or key.consumer.id
        headers = _make_headers(key.id, key.name, consumer, key.scopes)
    if sends_metadata:
        metadata = "" if key is None else encode_json(key.metadata or "{}")
        return Response(200, [*headers, (b"x-ari-key-metadata", metadata.encode("ascii"))], b"")
    return Response(200, [*headers], b"")


@lru_cache(_CACHE_SIZE)
def _make_headers(key_id: str, name: str, consumer: str, scopes: tuple[str, ...]) -> tuple[Header, ...]:
    """The headers of a key's identity. Cached by what they say: encoding costs 4 µs."""
    return (
        (b"x-ari-key-id", key_id.encode("ascii")),
        (b"x-ari-key-name", encode_text(name).encode("ascii")),
        (b"x-ari-key-consumer", encode_text(consumer).encode("ascii")),
        (b"x-ari-key-scopes", " ".join(scopes).encode("ascii")),
        (b"content-length", b"0"),
    )


def adapt_refusal(response: Response, proxy: Proxy | None) -> Response:
    """A refusal in the form that the proxy can pass on to its client.

    The challenges share one line, because some proxies keep only one. For nginx, status and body are headers: it drops
    the body of a refusal, and closes the connection after one.
    """
    challenges = [value for name, value in response.headers if name == b"www-authenticate"]
    headers = [header for header in response.headers if header[0] != b"www-authenticate"]
    if challenges:
        headers.append((b"www-authenticate", b", ".join(challenges)))
    if proxy not in _ONLY_401_AND_403:
        return Response(response.status, headers, response.body)
    headers = [header for header in headers if header[0] != b"content-length"]
    headers += [
        (b"content-length", b"0"),
        (b"x-ari-status", str(response.status).encode()),
        (b"x-ari-problem", encode_json(response.body.decode()).encode("ascii")),
    ]
    return Response(response.status if response.status == 401 else 403, headers, b"")


def encode_text(text: str) -> str:
    """Printable ASCII except ``%`` as it is, everything else percent-encoded as UTF-8 (RFC 3986 §2.1)."""
    return quote(text, safe=_PRINTABLE, errors="replace")


def encode_json(text: str) -> str:
    """A JSON document on one line of ASCII."""
    return json.dumps(json.loads(text), ensure_ascii=True, separators=(",", ":"))
