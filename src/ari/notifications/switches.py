"""Which kinds of notification are on; they are unless turned off."""

from dataclasses import dataclass
from typing import Any

from ari.base.errors import Forbidden, NotFound
from ari.base.transaction import KeyValueStore, record
from ari.notifications.kind import NoticeKind
from ari.notifications.kinds import KINDS
from ari.notifications.ports import NoticeTransaction


@dataclass(frozen=True, slots=True)
class NotificationSetting:
    """A kind of notice and whether it is on."""

    kind: NoticeKind
    on: bool


def build_setting_facts(setting: NotificationSetting) -> dict[str, Any]:
    """The JSON of a notification setting."""
    kind = setting.kind
    return {"kind": kind.name, "title": kind.title, "description": kind.description, "on": setting.on}


def list_settings(key_value: KeyValueStore) -> list[NotificationSetting]:
    """All kinds that can be turned off, in the order of the page."""
    return [NotificationSetting(kind, is_on(key_value, kind)) for kind in KINDS.values() if not kind.fixed]


def is_on(key_value: KeyValueStore, kind: NoticeKind) -> bool:
    """Whether notices of this kind are emailed; they are unless turned off."""
    return kind.fixed or key_value.get(_name_of(kind)) != "off"


def switch(tx: NoticeTransaction, name: str, on: bool) -> NotificationSetting:
    """Turn a kind on or off.

    Raises ``NotFound`` for a kind that doesn't exist or can't be turned off, ``Forbidden`` for an API key that would
    turn off a warning about the account, and ``ReauthRequired``: a stolen session must not turn off warnings about it.
    """
    kind = KINDS.get(name)
    if kind is None or kind.fixed:
        raise NotFound("Unknown notification type.")
    if kind.about_account and tx.caller.key_id is not None and not on:
        raise Forbidden("API keys can't turn off account warnings. Sign in as the owner.")
    tx.caller.require_confirmed(tx.now_ms)
    if is_on(tx.key_value, kind) != on:
        tx.key_value.put(_name_of(kind), "on" if on else "off")
        record(tx, "notification_switched", kind.name, {"on": on})
    return NotificationSetting(kind, on)


def _name_of(kind: NoticeKind) -> str:
    return f"notify_{kind.name}"
