"""A mailed link: from the command that made it to the outbox, in one transaction."""

from ari.accounts.mail_links import Mailed
from ari.base import seal
from ari.base.ids import new_id
from ari.base.seal import Context
from ari.instance import Instance
from ari.notifications import outbox
from ari.notifications.model import SEALED_KIND
from ari.storage.transaction import Transaction


def post_link(instance: Instance, unit: Transaction, mailed: Mailed, place: str) -> None:
    """Post the mail with the link to this page; its token lies in the database sealed alone.

    Raises ``Conflict("mail_off")``, ``CannotOpen``.
    """
    url = f"{instance.office.link_base}{place}#token={mailed.token}"
    outbox.post_secret(unit, instance.master_keys, instance.office, mailed.event, {"url": url}, instance.now_ms())


def post_nothing(instance: Instance, unit: Transaction) -> None:
    """As much work as a mail, for an account that does not exist."""
    place = Context(SEALED_KIND, new_id("ntc", instance.now_ms()))
    seal.keep(unit.sealed, instance.master_keys, place, bytes(100))
    unit.sealed.drop(place.kind, place.subject)
