"""``ari usage``: reading what happened."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ari.base.clock import DAY_MS, HOUR_MS, from_rfc3339, to_rfc3339
from ari.base.ids import new_id
from ari.usage.model import Attempt, UsageRow
from ari.usage.ports import Batch
from ari.usage.search import SOURCES
from tests.support.backlog import stage_backlog
from tests.support.command import Cli
from tests.support.instances import opened
from tests.unit.cli.conftest import Ari

COLUMNS = ["TIME", "STATUS", "METHOD", "PATH", "KEY", "VERDICT", "ADDRESS", "MS", "COUNT", "SOURCE", "ID"]


def _row(at_ms: int, key_id: str, code: str = "ok", **more: object) -> UsageRow:
    row = UsageRow(new_id("req", at_ms), at_ms, "r", key_id, "ari_k_a…b", code, "GET", "/x", "/x", "192.0.2.7", "curl")
    row.status, row.duration_ms = 200, 1.25
    for name, value in more.items():
        setattr(row, name, value)
    return row


def _commit(ari: Ari, *rows: UsageRow, attempts: tuple[Attempt, ...] = ()) -> None:
    instance = ari.instance()
    instance.database.usage.commit(Batch(list(rows), [], list(attempts)))
    instance.close()


def _now_ms(ari: Ari) -> int:
    instance = ari.instance()
    now_ms = instance.now_ms()
    instance.close()
    return now_ms


def test_usage_lists_newest_first(ari: Ari) -> None:
    """One line a request, as the log has it."""
    key, _ = ari.create()
    now_ms = _now_ms(ari)
    old, new = _row(now_ms - 60_000, key["id"]), _row(now_ms, key["id"], "revoked", status=401, duration_ms=None)
    _commit(ari, old, new)
    lines = [line.split("\t") for line in ari("usage").out.splitlines()]
    assert lines[0] == COLUMNS
    assert [line[10] for line in lines[1:]] == [new.id, old.id]
    assert lines[2][1:10] == ["200", "GET", "/x", "ari_k_a…b", "ok", "192.0.2.7", "1.2", "1", "request"]
    assert lines[1][7] == "-"
    assert [item["id"] for item in ari.json("usage")["items"]] == [new.id, old.id]


def test_usage_is_narrowed(ari: Ari) -> None:
    """By key, by outcome, by time, by number."""
    one, other = ari.create("a")[0]["id"], ari.create("b")[0]["id"]
    now_ms = _now_ms(ari)
    _commit(ari, _row(now_ms - 7_200_000, one), _row(now_ms, one, "disabled"), _row(now_ms, other))

    def count(*words: str) -> int:
        return len(ari.json("usage", *words)["items"])

    assert [count("--key", one), count("--code", "ok"), count("--since", "1h"), count("--limit", "1")] == [2, 2, 2, 1]
    assert count("--key", one, "--code", "disabled", "--since", "1h") == 1


def test_usage_has_the_filters_of_the_api(ari: Ari) -> None:
    """Status, method, address, source, text and both ends of the time; unlike --code, none of them has an index."""
    key = ari.create()[0]["id"]
    now_ms = _now_ms(ari)
    _commit(ari, _row(now_ms, key), _row(now_ms, key, status=404, method="POST", path="/lost", source="verify"))
    _commit(ari, _row(now_ms, key, client_address="2001:db8::1"))

    def paths(*words: str) -> list[str]:
        return [item["path"] for item in ari.json("usage", *words)["items"]]

    for words in (("--status", "4xx"), ("--method", "post"), ("--source", "verify"), ("--text", "LOST")):
        assert paths(*words) == ["/lost"]
    assert len(paths("--address", "2001:DB8:0::1")) == 1
    assert paths("--until", "2020-01-01T00:00:00Z") == []
    refused = ari("usage", "--address", "nowhere", check=False)
    assert (refused.code, "--address" in refused.err) == (2, True)


@pytest.mark.parametrize("words", [("--code", "fine"), ("--since", "yesterday"), ("--limit", "0")])
def test_wrong_words_are_usage_errors(ari: Ari, words: tuple[str, ...]) -> None:
    """A typo does not look like an empty log."""
    assert ari("usage", *words, check=False).code == 2


def test_options_before_a_subcommand_are_refused(ari: Ari) -> None:
    """``usage --data-dir X erase`` must not silently work on another directory."""
    assert ari("usage", "--data-dir", "/elsewhere", "erase", "--yes", "--address", "192.0.2.7", check=False).code == 2


def test_usage_of_an_unknown_key_is_a_sentence(ari: Ari) -> None:
    """An id that never was is distinguished from a key without use."""
    assert "No such API key" in ari.refuse("usage", "--key", new_id("key", 1))


def test_a_key_is_named_by_its_name(ari: Ari) -> None:
    """Whatever its case; an inactive key of the same name doesn't count, and two active ones are refused."""
    old = ari.create("Nightly report")[0]["id"]
    ari("keys", "revoke", old, "--yes")
    assert ari.json("usage", "ai", "--key", "nightly REPORT") == ari.json("usage", "ai", "--key", old)
    new = ari.create("Nightly report")[0]["id"]
    assert ari.json("usage", "summary", "--key", "Nightly report") == ari.json("usage", "summary", "--key", new)
    ari.create("Nightly report")
    assert "2 keys match. Use one of these IDs: key_" in ari.refuse("usage", "ai", "--key", "Nightly report")
    assert "No such key" in ari.refuse("usage", "ai", "--key", "Nightly")


