"""The export scripts of the guides "move from" run on small tables, and what they print can be imported."""

import json
import re
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ari.keys import check_import
from tests.unit.keys.memory import MemoryTransaction

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
VECTORS = json.loads((Path(__file__).parents[1] / "unit/keys/imports/vectors.json").read_text())
_MODELS = """
import sqlite3
from datetime import datetime
from types import SimpleNamespace

def _read(revoked):
    rows = sqlite3.connect({path!r}).execute("SELECT * FROM rest_framework_api_key_apikey WHERE revoked = ?", [revoked])
    for prefix, hashed_key, name, created, expiry_date, _ in rows:
        when = [text and datetime.fromisoformat(text) for text in (created, expiry_date)]
        yield SimpleNamespace(prefix=prefix, hashed_key=hashed_key, name=name, created=when[0], expiry_date=when[1])

APIKey = SimpleNamespace(objects=SimpleNamespace(filter=_read))
"""


def _find_code(guide: str, language: str, number: int = 0) -> str:
    """Code in this language; the first is the export of keys."""
    found = re.findall(rf"```{language}\n(.*?)```", (GUIDES / guide).read_text(encoding="utf-8"), re.DOTALL)
    return str(found[number])


def _import(lines: list[str]) -> dict[str, bool]:
    """Whether each key is disabled, by name; every line must be valid."""
    result = check_import(MemoryTransaction(), dict(enumerate(map(json.loads, lines), 1)))
    assert [one.problems for one in result.failed] == []
    return {key.name: key.disabled for key in result.keys}


def test_unkeys_table_becomes_lines() -> None:
    """Deleted and expired keys stay behind. MySQL's functions are those of the same names here."""
    query = _find_code("move-from-unkey.md", "sql")
    choice = "IF(enabled, CAST('false' AS JSON), CAST('true' AS JSON))"
    assert choice in query
    query = query.replace(choice, "json(iif(enabled, 'false', 'true'))")
    functions: dict[str, Any] = {
        "concat": lambda *parts: "".join(map(str, parts)),
        "from_unixtime": lambda seconds: datetime.fromtimestamp(seconds, UTC).isoformat(),
        "date_format": lambda time, form: (
            time and datetime.fromisoformat(time).strftime(form.replace("%i", "%M").replace("%s", "%S"))
        ),
        "utc_timestamp": lambda: "2027-01-01 00:00:00",
    }
    with closing(sqlite3.connect(":memory:")) as connection:
        for name, function in functions.items():
            connection.create_function(name, -1, function)
        connection.execute(
            "CREATE TABLE keys (id TEXT, name TEXT, hash TEXT, start TEXT, created_at_m INTEGER, expires TEXT, "
            "enabled INTEGER, deleted_at_m INTEGER)"
        )
        rows = [
            ("key_1", "Shop", "acme_3Zk", None, 1, None),
            ("key_2", "", None, "2027-06-01 00:00:00", 0, None),
            ("key_3", "Gone", "acme_", None, 1, 1_700_000_000_000),
            ("key_4", "Expired", "acme_", "2026-01-01 00:00:00", 1, None),
        ]
        hashed = next(one["hash"] for one in VECTORS if one["scheme"] == "unkey")
        for number, (key_id, name, start, expires, enabled, deleted) in enumerate(rows):
            text = hashed if number == 0 else f"{number}{hashed[1:]}"
            values = (key_id, name, text, start, 1_700_000_000_000, expires, enabled, deleted)
            connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        lines = [row[0] for row in connection.execute(query)]
    assert _import(lines) == {"Shop": False, "Unkey key_2": True}


_HASHES = {one["scheme"]: one["hash"] for one in VECTORS if one["scheme"] in ("better-auth", "litellm")}
_PAST, _FUTURE = "2025-05-01 10:00:00", "2999-12-31 23:30:00"


