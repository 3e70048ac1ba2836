"""Rule 24: only who reads the terminal, or sets ARI_ADMIN_*, makes the owner; exactly one; never a second time."""

import hashlib
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.owner import EMAIL, PASSWORD, csrf_of, load_trust
from tests.support.ports import free_port
from tests.support.server import ServerProcess, clean_environment

HOUR = 3_600


def visit(server: ServerProcess) -> httpx2.Client:
    """A browser without a past."""
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    return httpx2.Client(base_url=server.url, headers=headers, timeout=30, trust_env=False, verify=load_trust())


def token_of(server: ServerProcess) -> str:
    """The token of the newest setup link."""
    return server.setup_link.partition("#token=")[2]


def post_setup(server: ServerProcess, token: str | None, email: str = EMAIL, password: str = PASSWORD) -> int:
    """Send the setup form; its status."""
    with visit(server) as client:
        # where setup is gone its page is too, and the sign-in page has a proof as good
        page = client.get("/setup")
        form = {"email": email, "password": password}
        form["csrf"] = csrf_of(page.text if page.status_code == 200 else client.get("/sign-in").text)
        if token is not None:
            form["token"] = token
        return client.post("/setup", data=form).status_code


def start_fails(server: ServerProcess) -> str:
    """Start what must refuse to start; what it said."""
    assert server.launch().wait(30) != 0
    return server.log_text()


def test_the_link_makes_the_owner_and_closes_the_setup(server_on: ServerProcess) -> None:
    """The printed token makes the owner, signed in; afterwards page and form are gone, for the same token too."""
    token = token_of(server_on)
    with visit(server_on) as client:
        form = {"token": token, "email": EMAIL, "password": PASSWORD, "csrf": csrf_of(client.get("/setup").text)}
        assert client.post("/setup", data=form).status_code == 303
        assert client.get("/settings?tab=api").status_code == 200
    with visit(server_on) as client:
        assert client.get("/setup").status_code == 404
    assert post_setup(server_on, token, "second@example.org") == 404


def test_without_the_token_there_is_nothing(server: ServerProcess) -> None:
    """A form without the right token gets a 422, and makes nobody."""
    for token in (None, "", "x" * 43, "\u00e9", "\x01"):
        assert post_setup(server, token) == 422
    assert post_setup(server, token_of(server)) == 303


def test_a_weak_password_keeps_the_token(server: ServerProcess) -> None:
    """A password that is refused uses nothing up."""
    assert post_setup(server, token_of(server), password="password1234") == 422
    assert post_setup(server, token_of(server), password="short") == 422
    assert post_setup(server, token_of(server)) == 303


def test_the_token_is_stored_only_as_a_digest(server: ServerProcess) -> None:
    """The token has at least 128 random bits, and no file of the instance holds it."""
    token = token_of(server)
    assert len(token) >= 22
    assert post_setup(server, "x" * 43) == 422
    server.stop()
    for path in server.data_dir.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes(), path
    with sqlite3.connect(server.data_dir / "ari.db") as database:
        (note,) = database.execute("SELECT value FROM notes WHERE name = 'setup_token'").fetchone()
    assert note.split()[0] == hashlib.sha256(token.encode()).hexdigest()


def test_the_token_lives_one_hour(server: ServerProcess) -> None:
    """An hour after the start the link opens nothing; the next start prints another."""
    token = token_of(server)
    server.clock.advance(HOUR)
    assert post_setup(server, token) == 422
    server.restart()
    assert post_setup(server, token_of(server)) == 303


def test_each_start_makes_a_new_token(server: ServerProcess) -> None:
    """A later start voids the link of the earlier one."""
    first = token_of(server)
    server.restart()
    assert token_of(server) != first
    assert post_setup(server, first) == 422
    assert post_setup(server, token_of(server)) == 303


def test_concurrent_posts_make_exactly_one_owner(server_on: ServerProcess) -> None:
    """Eight browsers posting the same token at once: one becomes the owner, seven find nothing."""
    token = token_of(server_on)
    clients = [visit(server_on) for _ in range(8)]
    forms = [
        {"token": token, "email": f"{number}@example.org", "password": PASSWORD, "csrf": csrf_of(page)}
        for number, page in enumerate(client.get("/setup").text for client in clients)
    ]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda client, form: client.post("/setup", data=form), clients, forms))
    assert sorted(answer.status_code for answer in answers) == [303] + [404] * 7
    signed_in = [client.get("/settings?tab=api").status_code for client in clients]
    assert sorted(signed_in) == [200] + [303] * 7
    for client in clients:
        client.close()


def test_the_settings_make_the_owner_once(owner_on: Any) -> None:
    """ARI_ADMIN_* make the owner without a link, and change nothing once there is one."""
    server = owner_on.server
    assert "/setup#token=" not in server.log_text()
    assert post_setup(server, "x" * 43) == 404
    server.settings.update(ARI_ADMIN_EMAIL="second@example.org", ARI_ADMIN_PASSWORD="other quiet herons 77")
    server.restart()
    owner_on.session()
    assert owner_on.cli.json("account", "show")["email"] == EMAIL


@pytest.mark.parametrize("password", ["short", "password1234"])
def test_weak_settings_refuse_to_start(make_server: Any, password: str) -> None:
    """A short or common ARI_ADMIN_PASSWORD stops the start with a sentence that does not repeat it."""
    server = make_server(settings={"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": password})
    said = start_fails(server)
    assert "ARI_ADMIN_PASSWORD" in said
    assert password not in said


SERVE_AND_SHOW = """
import subprocess, types
from ari.base.settings import load_settings
from ari.serving import start
show = types.SimpleNamespace(run=lambda: subprocess.run(["env"], check=True).returncode)
start._supervisor = lambda *_, **__: show
start.serve(load_settings())
"""


def test_the_settings_leave_the_environment(data_dir: Path) -> None:
    """Once the owner is made, nothing that the server starts inherits ARI_ADMIN_*."""
    settings = {"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD}
    settings |= {"ARI_DATA_DIR": str(data_dir), "ARI_PORT": str(free_port())}
    environment = clean_environment(data_dir.parent, settings)
    done = subprocess.run([sys.executable, "-c", SERVE_AND_SHOW], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ARI_DATA_DIR=" in done.stdout
    assert "ARI_ADMIN" not in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def test_a_directory_that_had_an_owner_opens_no_setup(owner: Any) -> None:
    """With its database gone the instance refuses to start rather than open itself, unless --new-instance is given."""
    server = owner.server
    server.stop()
    for path in server.data_dir.glob("ari.db*"):
        path.unlink()
    before = len(server.log_text())
    assert "--new-instance" in start_fails(server)[before:]
    assert "/setup#token=" not in server.log_text()
    server.args.append("--new-instance")
    server.start()
    assert post_setup(server, token_of(server)) == 303


def test_a_database_that_lost_its_owner_opens_no_setup(owner: Any) -> None:
    """An instance whose database remembers an owner that is not there refuses to start, too."""
    server = owner.server
    server.stop()
    (server.data_dir / "had-owner").unlink()
    with sqlite3.connect(server.data_dir / "ari.db") as database:
        database.execute("DELETE FROM sessions")
        database.execute("DELETE FROM accounts")
    assert "--new-instance" in start_fails(server)
