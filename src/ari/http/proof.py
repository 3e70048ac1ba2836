"""Whether an unsafe request without an API key really comes from ARI's own page (security.md 27)."""

from ari.accounts.sessions import csrf_matches
from ari.base.settings import LOOPBACK_NAMES, Settings
from ari.http.incoming import Incoming
from ari.http.problem import Fault
from ari.keys.reasons import REQUEST_ERRORS


def same_origin_fault(incoming: Incoming, settings: Settings) -> Fault | None:
    """An unsafe request must say where it comes from, and that must be here."""
    origin = incoming.text(b"origin")
    site = incoming.text(b"sec-fetch-site")
    if origin is None and site is None:
        return _fault("The browser did not say where the request comes from.")
    if site is not None and site != "same-origin":
        return _fault("The request comes from another site.")
    if origin is not None and origin.lower() not in _own_origins(incoming, settings):
        return _fault("The request comes from another origin.")
    return None


def form_fault(incoming: Incoming, settings: Settings, fault: Fault) -> Fault:
    """``fault``, or a 403 before it: a form that does not prove its origin is refused as such, whatever its path."""
    if incoming.is_safe or incoming.is_api or fault.reason is not REQUEST_ERRORS["invalid_request"]:
        return fault
    return same_origin_fault(incoming, settings) or fault


def token_fault(incoming: Incoming, secret: str | None, form: dict[str, list[str]] | None) -> Fault | None:
    """The form field ``csrf`` or the header ``x-csrf-token`` must be the one derived from this visitor's cookie."""
    given = incoming.text(b"x-csrf-token")
    if given is None and form is not None:
        fields = form.get("csrf", [])
        given = fields[0] if len(fields) == 1 else None
    if secret is None or given is None or not csrf_matches(secret, given):
        return _fault("The form is too old or not from this page; load the page again and retry.")
    return None


def session_counts_under_api(incoming: Incoming) -> bool:
    """A session opens the API only to ARI's own pages and the address bar."""
    return incoming.text(b"sec-fetch-site") in ("same-origin", "none")


def _own_origins(incoming: Incoming, settings: Settings) -> set[str]:
    origins = {settings.base_url}
    name = incoming.host.rpartition(":")[0] or incoming.host
    if name in LOOPBACK_NAMES:
        origins.add(f"http://{incoming.host}")
    elif name in settings.allowed_hosts or incoming.host in settings.allowed_hosts:
        origins.add(f"{'https' if settings.secure else 'http'}://{incoming.host}")
    return origins


def _fault(detail: str) -> Fault:
    return Fault(REQUEST_ERRORS["csrf_failed"], detail)
