"""Render templates: the Jinja2 environment, the variables of every template, and the error page."""

import json
from collections.abc import Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ari.base.clock import in_words, to_rfc3339
from ari.base.money import DisplayCurrency, format_money
from ari.base.user_agent import browser_name
from ari.http.context import RequestContext, context_of
from ari.http.problem import Fault
from ari.http.services import ErrorPage
from ari.instance import Instance
from ari.keys.limits.budget_fields import period_in_words
from ari.keys.limits.fields import describe_named_limit, window_in_words
from ari.keys.presets import find_label
from ari.keys.scopes import SCOPES
from ari.web import event_words, words
from ari.web.navigation import Toast, own_url, with_query

_HERE = Path(__file__).parent
TOAST_COOKIE = "ari_done"
_TOAST_SECONDS = 20


class Asset(NamedTuple):
    """A built static file."""

    url: str
    integrity: str


@cache
def assets() -> Mapping[str, Asset]:
    """The static files by their names before hashing."""
    manifest = json.loads((_HERE / "static" / "manifest.json").read_text(encoding="utf-8"))
    return {name: Asset(f"/static/{file['path']}", file["integrity"]) for name, file in manifest.items()}


@lru_cache(64)
def asset_parts(name: str) -> tuple[str, ...]:
    """The files that a module script imports statically."""
    manifest = json.loads((_HERE / "static" / "manifest.json").read_text(encoding="utf-8"))
    return tuple(part for part, file in manifest.items() if file.get("with") == name)


@cache
def environment() -> Environment:
    """The templates, with escaping on; a missing variable is an error."""
    jinja = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    jinja.globals.update(
        asset=_asset,
        asset_parts=asset_parts,
        scope_meanings=SCOPES,
        htmx_config=_HTMX_CONFIG,
        words=words,
        event_words=event_words,
        browser_name=browser_name,
        own_url=own_url,
        with_query=with_query,
    )
    jinja.filters.update(rfc3339=to_rfc3339, access=find_label, number=lambda amount: f"{amount:,}")
    jinja.filters.update(exact=words.exact, pluralize=words.pluralize, duration=words.duration, short=words.short)
    jinja.filters.update(in_words=in_words)
    jinja.filters.update(
        window_in_words=window_in_words, limit_in_words=describe_named_limit, period_in_words=period_in_words
    )
    return jinja


def _asset(name: str) -> Asset:
    return assets()[name]


# No settle delay: it would leave swapped-in content inert for 20 ms or more, while someone types in it.
_HTMX_CONFIG = json.dumps(
    {
        "defaultSettleDelay": 0,
        "allowEval": False,
        "allowScriptTags": False,
        "includeIndicatorStyles": False,
        "selfRequestsOnly": True,
        "historyEnabled": False,
        "historyCacheSize": 0,
        "scrollBehavior": "auto",
    }
)


class Urls(Protocol):
    """The URLs of all pages, as ``ari.web.urls`` has them."""

    def toast_text(self, toast_id: str) -> str | None: ...
    def return_url(self, text: str | None) -> str: ...
    def page_behind(self, current_url: str | None) -> str | None: ...


class Pages:
    """Renders the templates of one instance."""

    def __init__(self, instance: Instance, urls: Urls) -> None:
        self.instance = instance
        self.return_url = urls.return_url
        self._urls = urls
        self.host = _host(instance)

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> Response:
        """The page, or only its contents for a request from htmx."""
        request_context = context_of(request)
        settings = self.instance.settings
        fragment = "hx-request" in request.headers
        toast = None if fragment else self._urls.toast_text(request.cookies.get(TOAST_COOKIE, ""))
        shared = {
            "now_ms": self.instance.now_ms(),
            "base_url": settings.base_url,
            "host": self.host,
            "address_over_https": _address_over_https(self.instance),
            "theme": request_context.preferences.theme,
            "shortcuts": request_context.preferences.shortcuts,
            "urls": self._urls,
            "toast": toast,
            "here": self.return_url(_here(request)),
            "money": partial(format_money, currency=settings.currency),
            "money_as_shown": partial(format_money, currency=DisplayCurrency(settings.currency.code)),
        }
        response = HTMLResponse(
            render(request_context, template, fragment=fragment, **shared, **context), status, headers
        )
        if toast:
            response.delete_cookie(TOAST_COOKIE, httponly=True, samesite="lax", secure=settings.secure)
        return response

    def page_behind(self, request: Request) -> str | None:
        """The page that the dialog of this request covers, if a form may lead back to it."""
        return self._urls.page_behind(request.headers.get("hx-current-url"))

    def go(self, request: Request, url: str, toast: Toast | None = None) -> Response:
        """Redirect to a page, which then shows the toast."""
        if "hx-request" in request.headers:
            response = Response(status_code=204, headers={"hx-redirect": url})
        else:
            response = Response(status_code=303, headers={"location": url})
        if toast is not None:
            secure = self.instance.settings.secure
            response.set_cookie(TOAST_COOKIE, toast.id, _TOAST_SECONDS, httponly=True, samesite="lax", secure=secure)
        return response


def render(request: RequestContext, template: str, *, fragment: bool, **context: Any) -> str:
    """The HTML of a template for this request."""
    account = request.signed_in.account if request.signed_in else None
    layout = "layout/fragment.html" if fragment else "layout/base.html"
    return (
        environment()
        .get_template(template)
        .render(csrf=request.csrf, nonce=request.nonce, account=account, layout=layout, fragment=fragment, **context)
    )


def error_page(instance: Instance, urls: Urls) -> ErrorPage:
    """A function that renders an error as a page, without any value that the caller sent."""
    host = _host(instance)

    def render_error(request: RequestContext, fault: Fault) -> bytes:
        html = render(
            request,
            "pages/error/wrong_host.html" if fault.reason.code == "misdirected" else "pages/error/page.html",
            fragment=False,
            base_url=instance.settings.base_url,
            reason=fault.reason,
            detail=fault.detail or fault.reason.sentence,
            retry_after_seconds=fault.retry_after_seconds,
            request_id=request.request_id,
            host=host,
            address_over_https=_address_over_https(instance),
            theme=request.preferences.theme,
            shortcuts=request.preferences.shortcuts,
            urls=urls,
            toast=None,
            here=urls.return_url(None),
        )
        return html.encode()

    return render_error


def _host(instance: Instance) -> str:
    return urlsplit(instance.settings.base_url).netloc


def _address_over_https(instance: Instance) -> str | None:
    """The https URL to show on pages opened over http, where Secure cookies don't work."""
    return instance.settings.base_url if instance.settings.secure else None


def _here(request: Request) -> str:
    query = request.url.query
    return request.url.path + (f"?{query}" if query else "")
