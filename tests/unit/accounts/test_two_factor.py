"""Two-factor on and off, and its backup codes, without a database."""

import pytest

from ari.accounts import sessions, two_factor
from ari.base.caller import Caller
from ari.base.errors import Conflict, Invalid
from tests.unit.accounts.desk import SECRET, Desk


def test_on_and_off(desk: Desk) -> None:
    """Turning on needs a code of the very secret; both ends sign the other sessions out and are events."""
    other = sessions.start(desk.tx, desk.account)
    with pytest.raises(Invalid, match="isn't the app's current code"):
        two_factor.turn_on(desk.owner(), SECRET, "000000")
    with pytest.raises(Invalid, match="incomplete"):
        two_factor.turn_on(desk.owner(), "x", desk.code())
    assert len(desk.turn_on()) == 10
    assert sessions.find(desk.tx, other) is None
    assert desk.tx.accounts.sessions_of(desk.account.id, desk.clock.now_ms())[0].digest == desk.caller.session_digest
    with pytest.raises(Conflict):
        desk.turn_on()
    assert two_factor.turn_off(desk.owner(), desk.account.id)
    assert not two_factor.turn_off(desk.owner(), desk.account.id)
    assert desk.tx.sealed.all() == []
    assert desk.tx.second_step.count_backup_codes(desk.account.id) == 0
    assert desk.tx.events.names() == ["two_factor_enabled", "two_factor_disabled"]
    assert SECRET not in repr(desk.tx.events.all)


def test_new_backup_codes(desk: Desk) -> None:
    """They void those before; without two-factor there are none."""
    with pytest.raises(Conflict):
        two_factor.renew_backup_codes(desk.owner())
    old = desk.turn_on()
    fresh = two_factor.renew_backup_codes(desk.owner())
    assert desk.enter(desk.half(), old[0]) is None
    assert desk.enter(desk.half(), fresh[0]) is not None


def test_one_session_is_ended_by_its_public_name(desk: Desk) -> None:
    """The name signs nobody in; another account's session, or an unknown one, stays."""
    other = sessions.start(desk.tx, desk.account)
    found = sessions.find(desk.tx, other)
    assert found
    assert other not in found.session.id
    assert not sessions.end_one(desk.owner(), "ses_0")
    assert not sessions.end_one(desk.tx.by(Caller("usr_2", desk.origin)), found.session.id)
    assert sessions.end_one(desk.owner(), found.session.id)
    assert sessions.find(desk.tx, other) is None
    assert desk.tx.events.names() == ["session_ended"]
