"""Test emails: what they need, how many, and their result."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ari.accounts.model import Account
from ari.base.caller import SYSTEM, Caller
from ari.base.clock import HOUR_MS
from ari.base.errors import Conflict, RateLimited, ReauthRequired
from ari.base.events import Origin
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import test_email
from ari.notifications.model import Accepted, Rejected
from ari.storage.transaction import Transaction
from tests.support.commands import clock_of
from tests.support.instances import opened


@pytest.fixture
def instance(data_dir: Path) -> Iterator[Instance]:
    with opened(data_dir, None) as made:
        yield made


def _add_owner(instance: Instance) -> None:
    account = Account("usr_1", "owner@example.com", "a hash", instance.now_ms())
    Deps(instance).do_sync(lambda tx: tx.accounts.add_owner(account))


def test_a_test_email_needs_a_service_and_an_owner(instance: Instance) -> None:
    """Each refusal says what is missing."""
    with pytest.raises(Conflict, match="Email is off"):
        asyncio.run(test_email.send_test_email(Deps(instance), instance.mail, instance.clock))
    with pytest.raises(Conflict, match="no owner yet"):
        Deps(instance).do_sync(test_email.begin_test)


def test_test_emails_are_bounded(instance: Instance) -> None:
    """Otherwise a session could send without end in the owner's name; an hour later there are more."""
    _add_owner(instance)
    for _ in range(test_email.TESTS_PER_HOUR):
        assert Deps(instance).do_sync(test_email.begin_test) == "owner@example.com"
    with pytest.raises(RateLimited) as refused:
        Deps(instance).do_sync(test_email.begin_test)
    assert 0 < refused.value.retry_after_seconds <= HOUR_MS // 1000 + 1
    clock_of(instance).advance(refused.value.retry_after_seconds)
    Deps(instance).do_sync(test_email.begin_test)


def test_a_session_confirms_its_password_before_a_test(instance: Instance) -> None:
    """security.md 29: an email to the owner is sensitive."""
    _add_owner(instance)

    def begin(tx: Transaction) -> str:
        tx.caller = Caller("usr_1", Origin("web"), session_digest=b"s", confirmed_at_ms=0)
        return test_email.begin_test(tx)

    with pytest.raises(ReauthRequired):
        Deps(instance, SYSTEM).do_sync(begin)


def test_the_result_of_the_last_test_stays_on_the_page(instance: Instance) -> None:
    """With the reason of a failure in the service's words."""
    deps = Deps(instance)
    assert deps.read_sync(lambda tx: test_email.last_test(tx.key_value)) is None
    deps.do_sync(test_email.finish_test, Accepted("id_1"), "owner@example.com", 0.5)
    found = deps.read_sync(lambda tx: test_email.last_test(tx.key_value))
    assert found is not None
    assert (found.sent, found.at_ms) == (True, instance.now_ms())
    result = deps.do_sync(test_email.finish_test, Rejected("The domain is not verified."), "owner@example.com", 0.5)
    assert not result.sent
    assert "The domain is not verified." in result.message
