"""From events to notices, and from notices to mails that are neither lost nor, where the service can tell, sent twice.

Everything that decides is in a transaction: a notice is made of an event once; a sender takes it under a lease and
keeps the mail before the first try, so that every try, also by another process after a crash, sends the very same.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ari.base import seal
from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import Conflict, Unavailable
from ari.base.events import Event
from ari.base.ids import new_id
from ari.base.master_key import MasterKeys
from ari.base.seal import Context
from ari.notifications import digest
from ari.notifications.compose import Desk, frozen, letter_of, thawed
from ari.notifications.kinds import KINDS
from ari.notifications.manage import is_on
from ari.notifications.model import SEALED_KIND, Kind, Letter, Notice, Office, Outcome, Refused, Sent, State, Words
from ari.notifications.ports import NoticeTransaction

LEASE_MS = 2 * MINUTE_MS
"""How long one sender has a notice: longer than a try takes."""
GIVE_UP_MS = 23 * HOUR_MS
"""After so long no try follows: Resend forgets after 24 h that it took a mail, and would send it again."""
FIRST_PAUSE_MS = 30 * SECOND_MS
LONGEST_PAUSE_MS = HOUR_MS
READ_AT_ONCE = 200

Unsayable = (KeyError, TypeError, ValueError, AttributeError)
"""What words raise for an event whose detail is not as they expect."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice under a lease and the mail to hand over."""

    notice: Notice
    letter: Letter


def gather(unit: NoticeTransaction, office: Office, now_ms: int, kinds: Mapping[str, Kind] = KINDS) -> int:
    """Make the notices of the next events that nobody read; how many events were read."""
    read = unit.feed.unread(READ_AT_ONCE)
    for event in read:
        for kind in kinds.values():
            if event.name in kind.events and not kind.secret and kind.concerns(event):
                _make(unit, office, kind, event, now_ms)
    if read:
        unit.feed.mark_read(read[-1])
    return len(read)


def post_secret(
    unit: NoticeTransaction, keys: MasterKeys, office: Office, event: Event, payload: Mapping[str, str], now_ms: int
) -> Notice:
    """Within the command that wrote ``event``: post the mail whose link (``payload["url"]``) is a secret.

    The payload is kept sealed until the mail was sent or given up; the database never holds it in plain.
    Raises ``Conflict("mail_off")`` where no mail with a link can be sent, ``CannotOpen``.
    """
    kind = next(one for one in KINDS.values() if one.secret and event.name in one.events)
    recipient = kind.recipient(event) or unit.feed.owner_address()
    if not office.can_link or recipient is None:
        raise Conflict("mail_off", "ARI can't email links because email or ARI_PUBLIC_URL isn't set up.")
    subject = kind.words(event, Desk(unit.feed, office.zone, payload)).subject
    notice = replace(_blank(kind, event, now_ms), subject=subject, recipient=recipient, next_try_at_ms=now_ms)
    unit.notices.add(notice)
    seal.keep(unit.sealed, keys, Context(SEALED_KIND, notice.id), json.dumps(dict(payload)).encode())
    return notice


def claim(
    unit: NoticeTransaction, keys: MasterKeys, office: Office, now_ms: int, holder: str
) -> Claimed | Notice | None:
    """Take one notice that is due and write down that it is about to be tried.

    A ``Notice`` is one that was given up instead; ``None``: nothing is due.
    """
    notice = unit.outbox.claim(now_ms, LEASE_MS, holder)
    if notice is None:
        return None
    if _is_late(notice, now_ms):
        return _over(unit, holder, notice, "failed", _given_up(notice))
    if not office.is_open:
        return _over(unit, holder, notice, "unsent", "Email was turned off before it could be sent.")
    try:
        letter = _letter(unit, keys, office, notice)
    except (*Unsayable, Unavailable) as error:
        return _over(unit, holder, notice, "failed", f"The email couldn't be composed ({type(error).__name__}).")
    tried = replace(
        notice,
        subject=letter.subject,
        attempts=notice.attempts + 1,
        first_try_at_ms=notice.first_try_at_ms or now_ms,
    )
    unit.outbox.freeze(tried, None if _is_secret(notice) else frozen(letter))
    return Claimed(tried, letter)


def finish(unit: NoticeTransaction, notice: Notice, sender: str, outcome: Outcome, now_ms: int, holder: str) -> Notice:
    """Write down how a try went: sent, to be tried again after a pause, or given up."""
    notice = replace(notice, sender=sender)
    if isinstance(outcome, Sent):
        sent = replace(notice, sent_at_ms=now_ms, sender_id=outcome.sender_id, error=None)
        return _over(unit, holder, sent, "sent", None)
    if isinstance(outcome, Refused):
        return _over(unit, holder, notice, "failed", outcome.error)
    again_at_ms = now_ms + max(pause_ms(notice.attempts), round(outcome.after_seconds * SECOND_MS))
    waiting = replace(notice, state="waiting", error=outcome.error, next_try_at_ms=again_at_ms)
    if _is_late(waiting, again_at_ms):
        return _over(unit, holder, waiting, "failed", _given_up(waiting))
    unit.outbox.finish(waiting, holder)
    return waiting


