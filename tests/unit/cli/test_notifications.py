"""``ari notifications``: the switches, the history and a test email."""

import pytest

from ari.notifications.kinds import KINDS
from tests.unit.cli.conftest import Ari


def test_every_kind_that_can_be_turned_off_is_listed(ari: Ari) -> None:
    """Warnings about the account that are always sent are not offered."""
    listed = ari.json("notifications", "list")
    assert {one["kind"] for one in listed["items"]} == {name for name, kind in KINDS.items() if not kind.fixed}
    assert listed["mail"]["on"] is False
    assert "Email is off" in ari("notifications", "list").err


def test_a_switch_is_kept_and_recorded(ari: Ari) -> None:
    """Once: turning off what is off is no event."""
    for _ in range(2):
        assert ari("notifications", "off", "key_expiring").out.endswith(": off.\n")
    items = {one["kind"]: one["on"] for one in ari.json("notifications", "list")["items"]}
    assert items["key_expiring"] is False
    events = ari.json("events")["items"]
    assert [event["name"] for event in events].count("notification_switched") == 1
    assert ari.json("notifications", "on", "key_expiring")["on"] is True


@pytest.mark.parametrize("kind", ["nobody_knows_this", *[name for name, kind in KINDS.items() if kind.fixed][:1]])
def test_what_cannot_be_turned_off_is_refused(ari: Ari, kind: str) -> None:
    """In one sentence."""
    assert ari.refuse("notifications", "off", kind) == "Unknown notification type."


def test_a_test_without_a_mail_service_says_how_to_set_one_up(ari: Ari) -> None:
    """The exit status is 1, for scripts."""
    assert "RESEND_API_KEY" in ari.refuse("notifications", "test")
    assert ari.json("notifications", "history") == {"items": []}
