"""The command line on a remote instance: the same words, output and exit codes as in its data directory."""

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ari.cli.lazy_commands import load_all
from ari.cli.main import app
from tests.support.cli_budget_life import BUDGETS, run_budgets
from tests.support.cli_life import (
    CHANGE,
    CONFIGURATION,
    DOCUMENT,
    FAILING,
    MISTAKES,
    PREPARE,
    REMOVE,
    STATUS_ONLY,
    Place,
    live,
)
from tests.support.cli_webhook_life import WEBHOOK_MISTAKES, WEBHOOKS, run_webhooks
from tests.support.owner import Owner, start_owner
from tests.support.server import ServerProcess

LOCAL_ONLY = {
    "account disable-two-factor",
    "account reset-password",
    "account set-email",
    "account show",
    "audit accept",
    "audit check",
    "audit head",
    "audit prune",
    "audit take-over",
    "backup file",
    "backup list",
    "backup now",
    "backup verify",
    "database accept",
    "database return-log",
    "database take-log",
    "database status",
    "doctor",
    "integrations rotate-master-key",
    "keys enable-restored",
    "master-key rotate",
    "migrate",
    "restore",
    "serve",
    "usage addresses",
    "usage agents",
    "usage attempts",
    "usage erase",
}
"""Commands that the API doesn't have."""
OWNER_ONLY = {"policy set"}
"""Commands that the API has for the owner only, so a key gets an error."""
REMOTE_ONLY = {"me revoke", "me rotate", "me show"}
"""Commands about the key for a remote instance."""
Said = tuple[str, tuple[int, str, str]]
"""A line and what it said."""
UNCHANGED = {"audit verify", "scan paths", "scan rules"}
"""Commands that need no instance."""


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    folder = tmp_path_factory.mktemp("remote") / "data"
    folder.mkdir(mode=0o700)
    found = start_owner(ServerProcess(folder))
    yield found
    found.close()
    found.server.kill()


@pytest.fixture(scope="module")
def key_file(owner: Owner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("key") / "key"
    file.touch(0o600)
    file.write_text(owner.cli.create_key("Remote", scopes=["*"])[1] + "\n")
    return file


@pytest.fixture(scope="module")
def local(owner: Owner) -> Place:
    return Place(owner.cli.environment)


@pytest.fixture(scope="module")
def remote(owner: Owner, key_file: Path) -> Place:
    elsewhere = {name: value for name, value in owner.cli.environment.items() if not name.startswith("ARI_")}
    return Place(elsewhere | {"ARI_URL": owner.url, "ARI_KEY_FILE": str(key_file)})


@pytest.mark.slow
def test_both_ways_say_the_same(local: Place, remote: Place, tmp_path: Path) -> None:
    """Standard output, standard error and exit status of every command, on the same instance."""
    (tmp_path / "configuration.json").write_text(json.dumps(CONFIGURATION))
    (tmp_path / "document.json").write_text(json.dumps(DOCUMENT))
    here, there = live(local, tmp_path, "1"), live(remote, tmp_path, "2")
    require_same(here, there)
    failed = [line for line, (code, _, _) in here if code and line not in MISTAKES]
    assert failed == FAILING


def test_both_ways_say_the_same_of_shared_budgets(owner: Owner, local: Place, remote: Place, tmp_path: Path) -> None:
    """With a key without scopes of AI, as the local commands have no key."""
    file = tmp_path / "key"
    file.touch(0o600)
    scopes = ["integrations:read", "integrations:write"]
    file.write_text(owner.cli.create_key("Budgets", scopes=scopes)[1] + "\n")
    here = run_budgets(local)
    require_same(here, run_budgets(Place(remote.environment | {"ARI_KEY_FILE": str(file)})))
    assert [line for line, (code, _, _) in here if code] == BUDGETS.strip().splitlines()[-11:]


def test_both_ways_say_the_same_of_webhooks(local: Place, remote: Place) -> None:
    """Secrets are shown by both; the words about a failed attempt differ, since a key must not explore a network."""
    here = run_webhooks(local)
    require_same(here, run_webhooks(remote))
    failed = [line for line, (code, _, _) in here if code]
    assert failed == ["webhooks test {receiver}", *WEBHOOK_MISTAKES.strip().splitlines()]


def test_a_list_leaves_no_refused_request(owner: Owner, remote: Place, tmp_path: Path) -> None:
    """A key without ``scopes:read``, as the guide creates one, reads no presets: refusals look like an attack."""
    key, secret = owner.cli.create_key("Laptop", scopes=["keys:read"])
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_text(secret)
    code, shown, said = Place(remote.environment | {"ARI_KEY_FILE": str(file)}).call(["keys", "list"], "", {})
    assert (code, "Laptop" in shown, said) == (0, True, "")
    assert owner.cli.json("keys", "show", key["id"])["refused_count"] == 0


def test_both_ways_copy_the_same_audit_log(owner: Owner, local: Place, remote: Place) -> None:
    """Reading on from an event writes none, so both end with the same event and the same signed head."""
    owner.cli.create_key("Copied")
    first = json.loads(local.call(["audit", "export"], "", {})[1].splitlines()[0])["id"]
    here, there = (place.call(["audit", "export", "--after", first], "", {}) for place in (local, remote))
    assert here == there
    assert here[1].count("\n") > 1


def test_values_are_completed_over_the_api(owner: Owner, remote: Place) -> None:
    """As in the data directory."""
    key = owner.cli.create_key("Completed")[0]["id"]
    settings = {"_ARI_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    for line, value in ((f"ari keys show {key[:-1]}", key), ("ari keys create x --scope keys:w", "keys:write")):
        _, said, failure = remote.call([], "", settings | {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))})
        assert (value in said.split(), failure) == (True, "")


