"""Rule 22: other people's text cannot act on a terminal or forge a line of the log."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from ari.base.ids import new_id
from ari.base.log import configure_log
from ari.instance import Instance
from ari.usage.ports import Batch
from tests.support.command import Cli
from tests.support.instances import opened, settings_for
from tests.support.owner import Owner
from tests.support.terminal import at_terminal
from tests.support.usage import make_row

EVIL = (
    "a\x1b]0;owned\x07\x1b[2J\r\nb\u202ec\u2028d\x9b31m[bold red]e[/]\u2066 :skull: [link=https://evil.example]f[/link]"
)
SHOWN = (
    "a\\x1b]0;owned\\x07\\x1b[2J\\x0d\\x0ab\\u202ec\\u2028d\\x9b31m[bold red]e[/]\\u2066 :skull: "
    "[link=https://evil.example]f[/link]"
)
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _poison(instance: Instance) -> str:
    """A key, an event and a usage row whose every text acts on terminals, as a hole elsewhere might let in."""
    now_ms = instance.now_ms()
    key_id = new_id("key", now_ms)
    with instance.database.main.begin() as connection:
        insert = (
            "INSERT INTO api_keys (id, name, folded_name, hint, scopes, created_at_ms,"
            " created_by, disabled, revoked_at_ms, revoked_by, revoke_reason)"
            " VALUES (:id, :evil, '', :hint, :scope, :now, :evil, false, :now, :evil, :evil)"
        )
        facts = {"id": key_id, "evil": EVIL, "hint": "h\x1b[1m", "scope": "s\x1b]x", "now": now_ms}
        connection.execute(text(insert), facts)
        insert = (
            "INSERT INTO events (id, at_ms, name, actor, subject, door, client_address, user_agent, request_id, detail,"
            " hash) VALUES ('evt_1', :now, 'key_created', :evil, :evil, 'cli', :evil, :evil, :evil, :detail, 'h')"
        )
        connection.execute(text(insert), {"now": now_ms, "evil": EVIL, "detail": json.dumps({EVIL: EVIL})})
    row = make_row(
        now_ms, request_id=EVIL, key_id=key_id, key_hint="h\x1b[1m", method="G\x1b[1m", route=EVIL, path=EVIL,
        client_address=EVIL[:64], user_agent=EVIL,
    )  # fmt: skip
    instance.database.usage.commit(Batch([row]))
    return key_id


COMMANDS = (["keys", "list"], ["keys", "show"], ["usage"], ["usage", "export"], ["events"], ["doctor", "--audit"])


@pytest.fixture
def poisoned_log(cli: Cli, data_dir: Path) -> tuple[Cli, str]:
    with opened(data_dir, None) as instance:
        return cli, _poison(instance)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_piped_output_holds_nothing_that_acts(poisoned_log: tuple[Cli, str], words: list[str]) -> None:
    """One row a line, every control and bidi character an escape."""
    cli, key_id = poisoned_log
    ran = cli(*words, *([key_id] if words[-1] == "show" else []))
    assert not ACTS.search(ran.stdout + ran.stderr)
    assert SHOWN in ran.stdout or words[0] == "doctor"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_terminal_shows_the_letters(poisoned_log: tuple[Cli, str], words: list[str]) -> None:
    """Neither colours, titles, links nor turned text, at a terminal either."""
    cli, key_id = poisoned_log
    _, screen = at_terminal(
        [*words, *([key_id] if words[-1] == "show" else [])], cli.environment, cli.folder, columns=3000
    )
    assert not ACTS.search(screen)
    assert SHOWN in screen or words[0] == "doctor"


def test_json_holds_nothing_that_acts(poisoned_log: tuple[Cli, str]) -> None:
    """JSON is ASCII and still exact."""
    cli, key_id = poisoned_log
    for words in (["keys", "list"], ["keys", "show", key_id], ["usage"], ["events"]):
        ran = cli(*words, "--json", check=True)
        assert ran.stdout.isascii()
        assert not ACTS.search(ran.stdout)
    assert cli.json("keys", "show", key_id)["name"] == EVIL


def test_questions_and_sentences_hold_nothing_that_acts(poisoned_log: tuple[Cli, str]) -> None:
    """The name in a confirmation cannot rewrite the question."""
    cli, key_id = poisoned_log
    answers = [("[y/N] ", "n\n")]
    _, screen = at_terminal(["keys", "delete", key_id], cli.environment, cli.folder, answers=answers, columns=3000)
    assert not ACTS.search(screen)
    assert f"Delete “{SHOWN}”" in screen
    assert SHOWN in cli("keys", "delete", "--yes", key_id, check=True).stdout


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_one_log_line_for_each_event(data_dir: Path, log_format: str) -> None:
    """CRLF, ESC and U+202E in every field: still one line, with nothing in it that acts."""
    stream = io.StringIO()
    configure_log(settings_for(data_dir, None, log_format=log_format), stream)
    try:
        structlog.get_logger("ari.test").warning(EVIL, reason=EVIL, path=EVIL, user_agent=EVIL, nested={"x": EVIL})
        structlog.get_logger("ari.test").warning("next")
    finally:
        structlog.reset_defaults()
    lines = stream.getvalue().split("\n")
    assert len(lines) == 3, lines
    assert not ACTS.search("".join(lines))


def test_a_server_logs_a_strange_caller_on_one_line(owner: Owner) -> None:
    """Header values are cleaned in the log and in the usage log."""
    _, secret = owner.create_key("Laptop")
    agent = "x\u202e".encode() + b"\t[bold]"
    owner.api(secret).get("/api/me", headers=[(b"user-agent", agent)])
    assert not ACTS.search(owner.server.log_text())
    assert not ACTS.search(owner.cli("usage", check=True).stdout)


@pytest.mark.parametrize("start", ["=", "-", "@", "x;=", "x; +"])
def test_no_cell_of_an_export_is_a_formula(owner: Owner, start: str) -> None:
    """Callers' text is text in a spreadsheet; the file is an attachment that ARI names.

    A tab or a carriage return in front: tests/unit/usage/test_export.py, since no header brings one so far.
    """
    _, secret = owner.create_key("Laptop", scopes=["usage:read"])
    client = owner.api(secret)
    client.get("/api/me", headers={"user-agent": f"{start}cmd|calc"})
    answer = client.get("/api/usage/export", params={"format": "csv"})
    assert answer.headers["content-disposition"] == 'attachment; filename="ari-usage.csv"'
    text = answer.content.decode("utf-8-sig")
    agents = [row["user_agent"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    assert any(agent.endswith("cmd|calc") for agent in agents)
    for delimiter in ",;\t":
        cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d"))]
