"""Which of the caller's headers go to the provider: all but those that security.md 36 names. No I/O.

A list of what may pass would drop what it does not know, such as the header that says who pays. So this is a list of
what must not: credentials, who and where the caller is, what a proxy or a browser added, what is about one connection,
and what would turn the request into another one than the scope was checked for.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from ari.http.request_head import RequestHead
from ari.integrations.model import Credential

_CONNECTION = (
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)
"""About this one connection (RFC 9110 §7.6.1), or written by us for the next."""
_ADDRESSES = (
    "client-ip",
    "fastly-client-ip",
    "true-client-ip",
    "via",
    "x-appengine-user-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-originating-ip",
    "x-real-ip",
    "x-real-port",
    "x-remote-addr",
    "x-remote-ip",
    "x-remote-user",
    "x-scheme",
    "x-server-name",
)
"""Who and where the caller is, by the word of proxies."""
_BROWSER = ("dnt", "origin", "referer", "upgrade-insecure-requests")
_ANOTHER_REQUEST = (
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method-override",
    "x-override-url",
    "x-rewrite-url",
)
"""Some servers take method or path from these, which would pass by the scope (Google's take the method)."""
_TRACES = (
    "b3",
    "baggage",
    "elastic-apm-traceparent",
    "newrelic",
    "sentry-trace",
    "traceparent",
    "tracestate",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "x-correlation-id",
    "x-request-id",
)
"""Names of the request inside the caller's systems. ``x-client-request-id`` is made for the provider, and passes."""
_OURS = ("set-cookie", "x-csrf-token", "x-xsrf-token")
_PREFIXES = (
    "access-control-",
    "cdn-",
    "cf-access-",
    "cf-connecting-",
    "cf-ew-",
    "cf-ip",
    "cf-pseudo-",
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cloudfront-",
    "fly-",
    "forwarded",
    "hx-",
    "proxy-",
    "remote-",
    "sec-",
    "ssl-",
    "tailscale-user-",
    "x-amz-cf-",
    "x-amzn-oidc-",
    "x-arr-",
    "x-azure-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded",
    "x-goog-authenticated-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-nf-",
    "x-original-",
    "x-proxy",
    "x-vercel-",
)
_CREDENTIAL = re.compile(
    "authorization|authentication|cookie|credential|password|secret|api-?key|app-?key|(?:access|auth|security|session|"
    "id|identity|bearer|refresh|subscription)-?token|auth-key|subscription-key|client-cert|jwt|^x-auth|^x-token$|^token$"
)
"""Also of a name that no provider is known to take: it may be a credential of the caller for somebody else."""
_DENIED = re.compile(
    "(?:{})|(?:{}).*".format(
        "|".join(
            map(re.escape, (*_CONNECTION, *_ADDRESSES, *_BROWSER, *_ANOTHER_REQUEST, *_TRACES, *_OURS)),
        ),
        "|".join(map(re.escape, _PREFIXES)),
    )
)
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]{1,128}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\U0010ffff]*")


def to_provider(incoming: RequestHead, credential: Credential) -> list[tuple[str, str]]:
    """The headers of the request, in order, line by line; the key stands in place of the caller's credentials."""
    provider = credential.provider
    passed = list(_passed(incoming, {name for name, _ in credential.headers} | {provider.key_header}))
    names = {name for name, _ in passed}
    defaults = (("user-agent", "ari"), *provider.default_headers)
    added = [(name, value) for name, value in defaults if name not in names]
    return [*passed, *added, *credential.headers, ("accept-encoding", "identity")]


@lru_cache(1_000)
def is_denied(name: str) -> bool:
    """Whether a header of this name, in lower case, never goes to a provider."""
    return _DENIED.fullmatch(name) is not None or _CREDENTIAL.search(name) is not None


def _passed(incoming: RequestHead, replaced: set[str]) -> Iterator[tuple[str, str]]:
    named = b",".join(incoming.lines(b"connection")).decode("latin-1").lower()
    replaced |= {name.strip() for name in named.split(",")}
    for raw in incoming.headers:
        name = raw.decode("latin-1").lower()
        if name in replaced or not _NAME.fullmatch(name) or is_denied(name):
            continue
        for line in incoming.lines(raw):
            value = _text(line)
            if _VALUE.fullmatch(value):
                yield name, value


def _text(line: bytes) -> str:
    """As it is written again: the client writes UTF-8. What is none is taken for Latin-1 (RFC 9110 §5.5)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
