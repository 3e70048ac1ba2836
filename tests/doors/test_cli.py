"""The command line as a door: what it does to keys holds at once for a running server, on both databases."""

import json
import re
import shutil
import subprocess
import sys
import threading
from typing import Any

import httpx2
import pytest

from tests.support.command import Cli
from tests.support.owner import PASSWORD, Owner, csrf_of

NEW_PASSWORD = "nine loud starlings 77"


@pytest.fixture
def writer(owner: Owner) -> tuple[Owner, httpx2.Client]:
    """An owner, and a client with a key that may create keys."""
    return owner, owner.api(owner.create_key("Writer", scopes=["*"])[1])


def _code(owner: Owner, secret: str) -> tuple[int, str | None]:
    """How the server responds to a call with this key: status, and the refusal's code."""
    answer = owner.api(secret).get("/api/me")
    return answer.status_code, answer.json().get("code")


def test_the_life_of_a_key(owner_on: Owner) -> None:
    """Create, use, disable, enable, rescope, expire, revoke, delete: each counts at the very next request."""
    cli = owner_on.cli
    key, secret = cli.create_key("Laptop", expires="1h")
    assert _code(owner_on, secret) == (200, None)
    assert cli.json("keys", "show", key["id"])["request_count"] == 1

    cli("keys", "disable", key["id"], check=True)
    assert _code(owner_on, secret) == (401, "disabled")
    cli("keys", "enable", key["id"], check=True)
    assert _code(owner_on, secret) == (200, None)

    assert owner_on.api(secret).get("/api/keys").json()["code"] == "insufficient_scope"
    cli("keys", "scopes", key["id"], "--scope", "keys:read", check=True)
    assert owner_on.api(secret).get("/api/keys").json()["items"][0]["id"] == key["id"]

    owner_on.server.clock.advance(3600)
    assert _code(owner_on, secret) == (401, "expired")
    assert cli.json("keys", "show", key["id"])["status"] == "expired"

    cli("keys", "revoke", "--yes", key["id"], "--reason", "done", check=True)
    assert _code(owner_on, secret) == (401, "revoked")
    cli("keys", "delete", "--yes", key["id"], check=True)
    assert _code(owner_on, secret)[0] == 401
    assert cli.json("keys", "list")["items"] == []

    codes = [row["code"] for row in cli.json("usage", "--key", key["id"])["items"]]
    assert codes[1:] == ["revoked", "expired", "ok", "insufficient_scope", "ok", "disabled", "ok"]
    names = [event["name"] for event in cli.json("events", "--subject", key["id"])["items"]]
    # On a slow machine, the watch looks before the key is revoked.
    assert [name for name in names if name != "key_expired_in_use"] == [
        "key_deleted",
        "key_revoked",
        "key_scopes_changed",
        "key_enabled",
        "key_disabled",
        "key_created",
    ]


def test_it_shows_what_the_api_shows(owner_on: Owner) -> None:
    """Keys, usage and events have the same fields and values at both doors."""
    cli = owner_on.cli
    key, secret = cli.create_key("Laptop", scopes=["*"])
    api = owner_on.api(secret)
    api.get("/api/me")
    shown = api.get(f"/api/keys/{key['id']}").json()
    assert [one.pop("last_used_at") for one in shown["secrets"]] == [shown["last_used_at"]]
    seen = cli.json("keys", "show", key["id"])
    assert [one.pop("last_used_at") for one in seen["secrets"]] == [seen["last_used_at"]]
    assert seen == {
        **shown,
        "request_count": shown["request_count"] + 1,
        "last_used_at": seen["last_used_at"],
    }
    rows = {row["id"]: row for row in api.get("/api/usage").json()["items"]}
    assert rows
    assert {row["id"]: row for row in cli.json("usage")["items"] if row["id"] in rows} == rows
    assert cli.json("events")["items"] == api.get("/api/events").json()["items"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, [""]),
        ({"name": "x" * 101}, ["x" * 101]),
        ({"name": "x", "expires": "45x"}, ["x", "--expires", "45x"]),
        ({"name": "x", "expires_at": "2001-01-01T00:00:00Z"}, ["x", "--expires-at", "2001-01-01T00:00:00Z"]),
        ({"name": "x", "scopes": ["all"]}, ["x", "--scope", "all"]),
    ],
)
def test_it_refuses_what_the_api_refuses(
    writer: tuple[Owner, httpx2.Client], fields: dict[str, Any], words: list[str]
) -> None:
    """One rule, one sentence, at every door."""
    owner, api = writer
    answer = api.post("/api/keys", json=fields)
    assert answer.status_code == 422
    ran = owner.cli("keys", "create", *words)
    assert (ran.returncode, ran.stderr) == (1, f"ari: {answer.json()['errors'][0]['message']}\n")


def test_a_new_password_ends_the_sessions(owner_on: Owner) -> None:
    """``ari account reset-password`` lets the owner in again and everybody else out."""
    session = owner_on.session()
    assert session.get("/settings?tab=api").status_code == 200
    owner_on.cli("account", "reset-password", stdin=f"{NEW_PASSWORD}\n", check=True)
    assert session.get("/settings?tab=api").status_code == 303
    owner_on.password = NEW_PASSWORD
    assert owner_on.session().get("/settings?tab=api").status_code == 200


def test_the_old_password_is_dead(owner: Owner) -> None:
    """Lost secrets open nothing."""
    owner.cli("account", "reset-password", stdin=f"{NEW_PASSWORD}\n", check=True)
    client = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
    form = {"email": owner.email, "password": PASSWORD, "csrf": csrf_of(client.get("/sign-in").text)}
    assert client.post("/sign-in", data=form).status_code != 303


def test_a_backup_of_a_busy_server_is_whole(owner_on: Owner, cli: Cli) -> None:
    """Taken next to requests; the copy's totals agree with its rows."""
    key, secret = owner_on.create_key("Laptop")
    api = owner_on.api(secret)
    for _ in range(20):
        api.get("/api/me")
    said = cli("backup", str(owner_on.server.folder / "b"), check=True).stdout
    assert re.search(r"1 key, \d+ events, 20 usage rows", said), said
    folder = owner_on.server.folder / "new"
    folder.mkdir(mode=0o700)
    shutil.copy2(owner_on.server.data_dir / "master.key", folder)
    new = ["--data-dir", str(folder)]
    ran = cli("restore", str(owner_on.server.folder / "b"), *new, settings={"ARI_DATABASE_URL": ""})
    assert ran.returncode == 0, ran.stderr
    shown = cli("keys", "show", key["id"], "--json", *new, settings={"ARI_DATABASE_URL": ""})
    assert '"request_count": 20' in shown.stdout


def test_usage_follow_sees_requests_of_the_server(owner_on: Owner) -> None:
    """A live tail next to a server, fed by real requests."""
    key, secret = owner_on.create_key("Laptop")
    process = subprocess.Popen(
        [sys.executable, "-m", "ari", "usage", "--follow", "--json", "--key", key["id"]],
        stdout=subprocess.PIPE,
        text=True,
        env=owner_on.cli.environment,
        cwd=owner_on.server.folder,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        for path in ("/api/me", "/api/keys", "/api/openapi.json"):
            owner_on.api(secret).get(path)
            row = json.loads(process.stdout.readline())
            assert (row["path"], row["key_id"]) == (path, key["id"])
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()
