"""The stores of one transaction share it: all of a command is kept, or nothing."""

import pytest

from ari.accounts.model import Account
from ari.base.caller import SYSTEM, Caller
from ari.base.events import Origin
from ari.base.seal import Context, Sealed
from ari.instance import Instance
from ari.integrations.model import Integration
from ari.storage.transaction import Transaction
from tests.support.instances import START_MS


def _change_everything(unit: Transaction) -> None:
    unit.key_value.put("n", "1")
    unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", START_MS))
    unit.sealed.put(Sealed(Context("totp", "usr_1"), b"an envelope"))
    unit.integrations.save(Integration("int_1", "openai"))
    unit.watch.mute({"a": START_MS})
    unit.dismissals.replace("unused", {"key_1": "never"}, START_MS)


def _list_found(unit: Transaction) -> list[bool]:
    return [
        unit.key_value.get("n") is not None,
        unit.accounts.owner() is not None,
        bool(unit.sealed.all()),
        bool(unit.integrations.all()),
        bool(unit.watch.list_muted(0)),
        bool(unit.dismissals.all()),
    ]


def test_a_failed_command_keeps_nothing_in_any_store(instance: Instance) -> None:
    """Each store sees what the others changed, and none outlives the transaction."""

    def fail() -> None:
        with instance.database.writing() as unit:
            _change_everything(unit)
            assert all(_list_found(unit))
            raise RuntimeError("a crash before the commit")

    with pytest.raises(RuntimeError):
        fail()
    with instance.database.reading() as unit:
        assert not any(_list_found(unit))
    with instance.database.writing() as unit:
        _change_everything(unit)
    with instance.database.reading() as unit:
        assert all(_list_found(unit))


def test_a_transaction_knows_its_caller_and_one_time(instance: Instance) -> None:
    """An event has the caller and the time with which the transaction began."""
    caller = Caller("usr_1", Origin("web"), scopes=())
    with instance.database.writing(caller) as unit:
        assert unit.caller == caller
    with instance.database.reading() as unit:
        assert unit.caller == SYSTEM
