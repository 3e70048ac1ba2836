"""The headers of every response (security.md 4, 5, 30)."""

from collections.abc import Iterable, Sequence

from ari.base.settings import Settings
from ari.http.context import RequestContext
from ari.http.problem import Header
from ari.http.route_policy import AuthMode

_ALWAYS: tuple[Header, ...] = (
    (b"vary", b"Cookie, Authorization, x-api-key, HX-Request"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_OF_DOCUMENTS: tuple[Header, ...] = (
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
"""Not under /api: in the sandbox of such a response nothing runs, loads or is followed (OWASP REST Security)."""
_COMPRESSED: Header = (b"vary", b"Accept-Encoding")
_NO_STORE: Header = (b"cache-control", b"no-store")
_IMMUTABLE: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
_CSP = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
_STATIC_CSP: Header = (b"content-security-policy", _CSP)
_API_CSP: Header = (b"content-security-policy", b"sandbox; " + _CSP)
"""A response under /api that is opened as a page runs nothing, whatever it holds (security.md 35)."""
_SELF = " 'self'"
_OURS = {name for name, _ in (*_ALWAYS, *_OF_DOCUMENTS, _NO_STORE, _HSTS)} | {
    b"server",
    b"content-security-policy",
    b"x-request-id",
}


class SecurityHeaders:
    """Adds ours to every response of one instance, in place of any with the same name."""

    def __init__(self, settings: Settings) -> None:
        always = (*_ALWAYS, _HSTS) if settings.secure else _ALWAYS
        self._api = (*always, _NO_STORE, _API_CSP)
        self._forward_auth = (*_ALWAYS, _NO_STORE, _API_CSP)
        self._page = (*always, *_OF_DOCUMENTS, _NO_STORE)
        self._static = (*always, *_OF_DOCUMENTS, _COMPRESSED, _IMMUTABLE, _STATIC_CSP)

    def complete(self, context: RequestContext, status: int, given: Sequence[Header]) -> list[Header]:
        """The headers of a response: ``given`` and ours."""
        path = context.head.path
        request_id = (b"x-request-id", context.request_id.encode("latin-1"))
        if context.route.policy.auth is AuthMode.FORWARD_AUTH:
            # The proxy passes a refusal on from another host, for which ARI may not require https.
            return [*_without_ours(given), *self._forward_auth, request_id]
        if path.startswith("/api/"):
            return [*_without_ours(given), *self._api, request_id]
        if path.startswith("/static/"):
            return [*_without_ours(given), *(self._static if status in (200, 304) else self._api), request_id]
        styles = context.route.policy.inline_styles
        csp = (b"content-security-policy", _csp(context.head.host, context.nonce, inline_styles=styles))
        return [*_without_ours(given), *self._page, csp, request_id]


def _without_ours(given: Sequence[Header]) -> Iterable[Header]:
    for name, _ in given:
        if name in _OURS:
            return [header for header in given if header[0] not in _OURS]
    return given


def _csp(host: str, nonce: str, *, inline_styles: bool) -> bytes:
    """Scripts and styles only from /static/ of this host or with this response's nonce, never plain 'self'."""
    place = "" if host.startswith("[") else f" {host}/static/"
    # Browsers ignore unsafe-inline when there is a nonce.
    styles = f"'unsafe-inline'{place or _SELF}" if inline_styles else f"'nonce-{nonce}'{place}"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'{place}; style-src {styles}; "
        "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ).encode("latin-1")
