"""security.md 16: who verifies for others learns public facts only; the body is never logged; guesses are counted."""

import sqlite3
from collections.abc import Callable
from typing import Any

from ari.keys import token

MARK = "Zq9hunter2marker"


def test_the_body_is_never_logged(make_owner: Callable[..., Any]) -> None:
    """Not in the log of the program at its most talkative, nor in a file, nor in an error."""
    owner = make_owner(settings={"ARI_LOG_LEVEL": "debug"})
    _, service = owner.create_key("service", scopes=["keys:verify"])
    _, secret = owner.create_key("asked about", scopes=["api:read"])
    client, unknown = owner.api(service), token.mint()
    bodies: list[Any] = [
        {"key": secret},
        {"key": unknown},
        {"key": MARK},
        {"key": secret, "scopes": [MARK]},
        {"key": secret, "client_address": MARK},
        {"key": secret, MARK: MARK},
        {MARK: secret},
        [MARK],
    ]
    texts = []
    for body in bodies:
        for path, sent in (
            ("/api/verify", body),
            ("/api/verify/batch", {"items": [body]}),
            ("/api/verify/batch", body),
        ):
            texts.append(client.post(path, json=sent).text)
    texts.append(client.post("/api/verify", content=f'{{"key": "{secret}" {MARK}').text)
    owner.server.stop()
    texts.append(owner.server.log_text())
    files = {file.name: file.read_bytes() for file in owner.server.data_dir.rglob("*") if file.is_file()}
    assert {"ari.db", "usage.db"} <= files.keys()
    for text in (secret, secret[6:40], unknown, unknown[6:40], MARK):
        assert not [one for one in texts if text in one]
        assert not [name for name, content in files.items() if text.encode() in content]


def test_guesses_are_counted_for_the_caller(owner: Any) -> None:
    """Not under an address that the caller could make up; all of a batch, too."""
    key, service = owner.create_key("service", scopes=["keys:verify"])
    client = owner.api(service)
    client.post("/api/verify", json={"key": token.mint(), "client_address": "203.0.113.5"})
    client.post("/api/verify/batch", json={"items": [{"key": token.mint()}] * 3 + [{"key": "nonsense"}] * 2})
    owner.server.stop()
    with sqlite3.connect(owner.server.data_dir / "usage.db") as log:
        found = log.execute("SELECT reason, address, sum(count) FROM usage_attempts GROUP BY 1, 2").fetchall()
    log.close()
    with sqlite3.connect(owner.server.data_dir / "usage-staging.db") as staging:
        found += staging.execute(
            "SELECT code, client_address, sum(count) FROM usage_staging WHERE kind = 'attempts' GROUP BY 1, 2"
        ).fetchall()
    staging.close()
    assert sorted(found) == [("malformed", key["id"], 2), ("unknown", key["id"], 4)]


def test_facts_of_a_key_are_the_public_ones(owner: Any) -> None:
    """Whatever became of it: alive, revoked, deleted."""
    _, service = owner.create_key("service", scopes=["keys:verify"])
    key, secret = owner.create_key("asked about")
    client = owner.api(service)
    for step in (("revoke", "--yes"), ("delete", "--yes"), ()):
        told = client.post("/api/verify", json={"key": secret}).json()
        assert set(told) == {"valid", "code", "key", "limits", "exceeded", "retry_after_seconds"}
        public = {"id", "name", "hint", "scopes", "expires_at", "secret_number", "secret_retires_at"}
        public |= {"kind", "environment", "consumer", "tags", "metadata"}
        assert set(told["key"]) == public
        if step:
            owner.cli("keys", *step, key["id"], check=True)
