"""Email notifications of the instance in the data directory."""

import asyncio
from typing import TYPE_CHECKING, Any

from ari.notifications import delivery_history, switches

if TYPE_CHECKING:
    from ari.deps import Deps
    from ari.notifications.model import Notice
    from ari.notifications.ports import NoticeTransaction
    from ari.notifications.switches import NotificationSetting

_PAGE = 200


class LocalNotifications:
    def __init__(self, deps: "Deps") -> None:
        self._deps = deps

    def list_all(self) -> dict[str, Any]:
        """``mail``: how email is sent; ``items``: the kinds of notification."""
        mail = self._deps.instance.mail
        asyncio.run(mail.refresh(self._deps))
        settings = self._deps.read_sync(_get_settings)
        address = self._deps.read_sync(delivery_history.recipient)
        return {
            "mail": delivery_history.mail_config_facts(mail.config, address),
            "items": [switches.build_setting_facts(one) for one in settings],
        }

    def switch(self, kind: str, *, on: bool) -> dict[str, Any]:
        return switches.build_setting_facts(self._deps.do_sync(switches.switch, kind, on=on))

    def list_history(self, limit: int) -> list[dict[str, Any]]:
        """At most ``limit`` notices, newest first."""
        return [delivery_history.notice_facts(one) for one in self._deps.read_sync(_get_newest, limit)]

    def send_test(self) -> dict[str, Any]:
        from ari.notifications import test_email

        instance = self._deps.instance
        return test_email.test_facts(asyncio.run(test_email.send_test_email(self._deps, instance.mail, instance.clock)))


def _get_settings(tx: "NoticeTransaction") -> "list[NotificationSetting]":
    return switches.list_settings(tx.key_value)


def _get_newest(tx: "NoticeTransaction", limit: int) -> "list[Notice]":
    listed: list[Notice] = []
    while len(listed) < limit:
        wanted = min(_PAGE, limit - len(listed))
        page = delivery_history.read_history(tx, listed[-1].id if listed else None, wanted)
        listed += page
        if len(page) < wanted:
            break
    return listed
