"""Commands that create a link and queue its email, in one transaction."""

from typing import Protocol

from ari.accounts import mail_links
from ari.accounts.mail_links import Mailed
from ari.accounts.ports import AccountTransaction
from ari.base import seal
from ari.base.ids import new_id
from ari.base.seal import Context
from ari.notifications import outbox
from ari.notifications.model import SEALED_KIND, MailConfig
from ari.notifications.ports import NoticeTransaction
from ari.web.pages.mail_links.urls import RESET


class LinkTransaction(AccountTransaction, NoticeTransaction, Protocol):
    """One transaction over accounts and notices."""


def queue_reset_link(tx: LinkTransaction, config: MailConfig, email: str, device: str | None) -> None:
    """Queue the email that resets the password. For an unknown account, do the same amount of work."""
    mailed = mail_links.ask_for_reset(tx, email, device)
    if mailed is None:
        _imitate_queueing(tx)
    else:
        queue_link(tx, config, mailed, RESET)


def queue_link(tx: LinkTransaction, config: MailConfig, mailed: Mailed, path: str) -> None:
    """Queue the email with the link to this page. The database holds its token only encrypted.

    Raises ``Conflict("mail_off")``, ``CannotOpen``.
    """
    url = f"{config.link_base}{path}#token={mailed.token}"
    outbox.post_secret(tx, config, mailed.event, {"url": url})


def _imitate_queueing(tx: LinkTransaction) -> None:
    context = Context(SEALED_KIND, new_id("ntc", tx.now_ms))
    seal.keep(tx.sealed, tx.master_keys, context, bytes(100))
    tx.sealed.drop(context.kind, context.subject)
