"""``ari account``: the owner, and the way back in."""

from pathlib import Path

import pytest

from ari.accounts.password import verify_password
from tests.support.command import Cli
from tests.support.instances import opened
from tests.support.terminal import at_terminal
from tests.unit.cli.conftest import Ari
from tests.unit.cli.owner import DIGEST, EMAIL, OLD, add_owner, with_two_factor

NEW = "nine loud starlings 77"


def _state(ari: Ari) -> tuple[str, bool]:
    """The owner's password hash, and whether the session lives."""
    instance = ari.instance()
    with instance.database.reading() as unit:
        owner = unit.accounts.owner()
        alive = unit.accounts.session(DIGEST, instance.now_ms()) is not None
    instance.close()
    assert owner is not None
    return owner.password_hash, alive


def test_show(owned_ari: Ari) -> None:
    """Who owns this instance; never the hash."""
    assert owned_ari.json("account", "show").keys() == {"id", "email", "created_at"}
    assert dict(line.split("\t") for line in owned_ari("account", "show").out.splitlines())["email"] == EMAIL


def test_without_an_owner(ari: Ari) -> None:
    """The sentence says where the setup link comes from."""
    assert "Run ari serve to get the setup link." in ari.refuse("account", "show")
    assert "Run ari serve to get the setup link." in ari.refuse("account", "reset-password")


def test_reset_from_standard_input(owned_ari: Ari) -> None:
    """A script pipes the password; all sessions end, and the audit log says who did it."""
    ran = owned_ari("account", "reset-password", stdin=f"{NEW}\n")
    password_hash, alive = _state(owned_ari)
    assert verify_password(password_hash, NEW)
    assert not verify_password(password_hash, OLD)
    assert not alive
    assert NEW not in ran.out + ran.err
    event = owned_ari.json("events")["items"][0]
    assert (event["name"], event["subject"], event["detail"]) == ("password_changed", "usr_1", {"sessions_ended": 1})
    assert event["actor"].startswith("cli:")


@pytest.mark.parametrize("password", ["", "short", "password1234", "x" * 1025])
def test_a_bad_password_changes_nothing(owned_ari: Ari, password: str) -> None:
    """The rules of the setup page hold here too; the session lives on."""
    before = _state(owned_ari)
    ran = owned_ari("account", "reset-password", stdin=password + "\n", check=False)
    assert ran.code == 1
    assert _state(owned_ari) == before


def test_for_one_address(owned_ari: Ari) -> None:
    """``--email`` in any spelling; another address is one sentence."""
    owned_ari("account", "reset-password", "--email", "Owner@Example.org", stdin=NEW)
    assert "No such account." in owned_ari.refuse("account", "reset-password", "--email", "x@example.org")


def test_a_password_is_no_argument(owned_ari: Ari) -> None:
    """Other users see command lines: a password there is seen by other users of the machine."""
    assert owned_ari("account", "reset-password", NEW, check=False).code == 2


@pytest.mark.parametrize(("again", "code"), [(NEW, 0), ("another one 1234", 1)])
def test_at_a_terminal_it_asks_twice_without_showing(cli: Cli, again: str, code: int) -> None:
    """Two prompts, nothing typed appears; what differs is refused."""

    with opened(Path(cli.environment["ARI_DATA_DIR"]), None) as instance:
        add_owner(instance)
    answers = [("New password", f"{NEW}\n"), ("Repeat password", f"{again}\n")]
    ended, screen = at_terminal(["account", "reset-password"], cli.environment, cli.folder, answers=answers)
    assert ended == code, screen
    assert NEW not in screen
    assert again not in screen
    assert ("Passwords don't match" in screen) == (code == 1)


def test_disabling_two_factor(owned_ari: Ari) -> None:
    """The way back in for anyone who lost app and codes: sessions end, the audit log says who did it, again is fine."""
    assert "is already off" in owned_ari("account", "disable-two-factor").out
    with_two_factor(owned_ari)
    assert "is now off" in owned_ari("account", "disable-two-factor", "--yes").out
    event = owned_ari.json("events")["items"][0]
    assert (event["name"], event["subject"]) == ("two_factor_disabled", "usr_1")
    assert event["actor"].startswith("cli:")
    assert not _state(owned_ari)[1]


def test_backup_and_restore_mention_the_master_key(owned_ari: Ari, tmp_path: Path) -> None:
    """A backup says that the key is not in it and where it is; a restore says where it must be."""
    with_two_factor(owned_ari)
    file = tmp_path / "b"
    said = owned_ari("backup", str(file)).err
    assert f"Back up {owned_ari.data_dir / 'master.key'} separately" in said
    refused = owned_ari.refuse("restore", str(file), "--data-dir", str(tmp_path / "new"))
    assert f"put its master key in {tmp_path / 'new' / 'master.key'}" in refused
    restored = owned_ari("restore", str(file), "--untrusted", "--data-dir", str(tmp_path / "new")).out
    assert f"Put their master key in {tmp_path / 'new' / 'master.key'} before you start ARI" in restored


def test_the_address_is_set(owned_ari: Ari) -> None:
    """Without an email: who is at the server may; the same address again, or none, is refused in one sentence."""
    assert owned_ari("account", "set-email", "New@example.org").out == "Owner email changed to new@example.org.\n"
    assert owned_ari.json("account", "show")["email"] == "new@example.org"
    assert "already" in owned_ari.refuse("account", "set-email", "new@example.org")
    assert "such as owner@example.com" in owned_ari.refuse("account", "set-email", "nothing")
    events = owned_ari.json("events")["items"]
    assert events[0]["name"] == "email_changed"
    assert events[0]["detail"] == {"email": "new@example.org", "old_email": EMAIL}