def _find_session_zone(guide: str) -> str:
    """The time zone that the guide's psql command sets; without one, that of a server far away."""
    command = re.search(r"^\$ (?:PGTZ=(\S+) )?psql ", (GUIDES / guide).read_text(encoding="utf-8"), re.MULTILINE)
    assert command is not None
    return command[1] or "America/New_York"


def _export(guide: str, url: str, prepare: Callable[[psycopg.Connection[Any]], None]) -> list[str]:
    """The lines that psql prints for the guide's query."""
    return [json.dumps(value) for value in _export_rows(guide, url, prepare)]


def _export_rows(
    guide: str, url: str, prepare: Callable[[psycopg.Connection[Any]], None], number: int = 0
) -> list[Any]:
    with psycopg.connect(url, options=f"-c timezone={_find_session_zone(guide)}") as connection:
        prepare(connection)
        return [row[0] for row in connection.execute(_find_code(guide, "sql", number).encode())]


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_better_auths_table_becomes_lines(postgres_url: str, kind: str) -> None:
    """As its migrations, or those of Drizzle and Prisma, create it. Expired keys stay behind; times are UTC."""

    def prepare(connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            "CREATE TABLE apikey (id text PRIMARY KEY, name text, start text, prefix text, key text NOT NULL, "
            f'"referenceId" text, enabled boolean, "expiresAt" {kind}, "createdAt" {kind} NOT NULL)'.encode()
        )
        for number, (name, enabled, expires) in enumerate(
            [("Shop", True, None), ("", False, _FUTURE), ("Expired", True, _PAST), ("Unset", None, None)]
        ):
            hashed = _HASHES["better-auth"] if number == 0 else f"{number}{_HASHES['better-auth'][1:]}"
            times = [None if time is None else f"{time}+00" for time in (expires, _PAST)]
            values = (f"id{number}", name, "acme_Q", "acme_", hashed, "user", enabled, *times)
            connection.execute("INSERT INTO apikey VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", values)

    lines = _export("move-from-better-auth.md", postgres_url, prepare)
    assert _import(lines) == {"Shop": False, "Better Auth key id1": True, "Unset": False}
    times = [(one["created_at"], one["expires_at"]) for one in map(json.loads, lines)]
    assert set(times) == {("2025-05-01T10:00:00Z", None), ("2025-05-01T10:00:00Z", "2999-12-31T23:30:00Z")}


def test_litellms_table_becomes_lines(postgres_url: str) -> None:
    """As Prisma creates it, with times in UTC whatever the session's zone. Expired keys stay behind; budgets have the
    periods that LiteLLM has, and limits by minute become a limit and a budget."""

    def prepare(connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            'CREATE TABLE "LiteLLM_VerificationToken" (token text PRIMARY KEY, key_name text, key_alias text, '
            "models text[], max_budget double precision, budget_duration text, expires timestamp(3), blocked boolean, "
            "tpm_limit bigint, rpm_limit bigint, team_id text, created_at timestamp(3) DEFAULT CURRENT_TIMESTAMP)"
        )
        hashed = _HASHES["litellm"]
        rows = [
            ("shop", None, None, 25.5, "30d", None, 60),
            (None, _FUTURE, True, 0.1, "1h", 9_000, None),
            ("all", None, None, 7, None, None, None),
            ("free", None, None, None, None, None, None),
            ("expired", _PAST, False, None, None, None, None),
        ]
        for number, (alias, expires, *others) in enumerate(rows):
            values = (f"{number}{hashed[1:]}", "sk-...bM0c", alias, expires, *others)
            connection.execute(
                'INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, expires, blocked, '
                "max_budget, budget_duration, tpm_limit, rpm_limit) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
                values,
            )

    lines = _export("move-from-litellm.md", postgres_url, prepare)
    assert _import(lines) == {
        "shop": False,
        f"LiteLLM key 1{_HASHES['litellm'][1:8]}": True,
        "all": False,
        "free": False,
    }
    shop, hourly, total, free = map(json.loads, lines)
    assert [one["expires_at"] for one in (shop, hourly, total)] == [None, "2999-12-31T23:30:00Z", None]
    assert shop["limits"] == [{"name": "rpm", "limit": 60, "window": "1m"}]
    [monthly] = shop["budgets"]
    assert (float(monthly["amount_usd"]), monthly["period"], monthly["window"]) == (25.5, "month", None)
    [rolling, tpm] = hourly["budgets"]
    assert (float(rolling["amount_usd"]), rolling["period"], rolling["window"]) == (0.1, "rolling", "1h")
    assert (tpm["amount_tokens"], tpm["period"], tpm["window"]) == (9_000, "rolling", "1m")
    assert [(float(one["amount_usd"]), one["period"]) for one in total["budgets"]] == [(7, "total")]
    assert (free["budgets"], free["limits"]) == ([], None)


