"""The row of an integration and the events about it."""

from ari.base.caller import SYSTEM, Caller
from ari.base.events import Origin
from ari.integrations.providers import get_provider
from ari.integrations.rows import get_row, get_stored_row, record_integration
from tests.unit.integrations.memory import MemoryIntegrationTransaction

OPENAI = get_provider("openai")


def test_a_provider_without_a_row_gets_one_that_is_not_stored_yet(tx: MemoryIntegrationTransaction) -> None:
    """Looking at a provider changes nothing."""
    assert get_stored_row(tx, OPENAI) is None
    row = get_row(tx, OPENAI)
    assert (row.provider, row.base_url, row.tested) == ("openai", None, None)
    assert get_stored_row(tx, OPENAI) is None
    tx.integrations.save(row)
    assert get_row(tx, OPENAI) == row


def test_an_event_names_the_provider_and_who_did_it(tx: MemoryIntegrationTransaction) -> None:
    """Also in its detail, which emails are written from; ARI itself where no caller did it."""
    owner = tx.by(Caller("usr_1", Origin("web")))
    record_integration(owner, "provider_key_added", OPENAI, {"mask": "sk-p…CDEF"})
    record_integration(owner, "provider_key_rejected", OPENAI, {}, caller=SYSTEM)
    added, rejected = tx.events.all
    assert (added.subject, added.actor, added.detail) == (
        "openai",
        "usr_1",
        {"provider": "openai", "mask": "sk-p…CDEF"},
    )
    assert rejected.actor == "system"