def pause_ms(attempts: int, chance: Callable[[], float] = random.random) -> int:
    """How long to wait after so many tries: doubled each time up to an hour, a fifth more or less by chance."""
    doubled = min(FIRST_PAUSE_MS << min(attempts - 1, 16), LONGEST_PAUSE_MS)
    return round(doubled * (0.8 + 0.4 * chance()))


def _is_late(notice: Notice, at_ms: int) -> bool:
    first = notice.first_try_at_ms
    worth_ms = KINDS[notice.kind].worth_ms if notice.kind in KINDS else 30 * DAY_MS
    return (first is not None and at_ms - first >= GIVE_UP_MS) or at_ms - notice.at_ms >= worth_ms


def _given_up(notice: Notice) -> str:
    if notice.error is None:
        return "It couldn't be sent in time."
    tries = f"{notice.attempts} tries" if notice.attempts > 1 else "one try"
    return f"Given up after {tries}: {notice.error}"


def _over(unit: NoticeTransaction, holder: str, notice: Notice, state: State, error: str | None) -> Notice:
    """The notice is done with: nothing of its mail stays."""
    done = replace(notice, state=state, error=error, next_try_at_ms=None)
    if unit.outbox.finish(done, holder) and _is_secret(notice):
        unit.sealed.drop(SEALED_KIND, notice.id)
    return done


def _make(unit: NoticeTransaction, office: Office, kind: Kind, event: Event, now_ms: int) -> None:
    """One notice of one event, in the state in which it begins."""
    notice = _blank(kind, event, now_ms)
    try:
        said = kind.words(event, Desk(unit.feed, office.zone))
        recipient = kind.recipient(event) or unit.feed.owner_address()
    except Unsayable as error:
        why = f"The email couldn't be composed ({type(error).__name__})."
        unit.notices.add(replace(notice, state="failed", error=why))
        return
    notice = replace(notice, subject=said.subject, recipient=recipient)
    if not is_on(unit.notes, kind):
        notice = replace(notice, state="off")
    elif not office.is_open:
        notice = replace(notice, state="unsent", error="Email isn't set up.")
    elif recipient is None:
        notice = replace(notice, state="unsent", error="There's no owner yet.")
    elif unit.notices.mailed_since(kind.name, now_ms - now_ms % DAY_MS) >= kind.per_day:
        notice = replace(notice, state="digest", digest_id=_digest_for(unit, event, recipient, now_ms))
    else:
        notice = replace(notice, next_try_at_ms=now_ms)
    unit.notices.add(notice)


def _digest_for(unit: NoticeTransaction, event: Event, recipient: str, now_ms: int) -> str:
    """The digest of today, which is sent when the day (UTC) is over."""
    found = unit.notices.open_digest()
    if found is None:
        day_end_ms = now_ms - now_ms % DAY_MS + DAY_MS
        found = replace(_blank(digest.KIND, event, now_ms), recipient=recipient, next_try_at_ms=day_end_ms)
        unit.notices.add(found)
    return found.id


def _blank(kind: Kind, event: Event, now_ms: int) -> Notice:
    # The id sorts by the event: many are made at once, and are mailed and listed in the order in which things happened.
    return Notice(new_id("ntc", event.at_ms), kind.name, event.id, event.at_ms, now_ms, "waiting", kind.title)


def _letter(unit: NoticeTransaction, keys: MasterKeys, office: Office, notice: Notice) -> Letter:
    """The mail: the very one of the tries before, or a new one that is kept from now on."""
    if _is_secret(notice):
        return _secret_letter(unit, keys, office, notice)
    kept = unit.outbox.frozen(notice.id)
    return thawed(kept) if kept is not None else _written(unit, office, notice, {})


def _secret_letter(unit: NoticeTransaction, keys: MasterKeys, office: Office, notice: Notice) -> Letter:
    """As ``_letter``, with what is kept sealed: before the first try the link, from then on the mail."""
    place = Context(SEALED_KIND, notice.id)
    kept = seal.opened(unit.sealed, keys, place)
    if kept is None:
        raise ValueError("what the mail says is gone")
    if notice.attempts:
        return thawed(kept.decode())
    letter = _written(unit, office, notice, json.loads(kept))
    seal.keep(unit.sealed, keys, place, frozen(letter).encode())
    return letter


def _written(unit: NoticeTransaction, office: Office, notice: Notice, secret: Mapping[str, str]) -> Letter:
    look = Desk(unit.feed, office.zone, secret)
    if notice.recipient is None:
        raise ValueError("nobody to send it to")
    return letter_of(_words(unit, look, notice), office, notice.recipient)


def _words(unit: NoticeTransaction, look: Desk, notice: Notice) -> Words:
    if notice.kind == digest.KIND.name:
        first = unit.notices.in_digest(notice.id, digest.LISTED)
        return digest.words_of(unit.notices.digest_counts(notice.id), first, unit.events.newest())
    event = unit.feed.event(notice.event_id)
    if event is None:
        raise ValueError("its event is gone")
    return KINDS[notice.kind].words(event, look)


def _is_secret(notice: Notice) -> bool:
    return notice.kind in KINDS and KINDS[notice.kind].secret
