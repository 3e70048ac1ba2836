"""The contents of a backup."""

import io
from typing import Any

import pytest

from ari import keys
from ari.accounts.model import Account, Session
from ari.base.errors import Invalid, Unavailable
from ari.base.idempotency import PASSING_KINDS
from ari.base.seal import Context, Sealed
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations.ai_rules.aliases import MAX_ALIASES, MAX_MODEL_LENGTH, MAX_NAME_LENGTH, MAX_TARGETS
from ari.integrations.ai_rules.change_aliases import set_aliases
from ari.integrations.ai_rules.change_budgets import set_budgets
from ari.integrations.ai_rules.change_prices import set_prices
from ari.integrations.ai_rules.model import MAX_PART_BYTES, PARTS
from ari.integrations.ai_rules.price_fields import MAX_ENTRIES, PRICE_FIELDS
from ari.integrations.ai_rules.price_fields import MAX_PATTERN_LENGTH as PRICE_PATTERN_LENGTH
from ari.keys import KeyChange, KindChange, NewConsumer, NewKey
from ari.keys.limits.budget_fields import MAX_BUDGETS
from ari.keys.limits.fields import MAX_NAME_LENGTH as LIMIT_NAME_LENGTH
from ari.keys.model_rules import MAX_PATTERN_LENGTH, MAX_PATTERNS
from ari.keys.ownership import METADATA_BYTES
from ari.keys.policy import MAX_ADDRESSES
from ari.notifications.model import SEALED_KIND
from ari.storage.backup.archive import Reader, Row
from ari.storage.backup.signature import UNKNOWN_INSTANCE, SignedFile
from ari.storage.backup.write import write_backup
from ari.storage.usage.row_ids import format_id
from ari.usage.ports import Batch
from tests.support.audit_log import create
from tests.support.instances import START_MS
from tests.support.usage import make_row


def _write(instance: Instance) -> tuple[bytes, list[tuple[str, int, int]]]:
    file, progress = io.BytesIO(), list[tuple[str, int, int]]()
    write_backup(instance.database, file, START_MS, lambda *step: progress.append(step))
    return file.getvalue(), progress


def _rows(body: bytes) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for table, row in Reader(SignedFile(io.BytesIO(body))).rows():
        found.setdefault(table, []).append(row)
    return found


def test_nobody_is_signed_in_by_a_backup(instance: Instance) -> None:
    """Sessions, links and emails that are still to be sent stay out; the account and other secrets are in it."""
    with instance.database.writing() as unit:
        unit.accounts.add_owner(Account("usr_1", "owner@example.com", "a hash", START_MS))
        unit.accounts.add_session(Session(b"s" * 32, "usr_1", START_MS, START_MS + 9, None, None, START_MS))
        for kind in (SEALED_KIND, *PASSING_KINDS, "totp"):
            unit.sealed.put(Sealed(Context(kind, "usr_1"), b"an envelope"))
        unit.key_value.put("setup_token", "a digest")
        unit.key_value.put("had_owner", "1")
    rows = _rows(_write(instance)[0])
    assert [row["email"] for row in rows["accounts"]] == ["owner@example.com"]
    assert [row["kind"] for row in rows["sealed_secrets"]] == ["totp"]
    assert [row["name"] for row in rows["notes"]] == ["had_owner"]
    assert "sessions" not in rows


def test_every_request_until_now_is_in_it(instance: Instance) -> None:
    """Also those that no fold has moved yet."""
    row = make_row()
    instance.database.usage.commit(Batch([row]))
    body, progress = _write(instance)
    assert [format_id(one["id_high"], one["id_low"]) for one in _rows(body)["usage_log"]] == [row.id]
    assert ("usage_log", 1, 1) in progress


def test_a_backup_names_its_instance(instance: Instance) -> None:
    """The same in every backup of it, signed with the master key that its first change made."""
    create(instance, "a")
    signers = [SignedFile(io.BytesIO(_write(instance)[0])).signer for _ in range(2)]
    assert signers[0] is not None
    assert signers[1] is not None
    assert signers[0].instance == signers[1].instance != UNKNOWN_INSTANCE


