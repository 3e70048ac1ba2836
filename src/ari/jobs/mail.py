"""Makes notices of events and sends their emails, one after the other.

Every worker runs this. The database makes sure that each event is read once and each notice has one sender at a time.
"""

import structlog

from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.base.traces import trace_work
from ari.deps import Deps
from ari.instance import Instance
from ari.notifications import outbox
from ari.notifications.model import Notice

SEND_SECONDS = 25.0
"""Time limit of one attempt; much less than a lease."""
EMAILS_PER_ROUND = 20
RETENTION_MS = 400 * DAY_MS
"""How long the delivery history is kept."""

_RESULTS = {"sent": "sent", "failed": "failed"}
"""Of an attempt, by the state of its notice; in any other it waits for the next."""

_log = structlog.get_logger("ari.jobs")


async def round_of_mail(instance: Instance) -> None:
    """Make notices of new events, then send what is due."""
    deps = Deps(instance)
    await instance.mail.refresh(deps)
    while await deps.read(outbox.has_unread):
        if await deps.do(outbox.gather, instance.mail.config) < outbox.BATCH_SIZE:
            break
    holder = new_id("job", instance.now_ms())
    for _ in range(EMAILS_PER_ROUND):
        if not await deps.read(outbox.has_due):
            break
        await send_one(instance, holder)


async def send_one(instance: Instance, holder: str) -> None:
    """Try to send one notice that is due. If the process dies, the notice is retried after its lease."""
    deps = Deps(instance)
    found = await deps.do(outbox.claim, instance.mail.config, instance.mail.render_html, holder)
    if isinstance(found, Notice):
        _log_result(found)
    if not isinstance(found, outbox.ClaimedNotice):
        return
    sender = instance.mail.sender
    assert sender is not None, "without a sender nothing is claimed"
    with trace_work(
        instance.tracer, "ari.send_email", {"ari.kind": found.notice.kind, "ari.sender": sender.name}
    ) as span:
        result = await sender.send(found.email, found.notice.id, SEND_SECONDS)
        finished = await deps.do(outbox.finish, found.notice, sender.name, result, holder)
        span.note({"ari.state": finished.state})
    instance.metrics.count_email(_RESULTS.get(finished.state, "retried"))
    _log_result(finished)


async def forget_old(instance: Instance) -> None:
    """Delete the oldest entries of the delivery history."""
    await Deps(instance).do(outbox.forget_old, RETENTION_MS)


def _log_result(notice: Notice) -> None:
    facts = {"notice": notice.id, "kind": notice.kind, "attempts": notice.attempts}
    if notice.state == "sent":
        _log.info("email sent", **facts)
    elif notice.state == "failed":
        _log.warning("email given up", **facts, reason=notice.error)
    elif notice.state == "waiting":
        _log.warning("email not sent; will retry", **facts, reason=notice.error)
