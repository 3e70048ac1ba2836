"""Every row of the benchmark starts and responds as expected to the traffic that it gets."""

import sys
from pathlib import Path

import pytest

from benchmarks import data, nginx_lua, traffic
from benchmarks.plan import Plan
from benchmarks.process import ask
from benchmarks.run import all_rows
from tests.support.missing import skip_missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark needs Linux")
ROWS = (
    "bare-granian",
    "me-fsync",
    "limited-postgresql",
    "route-guarded",
    "orders-guard",
    "verify",
    "bad-revoked",
    "rest-framework-guard",
    "django-guard",
    "flask-guard",
    "nginx-lua",
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> data.Data:
    return data.on_sqlite(tmp_path_factory.mktemp("keys"), 20)


@pytest.mark.slow
@pytest.mark.parametrize("row_id", ROWS)
def test_a_row_responds_as_expected(
    row_id: str, known: data.Data, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """All responses have the row's status, each to another head."""
    url = request.getfixturevalue("postgres_url") if row_id.endswith("postgresql") else ""
    plan = Plan(tmp_path, 1, 1, lambda _: True, peers=False, large=False, keep=lambda _: None)
    rows = {row.id: row for row in all_rows(plan, known, lambda: data.on_postgresql(tmp_path / "pg", url, 20))}
    row = rows[row_id]
    if row.start is None:
        skip_missing(str(row.skipped))
    server, messages = row.start()
    try:
        sent = [traffic.fill(message, number) for number, message in enumerate(traffic.vary(messages, count=20))]
        assert {ask(server.port, message) for message in sent} == {row.status}
    finally:
        server.stop()


def test_nginx_refuses_a_key_that_it_does_not_know(known: data.Data, tmp_path: Path) -> None:
    """The reference looks every key up."""
    row = nginx_lua.nginx_row(tmp_path, known)
    if row.start is None:
        skip_missing(str(row.skipped))
    server, messages = row.start()
    try:
        key = known.keys[0].encode()
        assert ask(server.port, messages[0].replace(key, known.revoked[0].encode())) == 401
    finally:
        server.stop()


def test_without_nginx_the_row_says_so(known: data.Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that names the packages."""
    monkeypatch.setattr("shutil.which", lambda _name, **_: None)
    row = nginx_lua.nginx_row(tmp_path, known)
    assert row.start is None
    assert "libnginx-mod-http-lua" in str(row.skipped)
