"""Keys are found by ID or prefix, and printed for people and for pipes."""

from pathlib import Path

from ari import keys
from ari.base import server_url
from ari.base.ids import new_id
from ari.deps import Deps
from ari.keys import NewKey, token
from tests.support.command import Cli
from tests.support.terminal import at_terminal
from tests.unit.cli.conftest import Ari

COLUMNS = ["NAME", "PREFIX", "STATUS", "ACCESS", "EXPIRES", "LAST USED", "REQUESTS", "ID"]


def _at_terminal(cli: Cli, *words: str, answer: str | None = None, columns: int = 160) -> tuple[int, str]:
    answers = [] if answer is None else [("[y/N] ", f"{answer}\n")]
    return at_terminal(words, cli.environment, Path(cli.folder), answers=answers, columns=columns)


def test_create_piped_prints_only_the_secret(ari: Ari) -> None:
    """``KEY=$(ari keys create x)`` is the key and nothing else."""
    ran = ari("keys", "create", "Laptop")
    assert token.parse(ran.out.strip().encode()) is not None
    assert ran.out.count("\n") == 1
    assert ran.err == ""


def test_the_same_name_is_noted(ari: Ari) -> None:
    """The note goes to standard error; the secret stays alone."""
    ari.create("Backup")
    ran = ari("keys", "create", "backup")
    assert "another active key has this name" in ran.err
    assert len(ran.out) == token.LENGTH + 1


def test_list_is_stable_and_newest_first(ari: Ari) -> None:
    """Piped: one line a key, tab-separated, in the order of the page."""
    first, _ = ari.create("First", "--expires", "30d")
    ari.clock.advance(1)
    second, _ = ari.create("Second", "--scope", "*")
    lines = [line.split("\t") for line in ari("keys", "list").out.splitlines()]
    assert lines[0] == COLUMNS
    assert [line[7] for line in lines[1:]] == [second["id"], first["id"]]
    assert lines[2] == [
        "First",
        first["hint"],
        "active",
        "API docs only",
        first["expires_at"],
        "never",
        "0",
        first["id"],
    ]


def test_list_reads_all_pages(ari: Ari) -> None:
    """More keys than fit a page of the API are all listed."""
    instance = ari.instance()
    for number in range(205):
        Deps(instance).do_sync(keys.create, NewKey(f"k{number}"))
    instance.close()
    assert len(ari.json("keys", "list")["items"]) == 205


def test_show_by_id_and_by_hint(ari: Ari) -> None:
    """A hint, with its dots as typed, names the key as well as the id."""
    key, _ = ari.create()
    by_id = ari.json("keys", "show", key["id"])
    assert {name: by_id[name] for name in key} == key
    assert ari.json("keys", "show", key["hint"]) == by_id
    assert ari.json("keys", "show", key["hint"].replace("…", "...")) == by_id
    shown = dict(line.split("\t") for line in ari("keys", "show", key["id"]).out.splitlines())
    assert shown["name"] == "Laptop"
    assert shown["scopes"] == "api:read"


def test_a_whole_key_is_refused_and_not_repeated(ari: Ari) -> None:
    """Of any kind: it would stay in the shell history."""
    for secret in (token.mint(), token.mint("acme_live_")):
        sentence = ari.refuse("keys", "show", secret)
        assert "not the key itself" in sentence
        assert secret not in sentence


def test_unknown_ids_are_one_sentence(ari: Ari) -> None:
    """No command guesses."""
    for text in (new_id("key", 1), "key_x", "ari_k_aaaa…bbbb", "Laptop"):
        for command in ("show", "disable", "revoke", "delete"):
            assert "No such " in ari.refuse("keys", command, text)


def test_at_a_terminal_the_secret_is_shown_once_with_what_to_do(cli: Cli) -> None:
    """People see the secret, that it is the only time, and a line to try it that leaves no secret in a history."""
    cli("migrate", check=True)
    with server_url.publish(Path(cli.environment["ARI_DATA_DIR"]), "http://127.0.0.1:4321"):
        code, screen = _at_terminal(cli, "keys", "create", "Laptop", "--expires", "90d")
    key = cli.json("keys", "list")["items"][0]
    secret = next(word for word in screen.split() if word.startswith("ari_k_"))
    assert code == 0
    assert token.hint(secret) == key["hint"]
    assert screen.count(secret) == 1
    for wanted in (
        "Laptop",
        "You won't be able to see it again",
        key["hint"],
        "in 90 days",
        '"x-api-key: $ARI_API_KEY"',
        "http://127.0.0.1:4321/api/me",
    ):
        assert wanted in screen


def test_a_revoked_key_shows_no_expiry(ari: Ari) -> None:
    """It works no more; JSON has the time that was set."""
    key, _ = ari.create("Gone", "--expires", "30d")
    ari("keys", "revoke", key["id"], "--yes")
    row = dict(zip(COLUMNS, ari("keys", "list").out.splitlines()[1].split("\t"), strict=True))
    assert (row["STATUS"], row["EXPIRES"]) == ("revoked", "-")
    assert "expires\t-" in ari("keys", "show", key["id"]).out.splitlines()
    assert ari.json("keys", "show", key["id"])["expires_at"] is not None