def test_litellms_teams_become_commands(postgres_url: str, cli: Any) -> None:
    """Which create consumers with the budgets and limits of the teams, whatever their names have."""

    def prepare(connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            'CREATE TABLE "LiteLLM_TeamTable" (team_id text PRIMARY KEY, team_alias text, max_budget double precision, '
            "budget_duration text, tpm_limit bigint, rpm_limit bigint, models text[], blocked boolean)"
        )
        for row in [
            ("t-1", "It's $(Ada)", 300, "1mo", 50_000, 60),
            ("t-2", None, 9.5, "7d", None, None),
            ("t-3", "Plain", None, None, None, None),
        ]:
            connection.execute('INSERT INTO "LiteLLM_TeamTable" VALUES (%s, %s, %s, %s, %s, %s)', row)

    commands = _export_rows("move-from-litellm.md", postgres_url, prepare, number=1)
    cli("migrate", check=True)
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "ari"
        cli(*words, check=True)
    teams = {one["external_id"]: one for one in cli.json("consumers", "list")["items"]}
    assert {name: one["name"] for name, one in teams.items()} == {"t-1": "It's $(Ada)", "t-2": "t-2", "t-3": "Plain"}
    shown = cli.json("consumers", "show", "t-1")
    budgets = [(one["name"], one["amount_usd"], one["amount_tokens"], one["period"]) for one in shown["budgets"]]
    assert budgets == [("budget", "300.00", None, "month"), ("tpm", None, 50_000, "rolling")]
    assert [(one["name"], one["limit"], one["window"]) for one in shown["limits"]] == [("rpm", 60, "1m")]
    assert [one["period"] for one in cli.json("consumers", "show", "t-2")["budgets"]] == ["week"]


def test_djangos_table_becomes_lines(tmp_path: Path) -> None:
    """Revoked keys stay behind. The model reads the library's table."""
    database = tmp_path / "db.sqlite3"
    vectors = [one for one in VECTORS if one["scheme"] == "djangorestframework-api-key"]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "CREATE TABLE rest_framework_api_key_apikey (prefix TEXT, hashed_key TEXT, name TEXT, created TEXT, "
            "expiry_date TEXT, revoked INTEGER)"
        )
        for number, vector in enumerate(vectors):
            expiry = "2099-01-01T00:00:00+00:00" if number else None
            row = (vector["foreign_id"], vector["hash"], f"Client {number}", "2025-05-01T10:00:00+00:00", expiry)
            connection.execute("INSERT INTO rest_framework_api_key_apikey VALUES (?, ?, ?, ?, ?, 0)", row)
        gone = ("gone1234", vectors[0]["hash"], "Gone", "2025-05-01T10:00:00+00:00", None)
        connection.execute("INSERT INTO rest_framework_api_key_apikey VALUES (?, ?, ?, ?, ?, 1)", gone)
    package = tmp_path / "rest_framework_api_key"
    package.mkdir()
    (package / "models.py").write_text(_MODELS.format(path=str(database)), encoding="utf-8")
    script = tmp_path / "export_keys.py"
    script.write_text(_find_code("move-from-djangorestframework-api-key.md", "python"), encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert _import(done.stdout.splitlines()) == {f"Client {number}": False for number in range(len(vectors))}
