"""What every answer carries (security.md 4, 5, 30)."""

from collections.abc import Iterable, Sequence

from ari.base.settings import Settings
from ari.http.problem import Header

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
"""Not under /api: in the sandbox of such an answer nothing runs, loads or is followed (OWASP REST Security)."""
_COMPRESSED: Header = (b"vary", b"Accept-Encoding")
_NO_STORE: Header = (b"cache-control", b"no-store")
_IMMUTABLE: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
_CSP = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'"
_STATIC_CSP: Header = (b"content-security-policy", _CSP)
_API_CSP: Header = (b"content-security-policy", b"sandbox; " + _CSP)
"""Whatever an answer under /api holds, opened by itself it runs nothing (security.md 35)."""
_SELF = " 'self'"
_OURS = {name for name, _ in (*_ALWAYS, *_OF_DOCUMENTS, _NO_STORE, _HSTS)} | {
    b"server",
    b"content-security-policy",
    b"x-request-id",
}


class SecurityHeaders:
    """Puts ours into every answer of one instance, in place of any of the same name."""

    def __init__(self, settings: Settings) -> None:
        always = (*_ALWAYS, _HSTS) if settings.secure else _ALWAYS
        self._api = (*always, _NO_STORE, _API_CSP)
        self._page = (*always, *_OF_DOCUMENTS, _NO_STORE)
        self._static = (*always, *_OF_DOCUMENTS, _COMPRESSED, _IMMUTABLE, _STATIC_CSP)

    def of_api(self, given: Sequence[Header], request_id: str) -> list[Header]:
        """Of an answer under /api."""
        return [*_kept(given), *self._api, _request_id(request_id)]

    def of_static(self, given: Sequence[Header], request_id: str, status: int) -> list[Header]:
        """Of a static file, or of the lack of one."""
        return [*_kept(given), *(self._static if status in (200, 304) else self._api), _request_id(request_id)]

    def of_page(
        self, given: Sequence[Header], request_id: str, host: str, nonce: str, *, inline_styles: bool = False
    ) -> list[Header]:
        """Of a page."""
        csp = (b"content-security-policy", _csp(host, nonce, inline_styles=inline_styles))
        return [*_kept(given), *self._page, csp, _request_id(request_id)]


def _kept(given: Sequence[Header]) -> Iterable[Header]:
    for name, _ in given:
        if name in _OURS:
            return [header for header in given if header[0] not in _OURS]
    return given


def _request_id(text: str) -> Header:
    return b"x-request-id", text.encode("latin-1")


def _csp(host: str, nonce: str, *, inline_styles: bool) -> bytes:
    """Scripts and styles only from /static/ of this host or with this answer's nonce, never plain 'self'."""
    place = "" if host.startswith("[") else f" {host}/static/"
    # Beside a nonce, unsafe-inline would not count.
    styles = f"'unsafe-inline'{place or _SELF}" if inline_styles else f"'nonce-{nonce}'{place}"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'{place}; style-src {styles}; "
        "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ).encode("latin-1")
