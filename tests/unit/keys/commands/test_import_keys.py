"""Importing keys: all or some, never twice, and never more than the caller may grant."""

from hashlib import sha256
from typing import Any

import pytest

from ari.base.clock import DAY_MS, to_rfc3339
from ari.base.errors import Forbidden, Invalid, ReauthRequired
from ari.keys import (
    MAX_LINES,
    ImportResult,
    NewConsumer,
    check_import,
    create_consumer,
    declare_scope,
    import_facts,
    import_keys,
    prepare_import,
    remove_scope,
    revoke,
)
from ari.keys.commands.delete import delete
from tests.unit.keys.memory import NOW_MS, MemoryTransaction, make_key


def _line(number: int, **fields: Any) -> dict[str, Any]:
    hashed = sha256(b"secret %d" % number).hexdigest()
    return {"name": f"Customer {number}", "hash": hashed, "scheme": "sha256-hex"} | fields


def _lines(*numbers: int) -> dict[int, Any]:
    return {number: _line(number) for number in numbers}


def _import(tx: MemoryTransaction, values: dict[int, Any], *, all_or_nothing: bool = False) -> ImportResult:
    return import_keys(tx, prepare_import(tx, values), all_or_nothing=all_or_nothing)


def _problems(result: ImportResult) -> list[tuple[int, str]]:
    return [(one.line, problem.location) for one in result.lines for problem in one.problems]


def test_a_key_for_each_valid_line() -> None:
    """With an event each, and one for all."""
    tx = MemoryTransaction()
    result = _import(tx, _lines(1, 2) | {3: _line(3, hash="nonsense"), 5: None})
    assert [key.name for key in result.keys] == ["Customer 1", "Customer 2"]
    assert _problems(result) == [(3, "hash"), (5, "line")]
    assert tx.names == ["key_imported", "key_imported", "keys_imported"]
    assert tx.events.written[-1].detail == {"imported": 2, "failed": 2, "schemes": {"sha256-hex": 2}}
    assert tx.events.written[0].detail["scheme"] == "sha256-hex"
    assert len(tx.keys.rows) == 2


def test_all_or_nothing_names_each_line() -> None:
    """One bad line, and nothing is stored."""
    tx = MemoryTransaction()
    with pytest.raises(Invalid) as refused:
        _import(tx, _lines(1) | {2: _line(2, hash="x"), 3: _line(1)}, all_or_nothing=True)
    assert [one.location for one in refused.value.problems] == ["keys.1.hash", "keys.2.hash"]
    assert refused.value.problems[0].message.startswith("Line 2: hash: Must be the SHA-256")
    assert (tx.keys.rows, tx.names) == ({}, [])


def test_a_dry_run_stores_nothing() -> None:
    """And finds the same problems."""
    tx = MemoryTransaction()
    result = check_import(tx, {1: _line(1), 2: _line(1)})
    assert (len(result.keys), _problems(result)) == (1, [(2, "hash")])
    assert (tx.keys.rows, tx.names) == ({}, [])
    facts = import_facts(result.lines, dry_run=True)
    assert [item["id"] for item in facts["items"]] == [None, None]


def test_a_repeated_import_changes_nothing() -> None:
    """So a broken one can be run again. A deleted key is not restored either."""
    tx = MemoryTransaction()
    [key] = _import(tx, _lines(1)).keys
    assert _problems(_import(tx, _lines(1))) == [(1, "hash")]
    revoke(tx, key.id)
    delete(tx, key.id)
    assert _problems(_import(tx, _lines(1))) == [(1, "hash")]
    assert len(tx.keys.rows) == 1


def test_an_id_by_which_a_salted_hash_is_found_is_taken_once() -> None:
    """Each more would be another slow check for a wrong key."""
    tx = MemoryTransaction()
    salted = {"name": "n", "scheme": "djangorestframework-api-key", "foreign_id": "AbCd1234"}
    lines = {number: salted | {"hash": f"sha512$${number:0128x}"} for number in (1, 2)}
    assert _problems(_import(tx, lines)) == [(2, "foreign_id")]
    assert _problems(_import(tx, lines)) == [(1, "hash"), (2, "foreign_id")]
    without = {1: {name: value for name, value in lines[1].items() if name != "foreign_id"}}
    assert _problems(_import(tx, without)) == [(1, "foreign_id")]


