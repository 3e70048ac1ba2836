"""Whether an unsafe request without an API key really comes from ARI's own page (security.md 27)."""

from urllib.parse import urlsplit

from ari.accounts.sessions import csrf_matches
from ari.base.hosts import is_loopback
from ari.base.settings import LOOPBACK_NAMES, Settings
from ari.http.problem import Fault
from ari.http.request_head import RequestHead, host_name
from ari.keys.reasons import REQUEST_ERRORS

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def same_origin_fault(head: RequestHead, settings: Settings) -> Fault | None:
    """An unsafe request must say where it comes from, and that must be here."""
    origin = head.text(b"origin")
    site = head.text(b"sec-fetch-site")
    if origin is None and site is None:
        return _fault(
            "The browser did not say where the request comes from: Origin and Sec-Fetch-Site are missing. "
            "An extension or a proxy may remove them."
        )
    if site is not None and site != "same-origin":
        return _fault("The request comes from another site.")
    if origin is None or origin.lower() in _own_origins(head, settings):
        return None
    scheme, _, rest = origin.lower().partition("://")
    if scheme in _DEFAULT_PORTS and scheme != _scheme(settings) and _is_at(head, rest):
        return _wrong_scheme(settings)
    if origin == "null":
        return _fault("The browser hides where the request comes from (Origin: null). An extension may do that.")
    return _fault(
        f"The request comes from another origin: {_address(settings)}. Open ARI at this address, or set ARI_PUBLIC_URL "
        "to the one that you use. A proxy must pass the Host header on as it is, with its port."
    )


def form_fault(head: RequestHead, settings: Settings, fault: Fault) -> Fault:
    """``fault``, or a 403 before it: a form that does not prove its origin is refused as such, whatever its path."""
    if head.is_safe or head.is_api or fault.reason is not REQUEST_ERRORS["invalid_request"]:
        return fault
    return same_origin_fault(head, settings) or fault


def token_fault(
    head: RequestHead, settings: Settings, secret: str | None, form: dict[str, list[str]] | None
) -> Fault | None:
    """The form field ``csrf`` or the header ``x-csrf-token`` must be the one derived from this visitor's cookie.

    ``secret`` is the value of that cookie, ``None`` where the browser sent none.
    """
    if secret is None:
        return _no_cookie(head, settings)
    given = head.text(b"x-csrf-token")
    if given is None and form is not None:
        fields = form.get("csrf", [])
        given = fields[0] if len(fields) == 1 else None
    if given is None or not csrf_matches(secret, given):
        return _fault("The form is too old or not from this page; load the page again and retry.")
    return None


def session_counts_under_api(head: RequestHead, settings: Settings) -> bool:
    """A session opens the API only to ARI's own pages and the address bar.

    Browsers send Sec-Fetch-Site to https and loopback only. On plain http elsewhere the session counts without it,
    unless Origin or Referer names another page; other origins cannot read the response, and a write needs its proof.
    """
    site = head.text(b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    name = host_name(head.host).strip("[]")
    if settings.secure or is_loopback(name) or name.endswith(".localhost"):
        return False
    named = (head.text(b"origin"), _origin_of(head.text(b"referer")))
    return all(one is None or one.lower() in _own_origins(head, settings) for one in named)


def _own_origins(head: RequestHead, settings: Settings) -> set[str]:
    """The origins of ARI's pages: the base URL and the request's Host, which was checked before (security.md 3)."""
    scheme = _scheme(settings)
    origins = {settings.base_url, f"{scheme}://{head.host.removesuffix(_DEFAULT_PORTS[scheme])}"}
    if host_name(head.host) in LOOPBACK_NAMES:
        origins.add(f"http://{head.host}")
    return origins


def _origin_of(url: str | None) -> str | None:
    """The origin of a Referer; an unreadable one matches no origin."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}"


def _scheme(settings: Settings) -> str:
    return "https" if settings.secure else "http"


def _is_at(head: RequestHead, place: str) -> bool:
    """Whether an origin's host is the request's. The port doesn't count: a proxy may leave it out of Host."""
    return host_name(place) == host_name(head.host)


def _no_cookie(head: RequestHead, settings: Settings) -> Fault:
    if settings.secure and (head.text(b"origin") or "").lower().startswith("http://"):
        return _wrong_scheme(settings)
    return _fault("Your browser didn't send ARI's cookie. Allow cookies for this site, reload the page and try again.")


def _wrong_scheme(settings: Settings) -> Fault:
    if settings.secure:
        return _fault(
            f"This page was opened over http, but {_address(settings)}, and its cookies only work over https. Open ARI "
            "at that URL, or set ARI_PUBLIC_URL to the http URL you use."
        )
    return _fault(
        f"This page was opened over https, but {_address(settings)}. Set ARI_PUBLIC_URL to the https URL you use and "
        "restart ARI."
    )


def _address(settings: Settings) -> str:
    if settings.public_url is None:
        return f"ARI_PUBLIC_URL isn't set and ARI runs at {settings.base_url}"
    return f"ARI_PUBLIC_URL is {settings.base_url}"


def _fault(detail: str) -> Fault:
    return Fault(REQUEST_ERRORS["csrf_failed"], detail)