def require_same(here: Sequence[Said], there: Sequence[Said]) -> None:
    """Each line says the same in both places; those of ``STATUS_ONLY`` need to end with the same status only."""
    differing = [
        (line, one, other)
        for (line, one), (_, other) in zip(here, there, strict=True)
        if one[:1] != other[:1] or (one != other and line not in STATUS_ONLY)
    ]
    assert not differing, "\n".join(f"{line}\n  {one}\n  {other}" for line, one, other in differing)


def list_commands() -> set[str]:
    """Every command, by its words."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        commands = getattr(command, "commands", None)
        if commands is None or words == ("usage",):
            yield " ".join(words)
        for name, one in (commands or {}).items():
            yield from walk(one, (*words, name))

    return set(walk(load_all(app), ()))


def test_every_command_is_compared_or_local_only() -> None:
    """A new command appears in the life above, or in one of the lists."""
    lines = [
        shlex.split(line) for line in f"{PREPARE}{CHANGE}{BUDGETS}{WEBHOOKS}{MISTAKES}{REMOVE}".strip().splitlines()
    ]
    compared = {name for name in list_commands() for words in lines if words[: len(name.split())] == name.split()} | {
        "audit export",
        "keys verify",
        "integrations set",
    }
    assert list_commands() - compared == LOCAL_ONLY | OWNER_ONLY | REMOTE_ONLY | UNCHANGED


def test_a_provider_key_is_read_from_standard_input(local: Place, remote: Place) -> None:
    """The same words, and the same mask."""
    said = []
    for place in (local, remote):
        said.append(place.run(["integrations", "set", "openai"], "sk-proj-0123456789abcdefABCDEF\n"))
        place.run(["integrations", "remove", "openai", "--yes"])
    assert said[0] == said[1] == (0, "Stored OpenAI key sk-p…CDEF. Test it: ari integrations test openai\n", "")


@pytest.mark.parametrize(
    ("options", "status"),
    [((), 0), (("--json",), 0), (("--scope", "api:read"), 0), (("--scope", "keys:write", "--json"), 3)],
)
def test_verdicts_are_the_same(local: Place, remote: Place, options: tuple[str, ...], status: int) -> None:
    """Valid is 0, and not valid 3; without --cost nothing is consumed."""
    token = local.call(["keys", "create", "Verified", "--scope", "api:read", "--limit", "2/1h"], "", {})[1]
    said = [place.run(["keys", "verify", *options], token) for place in (local, remote)]
    assert said[0] == said[1]
    assert said[0][0] == status
    last = local.run(["keys", "verify", "--cost", "1"], token)[1]
    assert "1 of 2 left per hour" in last


@pytest.mark.parametrize("text", ["", "not a key", "ari_k_" + "0" * 49])
def test_a_text_that_is_no_key_is_not_valid(local: Place, remote: Place, text: str) -> None:
    """The same at both doors; nothing at all is a mistake."""
    said = [place.run(["keys", "verify"], f"{text}\n") for place in (local, remote)]
    assert said[0] == said[1]
    assert said[0][0] == (3 if text else 1)


@pytest.mark.parametrize("name", sorted(LOCAL_ONLY - {"serve"}))
def test_a_command_about_the_data_directory_refuses(remote: Place, name: str) -> None:
    """One sentence, before it does or asks anything."""
    more = {
        "audit check": ["evt_1", "0"],
        "audit prune": ["--days", "30"],
        "backup file": ["x"],
        "restore": ["x"],
        "account set-email": ["a@example.org"],
        "usage erase": ["--address", "192.0.2.1"],
    }
    key = ["--key", "x"] if name in ("usage addresses", "usage agents") else []
    code, out, err = remote.run([*name.split(), *key, *more.get(name, [])], "one line\n")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "works on a data directory only" in err


def test_serve_refuses(remote: Place) -> None:
    """It would start another instance than the one that the options name."""
    assert "works on a data directory only" in remote.run(["serve"])[2]


def test_only_the_owner_changes_the_rules(remote: Place) -> None:
    """A key gets the API's sentence."""
    code, _, err = remote.run(["policy", "set", "--max-lifetime-days", "30"])
    assert code == 1
    assert err.startswith("ari: ")