def test_a_full_disk_is_a_plain_sentence(instance: Instance) -> None:
    """Not a traceback in the middle of the night."""

    class Full(io.BytesIO):
        def write(self, _data: Any, /) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(Unavailable, match="Can't write the backup: No space left on device"):
        write_backup(instance.database, Full(), START_MS, lambda *_: None)


def _fill_aliases(count: int, letter: str) -> dict[str, list[str]]:
    names = [f"{number}".ljust(MAX_NAME_LENGTH, "x") for number in range(count)]
    targets = [f"openai/{number}".ljust(len("openai/") + MAX_MODEL_LENGTH, letter) for number in range(MAX_TARGETS)]
    return dict.fromkeys(names, targets)


def _save_as_many_aliases_as_fit(deps: Deps, letter: str) -> int:
    """Returns how many: one more is refused."""
    fitting, refused = 0, MAX_ALIASES + 1
    while refused - fitting > 1:
        count = (fitting + refused) // 2
        try:
            deps.do_sync(set_aliases, _fill_aliases(count, letter))
            fitting = count
        except Invalid:
            refused = count
    return fitting


def _set_longest_rules(deps: Deps, letter: str) -> None:
    """Prices, discounts and budgets, as many as there may be."""
    models = [f"openai/{number}".ljust(PRICE_PATTERN_LENGTH, letter) for number in range(MAX_ENTRIES)]
    parts = {f"{name}_usd": "999999.123456789" for name in PRICE_FIELDS}
    discounts = [{"model": model, "percent": "99.99"} for model in models]
    deps.do_sync(set_prices, {"prices": [{"model": model} | parts for model in models], "discounts": discounts})
    amount = "123456789.12" if letter == "x" else "12345678.91"
    budgets = [
        {"name": f"{number}".ljust(LIMIT_NAME_LENGTH, "x"), "amount_usd": amount, "period": "month", "hard": True}
        for number in range(MAX_BUDGETS)
    ]
    names = [f"upstream-{number}".ljust(40, "x") for number in range(100)]
    deps.do_sync(set_budgets, budgets, dict.fromkeys(names, budgets), names)


@pytest.mark.parametrize(("first", "second"), [('"', "\\"), ("\\", "x"), ("x", '"')])
def test_whatever_a_change_accepts_fits_in_a_backup(instance: Instance, first: str, second: str) -> None:
    """The longest lists, of characters that double each time that JSON is in JSON, before and after a change."""
    deps = Deps(instance)
    deps.do_sync(keys.add_kind, "longest", "longest_", KindChange())
    deps.do_sync(keys.create_consumer, NewConsumer("Acme", "x"))
    key = deps.do_sync(keys.create, NewKey("longest", consumer="x")).key
    fitting = min(_save_as_many_aliases_as_fit(deps, letter) for letter in (first, second))
    assert fitting > MAX_ALIASES // 4
    for letter in (first, second):
        deps.do_sync(set_aliases, _fill_aliases(fitting, letter))
        _set_longest_rules(deps, letter)
        patterns = [f"{number}".ljust(MAX_PATTERN_LENGTH, letter) for number in range(MAX_PATTERNS)]
        models = {"allow": patterns, "deny": patterns}
        addresses = tuple(f"2001:db8:{number:x}:ffff:ffff:ffff:ffff:ffff" for number in range(MAX_ADDRESSES))
        metadata = {"a": letter * (METADATA_BYTES // 2 - 10)}
        deps.do_sync(keys.change, key.id, KeyChange(models=models, metadata=metadata, addresses=addresses))
        deps.do_sync(keys.change_kind, "longest", KindChange(models=models))
    rows = _rows(_write(instance)[0])
    policies = {row["name"]: len(row["value"]) for row in rows["instance_policy"]}
    assert policies["ai_aliases"] > MAX_PART_BYTES // 2 - 6_000
    assert {row["name"] for row in rows["events"]} >= {f"ai_{name}_changed" for name in PARTS}
