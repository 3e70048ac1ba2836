"""A browser without a screen: requests the pages of an app in this process, keeps cookies, submits forms."""

import asyncio
import html
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from ari.accounts import sessions
from ari.accounts.model import Account
from ari.accounts.password import hash_password
from ari.deps import Deps
from ari.http.cookies import session_cookie_name, visitor_cookie_name
from ari.instance import Instance
from ari.keys.model import ApiKey
from ari.server import build_app
from ari.storage.transaction import Transaction
from ari.web.render import TOAST_COOKIE
from ari.web.urls import toast_text
from tests.support import asgi, made_once
from tests.support.asgi import AsgiResponse
from tests.support.owner import EMAIL, PASSWORD

T = TypeVar("T")
HOST = "127.0.0.1:3000"
ACCOUNT_ID = "usr_01JD7WZ2ABCDEFGHJKMNPQRSTV"
_FIELD_ERROR = re.compile(r'<p class="error[^"]*" id="([\w-]+)-error"[^>]*>(.*?)</p>', re.DOTALL)
_TAG = re.compile(r"<[^>]+>")
Fields = Mapping[str, str | Sequence[str]]


class RunsCalls(Protocol):
    """Runs one request to its end."""

    def run(self, call: Coroutine[Any, Any, AsgiResponse]) -> AsgiResponse: ...


class _RunningLoop:
    """Runs requests from a thread while the app's loop runs another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, call: Coroutine[Any, Any, AsgiResponse]) -> AsgiResponse:
        return asyncio.run_coroutine_threadsafe(call, self._loop).result()


class PageClient:
    """A browser of ``instance`` on one page app. Forms carry the CSRF token of its cookies unless ``csrf`` is given."""

    def __init__(self, instance: Instance, app: Any, runner: RunsCalls) -> None:
        self.instance = instance
        self.cookies: dict[str, str] = {}
        self._app = app
        self._runner = runner

    def another(self) -> "PageClient":
        """A browser on the same app without cookies."""
        return PageClient(self.instance, self._app, self._runner)

    def send_during_requests(self, loop: asyncio.AbstractEventLoop) -> "PageClient":
        """The same browser for a thread that ``loop`` started for a request."""
        found = PageClient(self.instance, self._app, _RunningLoop(loop))
        found.cookies = self.cookies
        return found

    def sign_in(self) -> "PageClient":
        """This browser with a new session of the owner, just after entering the password."""
        token = Deps(self.instance).do_sync(_start_session)
        self.cookies[session_cookie_name(self.instance.settings)] = token
        return self

    def get(self, url: str, **headers: str) -> AsgiResponse:
        """Open a page; ``hx_request`` sends the header ``HX-Request``."""
        return self._send("GET", url, headers, b"")

    def post(self, url: str, fields: Fields | None = None, csrf: str | None = None, **headers: str) -> AsgiResponse:
        """Submit a form."""
        sent = {**(fields or {}), "csrf": self.csrf if csrf is None else csrf}
        sent = {name: value for name, value in sent.items() if value != ""} if csrf == "" else sent
        body = urlencode(sent, doseq=True).encode()
        headers = {"content_type": "application/x-www-form-urlencoded", **headers}
        return self._send("POST", url, headers, body)

    @property
    def csrf(self) -> str:
        """The token that the forms of this browser's pages have."""
        settings = self.instance.settings
        names = (session_cookie_name(settings), visitor_cookie_name(settings))
        token = next((self.cookies[name] for name in names if name in self.cookies), None)
        if token is None:
            self.get("/sign-in")
            token = self.cookies[visitor_cookie_name(settings)]
        return sessions.csrf_token(token)

    @property
    def toast(self) -> str | None:
        """The message that the next page shows."""
        return toast_text(self.cookies.get(TOAST_COOKIE, ""))

    def assert_guarded(self, url: str, fields: Fields | None = None) -> None:
        """Assert that the form needs a session and its CSRF token. That nothing was done is for the test to check."""
        assert [self.post(url, fields, csrf=forged).status for forged in ("", "x" * 43)] == [403, 403]
        assert self.post(url, fields, origin="https://evil.example", sec_fetch_site="cross-site").status == 403
        stranger = self.another().post(url, fields)
        assert (stranger.status, stranger.headers["location"]) == (303, "/sign-in")

    def is_signed_in(self) -> bool:
        """Whether its session is good for a page."""
        return self.get("/shortcuts").status == 200

    def read(self, query: Callable[[Transaction], T]) -> T:
        """What this query finds in the database."""
        return Deps(self.instance).read_sync(query)

    def events(self) -> list[str]:
        """The names of the instance's events, newest first."""
        return [one.name for one in Deps(self.instance).read_sync(lambda tx: tx.events.page(None, None, 100))]

    def list_keys(self) -> list[ApiKey]:
        """The keys that are not deleted, newest first."""
        return self.read(lambda tx: tx.keys.page(tx.now_ms, "all", None, 100))

    def _send(self, method: str, url: str, named: Mapping[str, str], body: bytes) -> AsgiResponse:
        headers = {"host": HOST, "origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
        headers |= {name.replace("_", "-"): value for name, value in named.items()}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        pairs.append((b"content-length", str(len(body)).encode())) if body else None
        response = self._runner.run(asgi.call(self._app, method, url.encode(), pairs, body))
        for cookie in response.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if "max-age=0" in cookie.lower():
                del self.cookies[name]
        return response


@contextmanager
def page_client(instance: Instance) -> Iterator[PageClient]:
    """A browser without a session; the instance has no owner yet."""
    made_once.keep_here()
    app = build_app(instance)
    with asyncio.Runner() as runner:
        runner.run(app.start())
        yield PageClient(instance, app, runner)
        runner.run(app.stop())


def add_owner(instance: Instance) -> None:
    """Add the owner, with the address and password of ``tests.support.owner``."""
    account = Account(ACCOUNT_ID, EMAIL, _owner_hash(), instance.now_ms())
    Deps(instance).do_sync(_add_owner, account)


def field_errors(response: AsgiResponse) -> dict[str, str]:
    """The message next to each field of a page's form."""
    return {name: plain_text(message) for name, message in _FIELD_ERROR.findall(response.text)}


def plain_text(markup: str) -> str:
    """Markup as people read it: without tags, each run of white space as one space."""
    return " ".join(html.unescape(_TAG.sub(" ", markup.replace("<wbr>", ""))).split())


def _add_owner(tx: Transaction, account: Account) -> None:
    assert tx.accounts.add_owner(account)


def _start_session(tx: Transaction) -> str:
    owner = tx.accounts.owner()
    assert owner is not None
    return sessions.start(tx, owner)


@cache
def _owner_hash() -> str:
    return hash_password(PASSWORD)