def test_dates_of_the_other_system_belong_to_the_secret() -> None:
    """ARI has the key since today, or it would be reported as unused for years."""
    then = to_rfc3339(NOW_MS - 900 * DAY_MS)
    [key] = _import(MemoryTransaction(), {1: _line(1, created_at=then, foreign_id="7")}).keys
    assert key.created_at_ms == NOW_MS
    assert key.secret is not None
    assert (key.secret.created_at_ms, key.secret.scheme) == (NOW_MS - 900 * DAY_MS, "sha256-hex")
    assert key.secret.foreign_id == "7"


def test_a_key_imports_only_what_it_may_grant() -> None:
    """Security rule 11: importing is creating."""
    tx = MemoryTransaction()
    by = tx.by(make_key(tx, "keys:write", "api:read", expires_at_ms=NOW_MS + DAY_MS))
    soon = to_rfc3339(NOW_MS + DAY_MS)
    _import(by, {1: _line(1, expires_at=soon)}, all_or_nothing=True)
    with pytest.raises(Forbidden, match=r"Line 3: A key can only grant"):
        _import(by, {2: _line(2, expires_at=soon), 3: _line(3, expires_at=soon, scopes=["*"])})
    with pytest.raises(Forbidden, match="Line 4: A key can't grant access beyond its own expiry"):
        _import(by, {4: _line(4)})
    assert len(tx.keys.rows) == 2


def test_a_session_confirms_its_password_first() -> None:
    """Security rule 29."""
    tx = MemoryTransaction()
    tx.caller = type(tx.caller)("usr_1", tx.caller.origin, session_digest=b"s", confirmed_at_ms=NOW_MS - DAY_MS)
    with pytest.raises(ReauthRequired):
        _import(tx, _lines(1))


def test_a_line_says_whose_the_key_is() -> None:
    """As for a new key; a consumer that doesn't exist is a problem of the line."""
    tx = MemoryTransaction()
    consumer = create_consumer(tx, NewConsumer("Acme", external_id="acme"))
    facts = {"environment": "test", "tags": ["b", "a"], "metadata": {"plan": "pro"}, "addresses": ["10.0.0.1"]}
    result = _import(tx, {1: _line(1, consumer="acme", **facts), 2: _line(2, consumer="nobody")})
    assert _problems(result) == [(2, "consumer")]
    [key] = result.keys
    assert (key.consumer, key.environment, key.tags) == (consumer, "test", ("a", "b"))
    assert (key.metadata, key.policy.addresses) == ('{"plan":"pro"}', ("10.0.0.1/32",))


def test_declared_scopes_are_known() -> None:
    """Those of the API that the keys protect."""
    tx = MemoryTransaction()
    declare_scope(tx, "orders:read", "Read orders.")
    [key] = _import(tx, {1: _line(1, scopes=["orders:read"])}).keys
    assert key.scopes == ("orders:read",)


def test_one_import_has_bounds() -> None:
    """Other changes wait for it."""
    for values in ({}, dict.fromkeys(range(MAX_LINES + 1))):
        with pytest.raises(Invalid, match="between 1 and 10,000"):
            _import(MemoryTransaction(), values)


def test_what_changed_since_the_lines_were_read_counts() -> None:
    """Lines are read before the transaction that stores their keys; a scope that was removed since is not granted."""
    tx = MemoryTransaction()
    declare_scope(tx, "orders:read", "Read orders.")
    prepared = prepare_import(tx, {1: _line(1, scopes=["orders:read"]), 2: _line(2)})
    remove_scope(tx, "orders:read")
    assert _problems(import_keys(tx, prepared)) == [(1, "scopes")]
