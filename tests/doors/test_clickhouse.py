"""Promises 1 to 3 with the rows of the log in ClickHouse, on real servers: killed folds, two nodes, no ClickHouse."""

import csv
import io
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.support.missing import skip_missing
from tests.support.owner import Owner, start_owner
from tests.support.processes import eventually, fold_processes_of, kill
from tests.support.server import ServerProcess

pytestmark = pytest.mark.slow
PASSWORD_IN_URL = "horse%20battery"


@pytest.fixture
def engine() -> Iterator[Any]:
    """A ClickHouse that the test stops and starts."""
    if find_spec("chdb") is None:
        skip_missing("needs the package chdb-core")
    from tests.support import clickhouse

    with clickhouse.start_own() as own:
        yield own


@pytest.fixture
def settings(engine: Any) -> dict[str, str]:
    """Those of an instance with an empty ClickHouse database."""
    return {"ARI_USAGE_LOG_URL": engine.create()}


def _send(owner: Owner, secret: str, count: int) -> None:
    client = owner.api(secret)
    for _ in range(count):
        assert client.get("/api/me").status_code == 200


def _export(owner: Owner, reader: str) -> list[str]:
    """The ids of all requests in the log; none while it can't be read."""
    found = owner.api(reader).get("/api/usage/export?format=csv")
    return (
        [row["id"] for row in csv.DictReader(io.StringIO(found.text.removeprefix("\ufeff")))]
        if found.status_code == 200
        else []
    )


def test_killed_folds_on_two_nodes_lose_and_repeat_nothing(
    make_server: Callable[..., ServerProcess], postgres_url: str, settings: dict[str, str], tmp_path: Path
) -> None:
    """The log has what callers were given, once."""
    first = make_server(database_url=postgres_url, settings=settings)
    owner = start_owner(first)
    folder = tmp_path / "two"
    folder.mkdir(mode=0o700)
    second = make_server(folder, database_url=postgres_url, settings=settings).start()
    other = Owner(second)
    key, secret = owner.create_key("k")
    _, reader = owner.create_key("reader", scopes=["usage:read"])
    sent = 0
    for server in (first, second, first):
        _send(owner, secret, 15)
        _send(other, secret, 15)
        sent += 30
        for victim in eventually(partial(fold_processes_of, server)):
            kill(victim)
    client = owner.api(reader)

    anyone = owner.api()  # whose requests are not logged

    def is_complete() -> bool:
        return bool(anyone.get("/api/ready").json()["backlog_count"] == 0)

    eventually(is_complete, 60)
    ids = [one["id"] for one in client.get(f"/api/keys/{key['id']}/usage?limit=100").json()["items"]]
    assert len(ids) == len(set(ids)) == sent
    assert owner.api(secret).get("/api/me").json()["key"]["request_count"] >= sent
    exported = _export(other, reader)
    assert set(ids) <= set(exported)
    assert len(exported) == len(set(exported))
    for one in (owner, other):
        one.close()


def test_without_clickhouse_requests_go_on_and_the_log_is_unavailable(
    make_owner: Callable[..., Owner], postgres_url: str, settings: dict[str, str], engine: Any
) -> None:
    """Keys are verified and revoked; the backlog shows what waits; no text has the password."""
    owner = make_owner(database_url=postgres_url, settings=settings)
    key, secret = owner.create_key("k")
    _, reader = owner.create_key("reader", scopes=["*"])
    _send(owner, secret, 3)
    eventually(lambda: len(_export(owner, reader)) >= 3)
    assert owner.cli("doctor").returncode == 0
    engine.kill()
    _send(owner, secret, 20)
    client = owner.api(reader)
    found = client.get(f"/api/keys/{key['id']}/usage")
    assert found.status_code == 503
    assert found.headers["content-type"] == "application/problem+json"
    assert found.json()["code"] == "unavailable"
    assert client.get("/api/usage/export?format=csv").status_code == 503
    ready = client.get("/api/ready")
    assert ready.status_code == 200
    assert ready.json()["backlog_count"] >= 20
    doctor = owner.cli("doctor")
    assert doctor.returncode == 1
    assert "clickhouse" in doctor.stdout
    revoked, gone = owner.create_key("gone")
    assert client.post(f"/api/keys/{revoked['id']}/revoke").status_code == 200
    assert owner.api(gone).get("/api/me").status_code == 401
    for said in (found.text, doctor.stdout, doctor.stderr, owner.server.log_text()):
        assert PASSWORD_IN_URL not in said
        assert "horse battery" not in said
    engine.start()
    anyone = owner.api()  # whose requests are not logged
    eventually(lambda: anyone.get("/api/ready").json()["backlog_count"] == 0, 60)
    usage = client.get(f"/api/keys/{key['id']}/usage?limit=100").json()["items"]
    assert len(usage) == len({one["id"] for one in usage}) == 23


def test_the_log_moves_there_and_back(
    make_owner: Callable[..., Owner], postgres_url: str, settings: dict[str, str]
) -> None:
    """With the rows that PostgreSQL had, and without ClickHouse afterwards."""
    owner = make_owner(database_url=postgres_url)
    key, secret = owner.create_key("k")
    _, reader = owner.create_key("reader", scopes=["usage:read"])
    _send(owner, secret, 12)
    before = _export(owner, reader)
    owner.server.stop()
    owner.server.settings.update(settings)
    owner.server.start()
    assert set(before) <= set(eventually(lambda: _export(owner, reader)))
    _send(owner, secret, 5)
    refused = owner.cli("database", "return-log", settings=settings)
    assert refused.returncode != 0
    assert "Stop it on every node" in refused.stderr
    there = set(_export(owner, reader))
    owner.server.stop()
    said = owner.cli("database", "return-log", check=True, settings=settings).stdout
    assert "Unset ARI_USAGE_LOG_URL" in said
    owner.server.settings["ARI_USAGE_LOG_URL"] = None
    owner.server.start()
    back = _export(owner, reader)
    assert len(back) == len(set(back))
    assert there <= set(back)
    usage = owner.api(reader).get(f"/api/keys/{key['id']}/usage?limit=100").json()["items"]
    assert len(usage) == 17
