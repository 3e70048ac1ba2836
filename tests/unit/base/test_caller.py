"""The party that a command runs for."""

import getpass

import pytest

from ari.base.caller import CONFIRMED_FOR_MS, SYSTEM, Caller, command_line_caller, is_key
from ari.base.errors import ReauthRequired
from ari.base.events import Origin


def _session(confirmed_at_ms: int) -> Caller:
    return Caller("usr_1", Origin("web"), session_digest=b"x", confirmed_at_ms=confirmed_at_ms)


def _is_confirmed(caller: Caller, now_ms: int) -> bool:
    try:
        caller.require_confirmed(now_ms)
    except ReauthRequired:
        return False
    return True


@pytest.mark.parametrize("age_ms", [0, 1, CONFIRMED_FOR_MS - 1])
def test_a_recent_password_is_enough(age_ms: int) -> None:
    """Security rule 29: for 15 minutes."""
    assert _is_confirmed(_session(1_000), 1_000 + age_ms)


@pytest.mark.parametrize("age_ms", [-1, CONFIRMED_FOR_MS, CONFIRMED_FOR_MS * 10])
def test_an_old_or_future_password_is_not(age_ms: int) -> None:
    """A clock set back must not keep a confirmation alive."""
    with pytest.raises(Exception, match="password"):
        _session(1_000).require_confirmed(1_000 + age_ms)


def test_keys_and_the_command_line_have_no_password() -> None:
    """They are limited by scopes and by access to the server."""
    for caller in (SYSTEM, Caller("key_1", Origin("api")), command_line_caller()):
        assert _is_confirmed(caller, 10**13)


def test_only_keys_have_a_key_id() -> None:
    """Rules for keys must not apply to an account, and the reverse."""
    assert Caller("key_1", Origin("api")).key_id == "key_1"
    assert [_session(0).key_id, SYSTEM.key_id] == [None, None]
    assert is_key("key_1")
    assert not is_key("cli:key_1")


def test_the_command_line_names_its_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a container whose user has no name."""
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    assert command_line_caller().actor == "cli:alice"

    def fail() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", fail)
    assert command_line_caller().actor.startswith("cli:uid")
