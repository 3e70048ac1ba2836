"""From events to notices to emails, which are neither lost nor, where the service can recognize a repeat, sent twice.

Every decision is made in a transaction. An event becomes a notice once. A sender takes a notice under a lease and
stores its email before the first attempt, so that every attempt, also by another process after a crash, sends the same.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ari.base import seal
from ari.base.backoff import pause_ms
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import Conflict, Unavailable
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.messages import EMAIL_IS_OFF
from ari.notifications import digest
from ari.notifications.compose import compose, parse, serialize
from ari.notifications.context import NoticeContext
from ari.notifications.kind import NoticeKind
from ari.notifications.kinds import KINDS
from ari.notifications.model import (
    SEALED_KIND,
    Accepted,
    Email,
    EmailContent,
    MailConfig,
    Notice,
    NoticeState,
    Rejected,
    SendResult,
)
from ari.notifications.ports import HtmlRenderer, NoticeTransaction
from ari.notifications.switches import is_on

LEASE_MS = 2 * MINUTE_MS
"""How long a sender has a notice: longer than an attempt takes."""
GIVE_UP_MS = 23 * HOUR_MS
"""No attempt later than this after the first: Resend forgets idempotency keys after 24 h and would send again."""
BATCH_SIZE = 200

WriteErrors = (KeyError, TypeError, ValueError, AttributeError)
"""Raised by kinds for an event whose detail is not as they expect."""


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice under a lease and the email to send."""

    notice: Notice
    email: Email


def has_unread(tx: NoticeTransaction) -> bool:
    """Whether there are events without notices."""
    return tx.feed.has_unread()


def has_due(tx: NoticeTransaction) -> bool:
    """Whether there is a notice to claim."""
    return tx.outbox.has_due(tx.now_ms, LEASE_MS)


def count_open(tx: NoticeTransaction) -> tuple[int, int | None]:
    """How many notices wait to be sent, and when the first of them is or was due."""
    return tx.notices.count_open()


def forget_old(tx: NoticeTransaction, retention_ms: int) -> int:
    """Delete finished notices older than this; returns how many."""
    return tx.notices.forget_before(tx.now_ms - retention_ms)


def gather(tx: NoticeTransaction, config: MailConfig, kinds: Mapping[str, NoticeKind] = KINDS) -> int:
    """Make the notices of the next unread events; returns the number of events read."""
    unread = tx.feed.unread(BATCH_SIZE)
    for event in unread:
        for kind in kinds.values():
            if event.name in kind.events and not kind.secret and kind.applies(event):
                _add_notice(tx, config, kind, event)
    if unread:
        tx.feed.mark_read(unread[-1])
    return len(unread)


def post_secret(tx: NoticeTransaction, config: MailConfig, event: Event, payload: Mapping[str, str]) -> Notice:
    """Post the email whose link (``payload["url"]``) is a secret, in the command that recorded ``event``.

    The payload is stored encrypted until the email is sent or given up. Raises ``Conflict("mail_off")`` if no email
    with a link can be sent, and ``CannotOpen``.
    """
    kind = next(one for one in KINDS.values() if one.secret and event.name in one.events)
    recipient = kind.recipient(event) or tx.feed.owner_address()
    if not config.can_link or recipient is None:
        raise Conflict("mail_off", "ARI can't email links because email or ARI_PUBLIC_URL isn't set up.")
    subject = kind.write(event, NoticeContext(tx.feed, config.zone, payload)).subject
    notice = replace(_new_notice(tx, kind, event), subject=subject, recipient=recipient, next_try_at_ms=tx.now_ms)
    tx.notices.add(notice)
    seal.keep(tx.sealed, tx.master_keys, seal.Context(SEALED_KIND, notice.id), json.dumps(dict(payload)).encode())
    return notice


def claim(
    tx: NoticeTransaction, config: MailConfig, render_html: HtmlRenderer, holder: str
) -> ClaimedNotice | Notice | None:
    """Lease a notice that is due and store its email for the attempt.

    Returns a ``Notice`` if it was given up instead, and ``None`` if nothing is due.
    """
    notice = tx.outbox.claim(tx.now_ms, LEASE_MS, holder)
    if notice is None:
        return None
    if _is_late(notice, tx.now_ms):
        return _close(tx, holder, notice, "failed", _explain_give_up(notice))
    if not config.can_send:
        return _close(tx, holder, notice, "unsent", "Email was turned off before it could be sent.")
    try:
        email = _load_email(tx, config, render_html, notice)
    except (*WriteErrors, Unavailable) as error:
        return _close(tx, holder, notice, "failed", _explain_write_error(error))
    attempt = replace(
        notice,
        subject=email.subject,
        attempts=notice.attempts + 1,
        first_try_at_ms=notice.first_try_at_ms or tx.now_ms,
    )
    tx.outbox.freeze(attempt, None if _is_secret(notice) else serialize(email))
    return ClaimedNotice(attempt, email)


def finish(tx: NoticeTransaction, notice: Notice, sender: str, result: SendResult, holder: str) -> Notice:
    """Store the result of an attempt: sent, to be retried after a pause, or given up."""
    notice = replace(notice, sender=sender)
    if isinstance(result, Accepted):
        sent = replace(notice, sent_at_ms=tx.now_ms, sender_id=result.sender_id, error=None)
        return _close(tx, holder, sent, "sent", None)
    if isinstance(result, Rejected):
        return _close(tx, holder, notice, "failed", result.error)
    next_try_at_ms = tx.now_ms + max(pause_ms(notice.attempts), round(result.after_seconds * SECOND_MS))
    waiting = replace(notice, state="waiting", error=result.error, next_try_at_ms=next_try_at_ms)
    if _is_late(waiting, next_try_at_ms):
        return _close(tx, holder, waiting, "failed", _explain_give_up(waiting))
    tx.outbox.finish(waiting, holder)
    return waiting