def test_attempts(ari: Ari) -> None:
    """Requests without an ARI key, counted."""
    minute_ms = _now_ms(ari) // 60_000 * 60_000
    _commit(ari, attempts=(Attempt(minute_ms, "unknown", "192.0.2.9", 3),))
    assert ari("usage", "attempts").out.splitlines()[1].split("\t")[1:] == ["unknown", "192.0.2.9", "3"]
    [item] = ari.json("usage", "attempts", "--since", "1h")["items"]
    assert (item["reason"], item["address"], item["count"]) == ("unknown", "192.0.2.9", 3)
    service, _ = ari.create()
    _commit(ari, attempts=(Attempt(minute_ms + 60_000, "unknown", service["id"]),))
    assert ari("usage", "attempts").out.splitlines()[1].split("\t")[2] == f"{service['name']} (verify)"
    item = ari.json("usage", "attempts")["items"][0]
    assert (item["address"], item["key_id"]) == (None, service["id"])


def test_erase_forgets_an_address_everywhere(ari: Ari) -> None:
    """The rows stay; the address is gone, also from the event of its erasure."""
    key, _ = ari.create()
    _commit(ari, _row(_now_ms(ari), key["id"]))
    assert ari.json("usage", "erase", "--yes", "--address", "192.0.2.7") == {"rows": 1}
    assert ari.json("usage")["items"][0]["client_address"] is None
    event = ari.json("events")["items"][0]
    assert (event["name"], event["detail"]) == ("usage_erased", {"rows": 1})
    assert b"192.0.2.7" not in b"".join(path.read_bytes() for path in ari.data_dir.glob("*.db"))


@pytest.mark.parametrize("text", ["nonsense", "", "192.0.2", "192.0.2.7; DROP", "2001:db8::/200"])
def test_erase_refuses_what_is_no_address(ari: Ari, text: str) -> None:
    """A typo must not look like an address that never stood in the log."""
    ari.create()
    ran = ari("usage", "erase", "--yes", "--address", text, check=False)
    assert ran.code == 2
    assert "usage_erased" not in {event["name"] for event in ari.json("events")["items"]}


def test_erase_takes_a_network_that_the_log_keeps(ari: Ari) -> None:
    """With ARI_USAGE_ADDRESSES=network that is all there is to forget."""
    key, _ = ari.create()
    _commit(ari, _row(_now_ms(ari), key["id"], client_address="192.0.2.0/24"))
    assert ari.json("usage", "erase", "--yes", "--address", "192.0.2.7/24") == {"rows": 1}


def test_from_where_and_by_what_a_key_was_used(ari: Ari) -> None:
    """Last seen first, accepted and refused apart; erasing moves what it finds to the others."""
    key, _ = ari.create()
    now_ms = _now_ms(ari)
    _commit(ari, _row(now_ms - 1, key["id"], "revoked"), _row(now_ms, key["id"], client_address="192.0.2.8"))
    lines = [line.split("\t")[:3] for line in ari("usage", "addresses", "--key", key["hint"]).out.splitlines()]
    assert lines == [["ADDRESS", "ALLOWED", "REFUSED"], ["192.0.2.8", "1", "0"], ["192.0.2.7", "0", "1"]]
    [agent] = ari.json("usage", "agents", "--key", key["id"])["items"]
    assert (agent["value"], agent["request_count"], agent["refused_count"]) == ("curl", 1, 1)
    ari("usage", "erase", "--yes", "--address", "192.0.2.7")
    assert [one["value"] for one in ari.json("usage", "addresses", "--key", key["id"])["items"]] == [
        "192.0.2.8",
        "other",
    ]


