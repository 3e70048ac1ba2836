"""Selects the caller's headers that go to the provider: those on a list (security.md 36). No I/O.

A gateway as the upstream takes the address to call, another provider or another key from headers of its own, and sends
the stored key there. New ones appear all the time, so only names pass that SDKs and providers document and that choose
none of these, and those that the operator adds for one provider. Credentials, the caller's identity and address, and
headers of proxies, browsers and connections never pass.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from ari.http.request_head import RequestHead
from ari.integrations.model import Credential

_PASSED = frozenset(
    (
        "accept",
        "accept-language",
        "cache-control",
        "chatgpt-account-id",
        "content-language",
        "content-type",
        "conversation-id",
        "copilot-integration-id",
        "copilot-vision-request",
        "editor-plugin-version",
        "editor-version",
        "http-referer",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "originator",
        "pragma",
        "prefer",
        "range",
        "session-id",
        "thread-id",
        "user-agent",
        "version",
        "x-app",
        "x-client-request-id",
        "x-goog-api-client",
        "x-goog-fieldmask",
        "x-goog-request-params",
        "x-goog-user-project",
        "x-idempotency-key",
        "x-initiator",
        "x-interaction-type",
        "x-max-tokens",
        "x-ms-client-request-id",
        "x-ms-useragent",
        "x-openrouter-categories",
        "x-openrouter-title",
        "x-server-timeout",
        "x-session-id",
        "x-title",
        "x-use-cache",
        "x-wait-for-model",
    )
)
"""What HTTP clients, the SDKs of providers and coding agents send."""
_PASSED_PREFIXES = (
    "anthropic-",
    "groq-",
    "openai-",
    "x-claude-",
    "x-codex-",
    "x-goog-upload-",
    "x-grok-",
    "x-openai-",
    "x-stainless-",
)
"""Each is one vendor's own: no gateway reads a target there."""
_TARGET = re.compile(
    "(?:api-?base|base-?url|deployment|endpoint|fallback|forward|gateway|host|host-?name|override|proxy|target|upstream"
    "|ur[il]|virtual-?key)"
)
"""Words in a name that could choose another server. Denied even with a prefix that passes."""
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
"""For one connection only (RFC 9110 §7.6.1), or set by ARI."""
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
"""The caller's identity and address, as proxies report them."""
_BROWSER = ("dnt", "origin", "referer", "upgrade-insecure-requests")
_ANOTHER_REQUEST = (
    "x-http-method",
    "x-http-method-override",
    "x-http-path-override",
    "x-method-override",
    "x-override-url",
    "x-rewrite-url",
)
"""Some servers read the method or path from these, which would bypass the scope (Google's read the method)."""
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
"""The caller's own request and trace ids. ``x-client-request-id`` is meant for the provider and passes."""
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
"""Denied even if no provider is known to read them: they may hold a credential for another service."""
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


def to_provider(
    incoming: RequestHead, credential: Credential, added: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    """The request headers, line by line in order, with the provider key instead of the caller's credentials.

    ``added`` are names in lower case that the operator passes to this provider, next to those that always pass.
    """
    provider = credential.provider
    replaced = (provider.key_header, *(name for name, _ in credential.headers))
    passed = list(_select(incoming, replaced, added))
    names = {name for name, _ in passed}
    defaults = (("user-agent", "ari"), *provider.default_headers)
    missing = [(name, value) for name, value in defaults if name not in names]
    return [*passed, *missing, *credential.headers, ("accept-encoding", "identity")]


@lru_cache(1_000)
def is_denied(name: str) -> bool:
    """Whether a header of this name, in lower case, never goes to a provider, whatever the operator sets."""
    return _DENIED.fullmatch(name) is not None or _CREDENTIAL.search(name) is not None


@lru_cache(1_000)
def chooses_target(name: str) -> bool:
    """Whether the name of a header or parameter has a word with which gateways let callers choose a server or key."""
    return _TARGET.search(name) is not None


def _is_passed(name: str, added: frozenset[str]) -> bool:
    if is_denied(name):
        return False
    return name in added or name in _PASSED or (name.startswith(_PASSED_PREFIXES) and not chooses_target(name))


@lru_cache(256)
def _choose_names(
    given: tuple[bytes, ...], connection: bytes, replaced: tuple[str, ...], added: frozenset[str]
) -> tuple[tuple[bytes, str], ...]:
    """The names that pass, as given and as text. ``connection`` is the header that names others to remove.

    Cached: the requests of a client have the same names, and choosing them takes 10 µs.
    """
    removed = {*replaced, *(name.strip() for name in connection.decode("latin-1").lower().split(","))}
    names = [(raw, raw.decode("latin-1").lower()) for raw in given]
    return tuple(
        one for one in names if one[1] not in removed and _NAME.fullmatch(one[1]) and _is_passed(one[1], added)
    )


def _select(incoming: RequestHead, replaced: tuple[str, ...], added: frozenset[str]) -> Iterator[tuple[str, str]]:
    connection = b",".join(incoming.lines(b"connection"))
    for raw, name in _choose_names(tuple(incoming.headers), connection, replaced, added):
        for line in incoming.lines(raw):
            value = _text(line)
            if _VALUE.fullmatch(value):
                yield name, value


def _text(line: bytes) -> str:
    """Decode as UTF-8, which the client writes, or else as Latin-1 (RFC 9110 §5.5)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
