"""The clock runs through 400 days: which emails a typical instance gets, and that they are these and no others."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.proof.mail_year import DAYS, SentEmail, World, plan_typical_days, table
from tests.support.instances import opened
from tests.support.resend import KEY, stand_in

GUIDE = Path(__file__).parents[2] / "docs" / "explain" / "notifications.md"


@pytest.mark.slow
def test_four_hundred_days(data_dir: Path) -> None:
    """A few emails a month, each for something that happened; the table in the guide is what came of it."""
    mail = {"resend_api_key": KEY, "mail_from": "ari@example.net", "public_url": "https://ari.example.net"}
    with (
        stand_in() as service,
        opened(data_dir, None, resend_url=service.url, **mail) as instance,
        asyncio.Runner() as runner,
    ):
        world = World(instance, service, runner)
        plan_typical_days(world)
        world.live_year()
        told = world.emails()
        assert world.clock.now_ms() >= DAYS * 86_400_000
        assert len(service.taken) == sum(one.state == "sent" for one in told)
        assert [one.key for one in service.taken] == list(dict.fromkeys(one.key for one in service.taken))
    assert Counter(one.kind for one in told) == {
        "key_created": 9,
        "key_new_address": 4,
        "key_expiring": 4,
        "key_revoked": 2,
        "dead_key_called": 4,
        "key_widened": 2,
        "keys_unused": 2,
        "new_device": 2,
        "key_expired_in_use": 1,
        "refused_burst": 1,
        "two_factor_off": 1,
        "provider_key_rejected": 1,
    }
    assert {one.state for one in told} == {"sent", "failed"}
    assert [one.day for one in told if one.state == "failed"] == [320]
    assert not find_emails_on_quiet_days(told)
    assert table(told) in GUIDE.read_text(encoding="utf-8")


def find_emails_on_quiet_days(told: list[SentEmail]) -> list[SentEmail]:
    """Emails on days on which nothing was worth one: usual use, rotation in time, the owner at a known browser."""
    quiet = [range(6, 59), range(61, 83), range(84, 100), range(184, 250), range(271, 300), range(321, 358)]
    return [one for one in told if any(one.day in span for span in quiet)]