@contextmanager
def _following(cli: Cli, *words: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "ari", "usage", "--follow", *words],
        stdout=subprocess.PIPE,
        text=True,
        env=cli.environment,
        cwd=cli.folder,
    )
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.terminate()
        process.communicate()


def test_follow_prints_each_row_once_as_it_comes(cli: Cli, data_dir: Path) -> None:
    """Old rows first, then new ones, one JSON object a line."""
    with opened(data_dir, None) as instance:
        now_ms = instance.now_ms()
        old = _row(now_ms - 1_000_000_000, "key_1")
        instance.database.usage.commit(Batch([old]))
        with _following(cli, "--json") as process:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["id"] == old.id
            # newer than the real time of the command, so within every overlap window
            fresh = [_row(now_ms + 10_000_000_000 + number, "key_1") for number in range(3)]
            for row in fresh:
                instance.database.usage.commit(Batch([row]))
            assert [json.loads(process.stdout.readline())["id"] for _ in fresh] == [row.id for row in fresh]
            last = _row(now_ms + 10_000_000_003, "key_1")
            instance.database.usage.commit(Batch([last]))
            assert json.loads(process.stdout.readline())["id"] == last.id


def test_follow_as_a_table_begins_with_its_columns(cli: Cli, data_dir: Path) -> None:
    """A pipe gets the headers once."""
    with opened(data_dir, None) as instance:
        row = _row(instance.now_ms(), "key_1")
        instance.database.usage.commit(Batch([row]))
        with _following(cli, "--limit", "1") as process:
            assert process.stdout is not None
            assert process.stdout.readline().rstrip("\n").split("\t") == COLUMNS
            assert process.stdout.readline().rstrip("\n").split("\t")[-1] == row.id


@pytest.mark.parametrize("words", [("usage",), ("usage", "export")])
def test_help_lists_every_source(ari: Ari, words: tuple[str, ...]) -> None:
    """Those that the log has, and that the filter takes."""
    text = ari(*words, "--help").out.replace("│", " ")
    assert f"Filter by source: {', '.join(SOURCES)}." in " ".join(text.split())
    for source in SOURCES:
        ari("usage", "--source", source)


def test_a_large_backlog_is_reported_with_the_figures(ari: Ari) -> None:
    """Each command that shows usage says on standard error until when it is complete, and has the time in its JSON."""
    key_id = ari.create()[0]["id"]
    instance = ari.instance()
    until = to_rfc3339(stage_backlog(instance, key_id))
    of_key = ("--key", key_id)
    commands = [("keys", "list"), ("usage",), *(("usage", name) for name in ("summary", "ai", "totals", "attempts"))]
    commands += [("usage", name, *of_key) for name in ("addresses", "agents")]
    for command in commands:
        ran = ari(*command)
        assert ran.err.startswith("Complete until "), command
        assert ran.err.endswith(". Newer requests are still being counted.\n"), command
        assert "Complete until" not in ran.out, command
        assert ari.json(*command)["complete_until"] == until, command
    assert ari("usage", "export").err.startswith("Complete until ")
    instance.database.usage.fold_all()
    instance.close()
    for command in commands:
        assert ari(*command).err == "", command
        assert ari.json(*command)["complete_until"] is None, command
    assert ari("usage", "export").err == ""


def test_a_length_begins_that_long_ago(ari: Ari) -> None:
    """At the whole hour before; not at midnight, where a list by day would begin."""
    now_ms = ari.instance().now_ms()
    for words in (("usage", "ai"), ("usage", "summary"), ("usage", "totals")):
        found = ari.json(*words, "--since", "24h")
        begin = from_rfc3339(found["since"])
        assert 0 <= now_ms - DAY_MS - begin < HOUR_MS
        assert (found["by"], found["parts"][0]["since"]) == ("hour", found["since"])
