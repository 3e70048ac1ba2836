"""``/metrics`` of a real server: the figures of all its processes, which are those of the usage log."""

import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from ari.keys import token
from ari.storage.engine import Database
from ari.storage.tables import usage_attempts, usage_rows
from tests.conftest import Database as Place
from tests.support.instances import settings_for
from tests.support.ports import free_port
from tests.support.processes import eventually, fold_processes_of, kill, workers_of

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
Figures = dict[tuple[str, str], float]


def read_figures(address: str) -> Figures:
    """The samples of an address, by name and labels."""
    response = httpx2.get(f"http://{address}/metrics", timeout=30, trust_env=False)
    assert response.status_code == 200, response.text
    return {(name, labels): float(value) for name, labels, value in _SAMPLE.findall(response.text)}


def count_verified(figures: Figures) -> Counter[str]:
    """Requests by result."""
    found = Counter[str]()
    for (name, labels), value in figures.items():
        if name == "ari_verifications_total" and value:
            found[dict(re.findall(r'(\w+)="(\w+)"', labels))["result"]] += round(value)
    return found


def count_logged(owner: Any) -> Counter[str]:
    """The sums of the usage log by code, with attempts without a valid key."""
    server = owner.server
    database = Database.open(settings_for(server.data_dir, server.settings["ARI_DATABASE_URL"]))
    try:
        database.usage.fold_all()
        found = Counter[str]()
        with database.log.connect() as connection:
            for table, code in ((usage_rows, usage_rows.c.code), (usage_attempts, usage_attempts.c.reason)):
                for name, count in connection.execute(select(code, table.c["count"])):
                    found[name] += count
        return found
    finally:
        database.close()


@pytest.fixture
def metrics_owner(make_owner: Callable[..., Any], database: Place) -> Any:
    """A server of two workers with an address for its metrics (``metrics_address``)."""
    address = f"127.0.0.1:{free_port()}"
    owner = make_owner(database_url=database.url, workers=2, settings={"ARI_METRICS_ADDRESS": address})
    owner.metrics_address = address
    return owner


def call_in_every_way(owner: Any) -> None:
    """Requests that are accepted, refused by each kind of check, and without a key of this instance."""
    _, service = owner.create_key("service", scopes=["keys:verify", "metrics:read"])
    _, limited = owner.create_key("limited", scopes=["api:read"], limit="2/1h")
    revoked, dead = owner.create_key("revoked", scopes=["api:read"])
    owner.cli("keys", "revoke", revoked["id"], "--yes", check=True)
    for _ in range(4):
        owner.api(limited).get("/api/me")
    for secret in (dead, token.mint(), "nonsense"):
        owner.api(secret).get("/api/me")
        owner.api(service).post("/api/verify", json={"key": secret})
    owner.api(service).post("/api/verify", json={"key": service})
    owner.api(service).get("/api/keys")
    owner.api().get("/api/me")


def test_counts_are_the_sums_of_the_log(metrics_owner: Any) -> None:
    """Of all workers together, also after one was killed and replaced: its counts stay."""
    owner, address = metrics_owner, metrics_owner.metrics_address
    call_in_every_way(owner)
    before = count_verified(read_figures(address))
    assert before == count_logged(owner)
    assert {"ok", "rate_limited", "revoked", "unknown", "malformed", "missing", "insufficient_scope"} <= before.keys()
    [victim, _] = workers_of(owner.server)
    kill(victim)
    eventually(lambda: len(workers_of(owner.server)) == 2 and victim not in workers_of(owner.server))
    call_in_every_way(owner)
    figures = read_figures(address)
    assert count_verified(figures) == count_logged(owner)
    assert figures["ari_process_restarts_total", 'process="worker"'] == 1
    assert figures["ari_requests_in_flight", ""] == 0


def test_a_kill_under_load_loses_at_most_what_was_being_counted(metrics_owner: Any) -> None:
    """Responses that callers got are counted; more may be in the log, of the commit during which the worker died."""
    owner, address = metrics_owner, metrics_owner.metrics_address
    _, secret = owner.create_key("busy", scopes=["api:read"])
    responses = Counter[int]()
    ended = threading.Event()

    def call() -> None:
        with httpx2.Client(base_url=owner.url, headers={"x-api-key": secret}, trust_env=False) as client:
            while not ended.is_set():
                try:
                    responses[client.get("/api/me").status_code] += 1
                except httpx2.TransportError:
                    responses[0] += 1

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: responses[200] > 100)
    kill(workers_of(owner.server)[0])
    seen = responses[200]
    eventually(lambda: responses[200] > seen + 100)
    ended.set()
    for thread in threads:
        thread.join()
    counted, logged = count_verified(read_figures(address))["ok"], count_logged(owner)["ok"]
    assert responses[200] <= counted <= logged <= counted + len(threads)


def test_without_its_database_it_still_responds(
    metrics_owner: Any, database: Place, request: pytest.FixtureRequest
) -> None:
    """``ari_database_up`` is 0 then, the counts remain, and a key gets a 503: nothing may accept it."""
    owner, address = metrics_owner, metrics_owner.metrics_address
    _, secret = owner.create_key("monitor", scopes=["metrics:read"])
    assert owner.api(secret).get("/metrics").status_code == 200
    before = read_figures(address)
    assert before["ari_database_up", ""] == 1
    if database.url is None:
        owner.server.data_dir.rename(owner.server.data_dir.with_name("gone"))
    else:
        request.getfixturevalue("postgres").drop(database.url)
    found = eventually(lambda: _read_if_down(address))
    assert found is not None
    assert found["ari_verifications_total", 'result="ok",source="request"'] >= 1
    assert ("ari_staged_rows", "") not in found
    assert found["ari_database_errors_total", ""] > before["ari_database_errors_total", ""]
    assert owner.api(secret).get("/metrics").status_code == 503


def _read_if_down(address: str) -> Figures | None:
    found = read_figures(address)
    return None if found["ari_database_up", ""] else found


def test_failures_to_fold_are_counted_over_restarts(metrics_owner: Any) -> None:
    """From the first attempt that fails until one works, whatever happens to the process."""
    owner, address, server = metrics_owner, metrics_owner.metrics_address, metrics_owner.server

    def count_failures() -> float:
        return read_figures(address)["ari_fold_failures", ""]

    _, secret = owner.create_key("busy", scopes=["api:read"])
    database = Database.open(settings_for(server.data_dir, server.settings["ARI_DATABASE_URL"]))
    try:
        with database.log.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE usage_hours RENAME TO usage_hours_away")
        assert owner.api(secret).get("/api/me").status_code == 200
        eventually(lambda: count_failures() >= 3, 30)
        [victim] = fold_processes_of(server)
        kill(victim)
        eventually(lambda: {*fold_processes_of(server)} - {victim})
        assert count_failures() >= 4
        with database.log.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE usage_hours_away RENAME TO usage_hours")
    finally:
        database.close()
    eventually(lambda: count_failures() == 0, 30)
