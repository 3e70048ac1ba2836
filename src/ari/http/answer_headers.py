"""What every answer carries (security.md 4, 5, 30)."""

from ari.base.settings import Settings
from ari.http.problem import Header

_ALWAYS: tuple[Header, ...] = (
    (b"vary", b"Cookie, Authorization, x-api-key, HX-Request"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
_COMPRESSED: Header = (b"vary", b"Accept-Encoding")
_NO_STORE: Header = (b"cache-control", b"no-store")
_IMMUTABLE: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_HSTS: Header = (b"strict-transport-security", b"max-age=31536000")
_API_CSP: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
_OURS = {name for name, _ in (*_ALWAYS, _NO_STORE, _HSTS)} | {b"server", b"content-security-policy", b"x-request-id"}


def answer_headers(
    settings: Settings, given: list[Header], *, path: str, host: str, nonce: str, request_id: str, status: int
) -> list[Header]:
    """The handler's headers with ours in place of any of the same name."""
    static = path.startswith("/static/") and status in (200, 304)
    found = [header for header in given if header[0] not in _OURS]
    found += _ALWAYS
    if static:
        found.append(_COMPRESSED)
    found.append(_IMMUTABLE if static else _NO_STORE)
    found.append(
        _API_CSP if path.startswith(("/api/", "/static/")) else (b"content-security-policy", _csp(host, nonce))
    )
    found.append((b"x-request-id", request_id.encode("latin-1")))
    if settings.secure:
        found.append(_HSTS)
    return found


def _csp(host: str, nonce: str) -> bytes:
    """Scripts and styles only from /static/ of this host or with this answer's nonce, never plain 'self'."""
    place = "" if host.startswith("[") else f" {host}/static/"
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'{place}; style-src 'nonce-{nonce}'{place}; "
        "img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    ).encode("latin-1")
