"""What the page, the API and the command line do: which notices are on, what was sent, a test."""

import json
from dataclasses import dataclass
from typing import Any

from ari.base.caller import Caller
from ari.base.clock import HOUR_MS, in_words, to_rfc3339
from ari.base.errors import Conflict, Forbidden, Limited, NotFound
from ari.base.events import Event
from ari.base.ids import new_id
from ari.notifications.compose import letter_of
from ari.notifications.kinds import KINDS
from ari.notifications.model import Kind, Letter, Notice, Office, Outcome, Sent, Words
from ari.notifications.ports import Notes, NoticeTransaction

TESTS_PER_HOUR = 10
_TEST = "mail"
_TEST_NOTE = "mail_test"


@dataclass(frozen=True, slots=True)
class Switch:
    """A kind of notice and whether it is on."""

    kind: Kind
    on: bool


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test mail: whether it went out, and that in words."""

    sent: bool
    said: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LastTest:
    """What came of the latest test mail, and when."""

    at_ms: int
    sent: bool
    said: str


def switch_facts(switch: Switch) -> dict[str, Any]:
    """The JSON of a kind of notice, the same at every door."""
    kind = switch.kind
    return {"kind": kind.name, "title": kind.title, "description": kind.says, "on": switch.on}


def notice_facts(notice: Notice) -> dict[str, Any]:
    """The JSON of a notice."""
    return {
        "id": notice.id,
        "kind": notice.kind,
        "event_id": notice.event_id,
        "time": to_rfc3339(notice.at_ms),
        "state": notice.state,
        "subject": notice.subject,
        "recipient": notice.recipient,
        "attempts": notice.attempts,
        "next_try_at": _time(notice.next_try_at_ms),
        "sent_at": _time(notice.sent_at_ms),
        "sender": notice.sender,
        "sender_id": notice.sender_id,
        "error": notice.error,
        "digest_id": notice.digest_id,
    }


def office_facts(office: Office, address: str | None) -> dict[str, Any]:
    """The JSON of how mail leaves: whether it is set up, by what, from where, to whom, and with links or without."""
    return {
        "on": office.is_open,
        "sender": office.sender,
        "from": office.mail_from if office.is_open else None,
        "recipient": address,
        "links": office.can_link,
    }


def tested_facts(tested: Tested) -> dict[str, Any]:
    """The JSON of a test's outcome."""
    return {"sent": tested.sent, "said": tested.said, "seconds": round(tested.seconds, 3)}


def switches(notes: Notes) -> list[Switch]:
    """Every kind that the owner sees, in the order of the page."""
    return [Switch(kind, is_on(notes, kind)) for kind in KINDS.values() if not kind.fixed]


def is_on(notes: Notes, kind: Kind) -> bool:
    """Whether notices of this kind are mailed."""
    if kind.fixed:
        return True
    said = notes.get(_note(kind))
    return kind.on if said is None else said == "on"


def switch(unit: NoticeTransaction, caller: Caller, now_ms: int, name: str, on: bool) -> Switch:
    """Switch a kind on or off; no change writes nothing.

    Raises ``NotFound`` for a kind that does not exist or cannot be switched, ``Forbidden`` for an API key that would
    silence a warning about the account, and ``Unconfirmed``: a stolen session must not silence what warns of it.
    """
    kind = KINDS.get(name)
    if kind is None or kind.fixed:
        raise NotFound("Unknown notification type.")
    if kind.about_account and caller.key_id is not None and not on:
        raise Forbidden("API keys can't turn off account warnings. Sign in as the owner.")
    caller.require_confirmed(now_ms)
    if is_on(unit.notes, kind) != on:
        unit.notes.put(_note(kind), "on" if on else "off")
        _record(unit, caller, now_ms, "notification_switched", kind.name, {"on": on})
    return Switch(kind, on)


def history(unit: NoticeTransaction, before_id: str | None, limit: int) -> list[Notice]:
    """Notices and what became of their mails, newest first."""
    return unit.notices.page(before_id, limit)


def recipient(unit: NoticeTransaction) -> str | None:
    """Who gets the mails: the owner's address."""
    return unit.feed.owner_address()


def begin_test(unit: NoticeTransaction, caller: Caller, now_ms: int) -> str:
    """The address that a test mail goes to.

    Raises ``Conflict`` where there is no owner, ``Limited`` after ten tests within the hour, ``Unconfirmed``.
    """
    caller.require_confirmed(now_ms)
    address = recipient(unit)
    if address is None:
        raise Conflict("no_recipient", "There's no owner yet to receive the email.")
    latest = unit.events.page(_TEST, None, TESTS_PER_HOUR)
    if len(latest) == TESTS_PER_HOUR and 0 <= now_ms - latest[-1].at_ms < HOUR_MS:
        wait = (latest[-1].at_ms + HOUR_MS - now_ms) // 1000 + 1
        raise Limited(f"You can send {TESTS_PER_HOUR} test emails an hour. Try again in {in_words(wait)}.", wait)
    _record(unit, caller, now_ms, "mail_tested", _TEST, {})
    return address


def test_letter(office: Office, recipient: str) -> Letter:
    """The mail that shows that mail works."""
    said = Words(
        subject="ARI test email",
        happened="Email is working.",
        facts=(),
        advice="No action needed.",
        place="/settings/notifications",
        button="View notifications",
    )
    return letter_of(said, office, recipient)


def tested(outcome: Outcome, recipient: str, seconds: float) -> Tested:
    """What came of it, in words."""
    if isinstance(outcome, Sent):
        return Tested(True, f"Test email sent to {recipient}. Check your inbox in a minute.", seconds)
    return Tested(False, f"The test email wasn't sent: {outcome.error}", seconds)


def keep_test(notes: Notes, now_ms: int, tested: Tested) -> None:
    """Keep what came of a test mail for the page to show."""
    notes.put(_TEST_NOTE, json.dumps({"at_ms": now_ms, "sent": tested.sent, "said": tested.said}))


def last_test(notes: Notes) -> LastTest | None:
    """The latest test mail, whichever door it was asked for at."""
    kept = notes.get(_TEST_NOTE)
    return None if kept is None else LastTest(**json.loads(kept))


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else to_rfc3339(at_ms)


def _note(kind: Kind) -> str:
    return f"notify_{kind.name}"


def _record(
    unit: NoticeTransaction, caller: Caller, now_ms: int, name: str, subject: str, detail: dict[str, object]
) -> None:
    unit.events.append(Event(new_id("evt", now_ms), now_ms, name, caller.actor, subject, caller.origin, detail))
