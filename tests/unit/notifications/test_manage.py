"""Notification settings and test emails."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.accounts.model import Account
from ari.base.caller import SYSTEM, Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import Conflict, Forbidden, NotFound, RateLimited, ReauthRequired
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import manage
from ari.notifications.kinds import KINDS
from ari.notifications.model import Accepted, Rejected
from ari.storage.transaction import Transaction
from tests.support.commands import as_caller, clock_of, create_key
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


def _add_owner(instance: Instance) -> None:
    account = Account("usr_1", "owner@example.com", "a hash", instance.now_ms())
    Deps(instance).do_sync(lambda tx: tx.accounts.add_owner(account))


def _events(instance: Instance) -> list[str]:
    return [event.name for event in Deps(instance).read_sync(lambda tx: tx.events.page(None, None, 50))]


def test_everything_is_on_until_it_is_turned_off(instance: Instance) -> None:
    """An owner who never looks at the settings hears of everything; each change is one event."""
    deps = Deps(instance)
    assert all(one.on for one in deps.read_sync(lambda tx: manage.list_settings(tx.notes)))
    for _ in range(2):
        deps.do_sync(manage.switch, "key_expiring", on=False)
    off = [one.kind.name for one in deps.read_sync(lambda tx: manage.list_settings(tx.notes)) if not one.on]
    assert off == ["key_expiring"]
    deps.do_sync(manage.switch, "key_expiring", on=True)
    assert _events(instance) == ["notification_switched"] * 2


def test_a_key_does_not_turn_off_warnings_about_the_account(instance: Instance) -> None:
    """security.md 40: a leaked key must not silence what tells of it; turning on harms nobody."""
    about_account = next(kind.name for kind in KINDS.values() if kind.about_account and not kind.fixed)
    by_key = Deps(instance, as_caller(create_key(instance, scopes=("*",)).key))
    with pytest.raises(Forbidden):
        by_key.do_sync(manage.switch, about_account, on=False)
    assert by_key.do_sync(manage.switch, about_account, on=True).on
    assert not Deps(instance).do_sync(manage.switch, about_account, on=False).on


@pytest.mark.parametrize("name", ["nobody_knows_this", *[kind.name for kind in KINDS.values() if kind.fixed]])
def test_what_cannot_be_turned_off_is_unknown(instance: Instance, name: str) -> None:
    """A password reset that was turned off could never be asked for."""
    with pytest.raises(NotFound):
        Deps(instance).do_sync(manage.switch, name, on=False)


def test_a_test_email_needs_a_service_and_an_owner(instance: Instance) -> None:
    """Each refusal says what is missing."""
    with pytest.raises(Conflict, match="Email isn't set up"):
        asyncio.run(manage.send_test_email(Deps(instance), instance.mail, instance.clock))
    with pytest.raises(Conflict, match="no owner yet"):
        Deps(instance).do_sync(manage.begin_test)


def test_test_emails_are_bounded(instance: Instance) -> None:
    """Otherwise a session could send without end in the owner's name; an hour later there are more."""
    _add_owner(instance)
    for _ in range(manage.TESTS_PER_HOUR):
        assert Deps(instance).do_sync(manage.begin_test) == "owner@example.com"
    with pytest.raises(RateLimited) as refused:
        Deps(instance).do_sync(manage.begin_test)
    assert 0 < refused.value.retry_after_seconds <= HOUR_MS // 1000 + 1
    clock_of(instance).advance(refused.value.retry_after_seconds)
    Deps(instance).do_sync(manage.begin_test)


def test_a_session_confirms_its_password_before_a_test(instance: Instance) -> None:
    """security.md 29: an email to the owner is sensitive."""
    _add_owner(instance)

    def begin(tx: Transaction) -> str:
        tx.caller = Caller("usr_1", Origin("web"), session_digest=b"s", confirmed_at_ms=0)
        return manage.begin_test(tx)

    with pytest.raises(ReauthRequired):
        Deps(instance, SYSTEM).do_sync(begin)


def test_the_result_of_the_last_test_stays_on_the_page(instance: Instance) -> None:
    """With the reason of a failure in the service's words."""
    deps = Deps(instance)
    assert deps.read_sync(lambda tx: manage.last_test(tx.notes)) is None
    deps.do_sync(manage.finish_test, Accepted("id_1"), "owner@example.com", 0.5)
    found = deps.read_sync(lambda tx: manage.last_test(tx.notes))
    assert found is not None
    assert (found.sent, found.at_ms) == (True, instance.now_ms())
    result = deps.do_sync(manage.finish_test, Rejected("The domain is not verified."), "owner@example.com", 0.5)
    assert not result.sent
    assert "The domain is not verified." in result.message
