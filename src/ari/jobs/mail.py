"""Makes notices of events and sends their emails, one after the other.

Every worker runs this. The database makes sure that each event is read once and each notice has one sender at a time.
"""

import asyncio

import structlog

from ari.base.clock import DAY_MS
from ari.base.ids import new_id
from ari.base.traces import trace_work
from ari.deps import Deps
from ari.instance import Instance
from ari.jobs import leases
from ari.jobs.leases import Stopping
from ari.notifications import outbox
from ari.notifications.model import Notice, Retry

SEND_SECONDS = 25.0
"""Time limit of one attempt; much less than a lease."""
EMAILS_PER_ROUND = 20
RETENTION_MS = 400 * DAY_MS
"""How long the delivery history is kept."""

_RESULTS = {"sent": "sent", "failed": "failed"}
"""Of an attempt, by the state of its notice; in any other it waits for the next."""

_log = structlog.get_logger("ari.jobs")


async def round_of_mail(instance: Instance, stopping: Stopping | None = None) -> None:
    """Make notices of new events, then send what is due."""
    deps, stopping = Deps(instance), stopping or Stopping()
    await instance.mail.refresh(deps)
    while await deps.read(outbox.has_unread):
        if await deps.do(outbox.gather, instance.mail.config) < outbox.BATCH_SIZE:
            break
    holder = new_id("job", instance.now_ms())
    for _ in range(EMAILS_PER_ROUND):
        if stopping.is_set or not await deps.read(outbox.has_due):
            break
        await send_one(instance, holder, stopping)


async def send_one(instance: Instance, holder: str, stopping: Stopping) -> None:
    """Try to send one notice that is due. If the process dies, the notice is retried after its lease.

    If this is canceled, the notice is retried at once: whether the mail service took it is then unknown.
    """
    deps, mail = Deps(instance), instance.mail

    def give_back(claimed: outbox.ClaimedNotice | Notice | None) -> None:
        if isinstance(claimed, outbox.ClaimedNotice):
            deps.do_sync(outbox.give_back, claimed.notice, holder)

    found = await leases.claim(lambda: deps.do_sync(outbox.claim, mail.config, mail.render_html, holder), give_back)
    if isinstance(found, Notice):
        _log_result(found)
    if not isinstance(found, outbox.ClaimedNotice):
        return
    notice, sender = found.notice, mail.sender
    assert sender is not None, "without a sender nothing is claimed"
    with trace_work(instance.tracer, "ari.send_email", {"ari.kind": notice.kind, "ari.sender": sender.name}) as span:
        try:
            result = await sender.send(found.email, notice.id, SEND_SECONDS)
        except asyncio.CancelledError:
            await leases.finish(asyncio.to_thread(give_back, found))
            raise
        except Exception as error:  # noqa: BLE001 - logged whole; without a result it would wait for its lease
            _log.exception("an email couldn't be sent; will retry", notice=notice.id)
            result = Retry(f"ARI couldn't send this ({type(error).__name__}). Its log says more.")
        sent = result
        finished = await leases.store_result(
            lambda: deps.do(outbox.finish, notice, sender.name, sent, holder), stopping
        )
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
