"""A mailed link: the command that makes it and its mail in the outbox, in one transaction."""

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


def mail_reset_link(tx: LinkTransaction, config: MailConfig, email: str, device: str | None) -> None:
    """Mail the link to reset the password; for an unknown account, do as much work as that takes."""
    mailed = mail_links.ask_for_reset(tx, email, device)
    if mailed is None:
        _post_nothing(tx)
    else:
        post_link(tx, config, mailed, RESET)


def post_link(tx: LinkTransaction, config: MailConfig, mailed: Mailed, place: str) -> None:
    """Post the mail with the link to this page; its token is in the database only encrypted.

    Raises ``Conflict("mail_off")``, ``CannotOpen``.
    """
    url = f"{config.link_base}{place}#token={mailed.token}"
    outbox.post_secret(tx, config, mailed.event, {"url": url})


def _post_nothing(tx: LinkTransaction) -> None:
    place = Context(SEALED_KIND, new_id("ntc", tx.now_ms))
    seal.keep(tx.sealed, tx.master_keys, place, bytes(100))
    tx.sealed.drop(place.kind, place.subject)
