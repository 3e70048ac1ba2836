"""The second step of a sign-in, and confirming a session, without a database."""

from contextlib import suppress

import pytest

from ari.accounts import second_step, sessions, sign_in, two_factor
from ari.accounts.password import Verdict
from ari.accounts.sign_in import HalfSignedIn
from ari.base.errors import NotFound, RateLimited, ReauthRequired
from ari.base.events import Origin
from ari.base.seal import CannotOpen
from tests.unit.accounts.desk import Desk


def test_a_password_alone_is_half_a_sign_in(desk: Desk) -> None:
    """No session until the code; the half is used up by it and opens nothing itself."""
    desk.turn_on()
    half = desk.half()
    assert sessions.find(desk.tx, half) is None
    assert second_step.waits_for_code(desk.tx, half)
    desk.clock.advance(30)
    made = desk.enter(half, f" {desk.code()[:3]} {desk.code()[3:]}")
    assert made is not None
    assert sessions.find(desk.tx, made.token)
    assert desk.tx.events.all[-1].detail["second_step"] == "app"
    with pytest.raises(NotFound):
        desk.enter(half, desk.code(1))


def test_five_minutes_for_the_code(desk: Desk) -> None:
    """After that the right code is too late; nobody is half signed in without a password."""
    desk.turn_on()
    half = desk.half()
    desk.clock.advance(5 * 60)
    assert not second_step.waits_for_code(desk.tx, half)
    for token in (half, None, "x", sessions.new_token()):
        with pytest.raises(NotFound):
            desk.enter(token, desk.code())


def test_each_time_step_once(desk: Desk) -> None:
    """The code that turned it on, and one that signed in, never count again; the next one does."""
    desk.turn_on()
    assert desk.enter(desk.half(), desk.code()) is None
    desk.clock.advance(30)
    code = desk.code()
    assert desk.enter(desk.half(), code) is not None
    assert desk.enter(desk.half(), code) is None
    assert desk.tx.events.names()[-1] == "code_refused"


def test_each_backup_code_once(desk: Desk) -> None:
    """And without the master key: anyone who lost it gets in to set two-factor up again."""
    codes = desk.turn_on()
    desk.keys.own_file.unlink()
    assert desk.enter(desk.half(), codes[0].upper()) is not None
    assert desk.tx.events.all[-1].detail["second_step"] == "backup"
    assert desk.enter(desk.half(), codes[0]) is None
    assert desk.tx.second_step.count_backup_codes(desk.account.id) == 9
    with pytest.raises(CannotOpen):
        desk.enter(desk.half(), desk.code(1))


def test_codes_count_as_attempts(desk: Desk) -> None:
    """Five wrong codes of one address in five minutes, and it waits; right passwords in between do not help."""
    desk.turn_on()
    for _ in range(5):
        assert desk.enter(desk.half(), "000000") is None
    with pytest.raises(RateLimited):
        desk.half()
    desk.clock.advance(5 * 60)
    half = desk.half()
    assert desk.enter(half, desk.code()) is not None
    assert isinstance(desk.password(), HalfSignedIn)


def test_strangers_without_the_password_delay_no_code(desk: Desk) -> None:
    """Their guesses turn on the delay of passwords alone."""
    desk.turn_on()
    for number in range(40):
        desk.origin = Origin("web", f"198.51.{number}.1")
        with suppress(RateLimited):
            desk.password(right=False)
    desk.origin = Origin("web", "203.0.113.5")
    assert desk.enter(desk.half(), desk.code(1)) is not None


def test_codes_are_guessed_slowly_from_everywhere(desk: Desk) -> None:
    """An attacker with the password and many networks has few guesses: no network is a newcomer to codes."""
    desk.turn_on()
    guessed = 0
    for number in range(400):
        desk.origin = Origin("web", f"{number % 200 + 1}.{number}.7.1")
        with suppress(RateLimited):
            assert desk.enter(desk.half(), "000000") is None
            guessed += 1
        desk.clock.advance(0.5)
    assert 5 < guessed <= 5 + 6 + 200 // 30


def test_turning_off_needs_a_code(desk: Desk) -> None:
    """A wrong one changes nothing and is written down; a right one is used up."""
    codes = desk.turn_on()
    off = second_step.turn_off_with_code
    assert not off(desk.owner(), desk.account, "000000")
    assert desk.tx.second_step.two_factor(desk.account.id)
    assert desk.tx.events.names()[-1] == "code_refused"
    assert off(desk.owner(), desk.account, codes[5])
    assert desk.tx.second_step.two_factor(desk.account.id) is None


def test_a_session_must_have_given_its_password_of_late(desk: Desk) -> None:
    """After fifteen minutes, or where the clock stepped back, nothing of this works; a confirmed session may again."""
    tx, clock, account = desk.tx, desk.clock, desk.account
    for seconds in (15 * 60, -15 * 60 - 1):
        clock.step(seconds)
        with pytest.raises(ReauthRequired):
            desk.turn_on()
        with pytest.raises(ReauthRequired):
            two_factor.turn_off(desk.owner(), account.id)
        with pytest.raises(ReauthRequired):
            second_step.turn_off_with_code(desk.owner(), account, "1")
        with pytest.raises(ReauthRequired):
            two_factor.renew_backup_codes(desk.owner())
    clock.step(60 * 60)
    for right in (False, True):
        attempt = sign_in.begin(desk.owner(), account.email)
        assert second_step.confirm(desk.owner(), attempt, Verdict(right)) == right
        digest = desk.caller.session_digest
        assert digest
        session = tx.accounts.sessions[digest]
        assert (session.confirmed_at_ms == clock.now_ms()) == right
    assert tx.events.names() == ["confirmation_refused", "identity_confirmed"]