def give_back(tx: NoticeTransaction, notice: Notice, holder: str) -> None:
    """End the lease of an attempt without a result, so that any sender may send the same at once."""
    tx.outbox.finish(replace(notice, state="waiting", next_try_at_ms=tx.now_ms), holder)


def _is_late(notice: Notice, at_ms: int) -> bool:
    first = notice.first_try_at_ms
    expires_after_ms = KINDS[notice.kind].expires_after_ms if notice.kind in KINDS else 30 * DAY_MS
    return (first is not None and at_ms - first >= GIVE_UP_MS) or at_ms - notice.at_ms >= expires_after_ms


def _explain_give_up(notice: Notice) -> str:
    if notice.error is None:
        return "It couldn't be sent in time."
    attempts = f"{notice.attempts} attempts" if notice.attempts > 1 else "one attempt"
    return f"Gave up after {attempts}: {notice.error}"


def _explain_write_error(error: Exception) -> str:
    return f"The email couldn't be composed ({type(error).__name__})."


def _close(tx: NoticeTransaction, holder: str, notice: Notice, state: NoticeState, error: str | None) -> Notice:
    """Finish a notice and delete its stored email."""
    closed = replace(notice, state=state, error=error, next_try_at_ms=None)
    if tx.outbox.finish(closed, holder) and _is_secret(notice):
        tx.sealed.drop(SEALED_KIND, notice.id)
    return closed


def _add_notice(tx: NoticeTransaction, config: MailConfig, kind: NoticeKind, event: Event) -> None:
    notice = _new_notice(tx, kind, event)
    try:
        content = kind.write(event, NoticeContext(tx.feed, config.zone))
        recipient = kind.recipient(event) or tx.feed.owner_address()
    except WriteErrors as error:
        tx.notices.add(replace(notice, state="failed", error=_explain_write_error(error)))
        return
    notice = replace(notice, subject=content.subject, recipient=recipient)
    if not is_on(tx.key_value, kind):
        notice = replace(notice, state="off")
    elif not config.can_send:
        notice = replace(notice, state="unsent", error=EMAIL_IS_OFF)
    elif recipient is None:
        notice = replace(notice, state="unsent", error="There's no owner yet.")
    elif tx.notices.count_emailed_since(kind.name, tx.now_ms - tx.now_ms % DAY_MS) >= kind.max_per_day:
        notice = replace(notice, state="digest", digest_id=_open_digest(tx, event, recipient))
    else:
        notice = replace(notice, next_try_at_ms=tx.now_ms)
    tx.notices.add(notice)


def _open_digest(tx: NoticeTransaction, event: Event, recipient: str) -> str:
    """The ID of today's digest, which is sent after the end of the day (UTC)."""
    found = tx.notices.open_digest()
    if found is None:
        day_end_ms = tx.now_ms - tx.now_ms % DAY_MS + DAY_MS
        found = replace(_new_notice(tx, digest.KIND, event), recipient=recipient, next_try_at_ms=day_end_ms)
        tx.notices.add(found)
    return found.id


def _new_notice(tx: NoticeTransaction, kind: NoticeKind, event: Event) -> Notice:
    # The ID sorts by the event's time, so that notices made together are sent and listed in the order of their events.
    return Notice(new_id("ntc", event.at_ms), kind.name, event.id, event.at_ms, tx.now_ms, "waiting", kind.title)


def _load_email(tx: NoticeTransaction, config: MailConfig, render_html: HtmlRenderer, notice: Notice) -> Email:
    """The email of earlier attempts, or a new one."""
    if _is_secret(notice):
        return _load_secret_email(tx, config, render_html, notice)
    stored = tx.outbox.frozen(notice.id)
    return parse(stored) if stored is not None else _compose(tx, config, render_html, notice, {})


def _load_secret_email(tx: NoticeTransaction, config: MailConfig, render_html: HtmlRenderer, notice: Notice) -> Email:
    """Like ``_load_email``. The encrypted secret is the link before the first attempt, and the email afterwards."""
    place = seal.Context(SEALED_KIND, notice.id)
    stored = seal.open_secret(tx.sealed, tx.master_keys, place)
    if stored is None:
        raise ValueError("the stored secret is missing")
    if notice.attempts:
        return parse(stored.decode())
    email = _compose(tx, config, render_html, notice, json.loads(stored))
    seal.keep(tx.sealed, tx.master_keys, place, serialize(email).encode())
    return email


def _compose(
    tx: NoticeTransaction, config: MailConfig, render_html: HtmlRenderer, notice: Notice, secret: Mapping[str, str]
) -> Email:
    if notice.recipient is None:
        raise ValueError("the notice has no recipient")
    content = _write(tx, NoticeContext(tx.feed, config.zone, secret), notice)
    return compose(content, config, notice.recipient, render_html)


def _write(tx: NoticeTransaction, context: NoticeContext, notice: Notice) -> EmailContent:
    if notice.kind == digest.KIND.name:
        first = tx.notices.in_digest(notice.id, digest.MAX_LISTED)
        return digest.write(tx.notices.digest_counts(notice.id), first, tx.events.newest())
    event = tx.feed.event(notice.event_id)
    if event is None:
        raise ValueError("the event is missing")
    return KINDS[notice.kind].write(event, context)


def _is_secret(notice: Notice) -> bool:
    return notice.kind in KINDS and KINDS[notice.kind].secret
