"""A running instance with an owner, and the two ways to talk to it: with a key, and signed in."""

import os
import re
import ssl
from functools import cache
from typing import Any
from unittest.mock import patch

import httpx2

from ari.accounts import sessions, setup
from ari.accounts.password import hash_password
from ari.base.settings import load_settings
from ari.deps import Deps
from ari.http.cookies import session_cookie_name
from ari.instance import Instance
from ari.storage.engine import Database
from tests.support.command import Cli
from tests.support.instances import prepare, settings_for
from tests.support.server import ServerProcess

EMAIL = "owner@example.org"
PASSWORD = "seven quiet herons 41"
CSRF = re.compile(r"""<input\b(?=[^>]*\bname=["']csrf["'])[^>]*\bvalue=["']([^"']+)["']""")


def csrf_of(page: str) -> str:
    """The proof in the first form of a page."""
    found = CSRF.search(page)
    assert found, f"no csrf field in the page:\n{page[:2000]}"
    return found.group(1)


@cache
def load_trust() -> ssl.SSLContext:
    """Whom clients trust, loaded once: 50 ms, which each client would spend again."""
    return ssl.create_default_context()


class Owner:
    """The owner of a server under test."""

    def __init__(self, server: ServerProcess, email: str = EMAIL, password: str = PASSWORD) -> None:
        self.server = server
        self.email = email
        self.password = password
        self.cli = Cli(server.environment, server.folder)
        self._clients: list[httpx2.Client] = []
        self._maker: httpx2.Client | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def api(self, key: str | None = None, **options: Any) -> httpx2.Client:
        """A client of the instance, with a key in its header if one is given; it ends with the test."""
        headers = {**({} if key is None else {"x-api-key": key}), **options.pop("headers", {})}
        options = {"verify": load_trust(), "timeout": 30, "trust_env": False, **options}
        client = httpx2.Client(base_url=self.url, headers=headers, **options)
        self._clients.append(client)
        return client

    def session(self) -> httpx2.Client:
        """A client that has signed in through the page, and sends what a browser sends on the same origin."""
        client = self.api(headers={"Origin": self.url, "Sec-Fetch-Site": "same-origin"})
        page = client.get("/sign-in")
        form = {"email": self.email, "password": self.password, "csrf": csrf_of(page.text)}
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 303, f"sign-in answered {answer.status_code}:\n{answer.text[:2000]}"
        return client

    def start_session(self) -> dict[str, Any]:
        """The cookie, as browsers take it, of a new session that no sign-in began."""
        clock, url = self.server.clock.path, self.server.settings["ARI_DATABASE_URL"]
        settings = settings_for(self.server.data_dir, url, port=self.server.port, test_clock_file=clock)
        database = Database.open(settings)
        try:
            with database.writing() as tx:
                account = tx.accounts.owner()
                assert account is not None
                token = sessions.start(tx, account)
        finally:
            database.close()
        return {"name": session_cookie_name(settings), "value": token, "url": self.url, "httpOnly": True}

    def create_key(self, name: str, **fields: Any) -> tuple[dict[str, Any], str]:
        """Make a key by the command line on the same data; gives the key and its secret."""
        if self._maker is None:
            return self.cli.create_key(name, **fields)
        answer = self._maker.post("/api/keys", json={"name": name, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["key"], answer.json()["secret"]

    def make_keys_over_http(self) -> None:
        """From now on ``create_key`` needs no process of its own; costs one key more, of the maker."""
        self._maker = self.api(self.create_key("maker", scopes=["*"])[1])

    def close(self) -> None:
        """Close every client that was handed out."""
        for client in self._clients:
            client.close()


def start_owner(server: ServerProcess) -> Owner:
    """Start a server on a migrated database that has an owner: setting one up takes the server 90 ms.

    A server with a command of its own may see another disk: it sets the owner up from the environment.
    """
    prepare(server.data_dir, server.settings["ARI_DATABASE_URL"])
    if server.command is None:
        _set_up_owner(server)
        server.start()
        return Owner(server)
    admin: dict[str, str | None] = {"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD}
    server.settings.update(admin)
    server.start()
    # The owner now exists; nothing that runs later may need these or repeat them.
    server.settings.update(dict.fromkeys(admin))
    return Owner(server)


def _set_up_owner(server: ServerProcess) -> None:
    with patch.dict(os.environ, server.environment, clear=True):
        instance = Instance.open(load_settings(), migrate=True)
        try:
            assert Deps(instance).do_sync(setup.bootstrap_owner, EMAIL, _hash_once())
        finally:
            instance.close()


@cache
def _hash_once() -> str:
    return hash_password(PASSWORD)