def test_a_key_shows_rotates_and_revokes_itself(owner: Owner, local: Place) -> None:
    """Without a scope; the new secret works, and after revoking nothing does."""
    _, secret = owner.create_key("Itself", expires="1h")
    local.run(["keys", "allow-rotation", local.json("keys", "list", "--text", "Itself")["items"][0]["id"]])

    def call(key: str, *words: str) -> tuple[int, str, str]:
        return local.call(words, "", {"ARI_URL": owner.url, "ARI_KEY": key})

    assert "Itself" in call(secret, "me", "show")[1]
    code, out, err = call(secret, "me", "rotate", "--overlap", "0s")
    assert (code, out) == (1, "")
    assert "--yes" in err
    fresh = call(secret, "me", "rotate", "--overlap", "0s", "--yes")[1].strip()
    assert call(secret, "me", "show")[0] == 1
    assert json.loads(call(fresh, "me", "show", "--json")[1])["secret_number"] == 2
    assert call(fresh, "me", "revoke")[0] == 1
    assert call(fresh, "me", "revoke", "--yes", "--reason", "leaked")[1].startswith("Revoked ari_k_")
    code, _, err = call(fresh, "me", "show")
    assert code == 1
    assert err.startswith("ari: The remote instance refused the key: ")


def test_a_data_directory_has_no_key_of_its_own(local: Place) -> None:
    """The command line acts there as the operating system's user."""
    assert "about a remote instance" in local.run(["me", "show"])[2]


def test_a_narrow_key_gets_the_scope_that_it_needs(owner: Owner, local: Place) -> None:
    """A key that may only write keys changes them by ID, and learns what else it needs."""
    _, secret = owner.create_key("Writer", scopes=["keys:write", "api:read"])
    key, _ = owner.create_key("Written", scopes=["api:read"])
    settings = {"ARI_URL": owner.url, "ARI_KEY": secret}
    code, out, err = local.call(["keys", "rename", key["id"], "Renamed"], "", settings)
    assert (code, out.startswith("Renamed to “Renamed”"), err) == (0, True, "")
    code, out, err = local.call(["keys", "list"], "", settings)
    assert (code, out, err) == (1, "", "ari: This key needs the scope “keys:read”.\n")
