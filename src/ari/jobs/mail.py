"""Makes notices of events, and hands their mails over, one after the other.

Every worker does this; the database sees to it that each event is read once and each notice has one sender at a time.
"""

import structlog

from ari.base.caller import SYSTEM
from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.instance import Instance
from ari.notifications import outbox
from ari.notifications.model import Notice

SEND_SECONDS = 25.0
"""How long one try may take; much less than a lease."""
MAILS_A_ROUND = 20
KEPT_MS = 400 * DAY_MS
"""How long the delivery history is kept."""

_log = structlog.get_logger("ari.jobs")


async def round_of_mail(instance: Instance) -> None:
    """Read what happened since the last round, then send what is due."""
    await instance.alook_for_mail_key()
    while await instance.aread(lambda unit: unit.feed.has_unread()):
        read = await instance.acommand(SYSTEM, lambda unit, _: outbox.gather(unit, instance.office, instance.now_ms()))
        if read < outbox.READ_AT_ONCE:
            break
    holder = new_id("job", instance.now_ms())
    for _ in range(MAILS_A_ROUND):
        if not await instance.aread(lambda unit: unit.outbox.any_due(instance.now_ms(), outbox.LEASE_MS)):
            break
        await send_one(instance, holder)


async def send_one(instance: Instance, holder: str) -> None:
    """Take one notice that is due and try its mail. Whatever dies in between, the notice is taken again later."""
    office, keys = instance.office, instance.master_keys
    found = await instance.acommand(SYSTEM, lambda unit, _: outbox.claim(unit, keys, office, instance.now_ms(), holder))
    if isinstance(found, Notice):
        _tell(found)
    if not isinstance(found, outbox.Claimed):
        return
    sender = instance.mail
    assert sender is not None, "without a sender nothing is claimed"
    outcome = await sender.send(found.letter, found.notice.id, SEND_SECONDS)
    done = await instance.acommand(
        SYSTEM, lambda unit, _: outbox.finish(unit, found.notice, sender.name, outcome, instance.now_ms(), holder)
    )
    _tell(done)


async def forget_old(instance: Instance) -> None:
    """Shorten the delivery history."""
    await instance.acommand(SYSTEM, lambda unit, _: unit.notices.forget_before(instance.now_ms() - KEPT_MS))


def _tell(notice: Notice) -> None:
    facts = {"notice": notice.id, "kind": notice.kind, "attempts": notice.attempts}
    if notice.state == "sent":
        _log.info("a mail was sent", **facts)
    elif notice.state == "failed":
        _log.warning("a mail was given up", **facts, reason=notice.error)
    elif notice.state == "waiting":
        _log.warning("a mail was not sent and will be tried again", **facts, reason=notice.error)
