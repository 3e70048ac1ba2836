"""Creating a link and queueing its email, in one transaction."""

import pytest

from ari.accounts import mail_links
from ari.base.errors import Conflict
from ari.deps import Deps
from ari.storage.transaction import Transaction
from ari.web.pages.mail_links.link_emails import queue_link, queue_reset_link
from tests.support.owner import EMAIL
from tests.support.page_client import PageClient, add_owner


def test_the_database_holds_the_token_only_encrypted(mailing_visitor: PageClient) -> None:
    """Someone who reads a backup can't reset the password (security.md 34)."""
    instance = mailing_visitor.instance
    add_owner(instance)

    def queue(tx: Transaction) -> str:
        mailed = mail_links.ask_for_reset(tx, EMAIL)
        assert mailed is not None
        queue_link(tx, instance.mail.config, mailed, "/reset-password")
        return mailed.token

    token = Deps(instance).do_sync(queue)
    instance.database.close()
    files = [one.read_bytes() for one in instance.settings.data_dir.rglob("*") if one.is_file()]
    assert files
    assert not any(token.encode() in content for content in files)


def test_without_email_no_link_is_made(visitor: PageClient) -> None:
    """The transaction is undone, so no link exists that nobody was sent."""
    instance = visitor.instance
    with pytest.raises(Conflict) as raised:
        Deps(instance).do_sync(queue_reset_link, instance.mail.config, EMAIL, None)
    assert raised.value.code == "mail_off"
    assert "password_reset_requested" not in visitor.events()


def test_an_unknown_address_leaves_nothing_behind(mailing_visitor: PageClient) -> None:
    """The imitated work, which takes as long as the real one, is dropped in the same transaction."""
    instance = mailing_visitor.instance
    Deps(instance).do_sync(queue_reset_link, instance.mail.config, "nobody@example.org", None)
    assert mailing_visitor.read(lambda tx: tx.notices.page(None, 20)) == []
