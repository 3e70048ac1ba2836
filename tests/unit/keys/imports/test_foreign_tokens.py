"""Keys of other systems as callers send them: bounded, and found by what their systems hash."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path

import pytest

from ari.keys import import_keys, prepare_import
from ari.keys.imports import foreign_tokens
from ari.keys.model import ApiKey
from tests.unit.keys.memory import MemoryTransaction

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())
[SANCTUM] = [one for one in VECTORS if one["scheme"] == "laravel-sanctum"]
SECRET = SANCTUM["key"].partition("|")[2]


class MemoryFinder:
    """Looks keys up in memory."""

    def __init__(self, tx: MemoryTransaction) -> None:
        self._tx = tx

    async def find(self, digest: bytes) -> ApiKey | None:
        return self._tx.keys.find(digest)

    async def has_imported(self) -> bool:
        return True


def _import(**fields: str) -> MemoryTransaction:
    tx = MemoryTransaction()
    line = {"name": "Shop", "hash": SANCTUM["hash"], "scheme": SANCTUM["scheme"]} | fields
    import_keys(tx, prepare_import(tx, {1: line}), all_or_nothing=True)
    return tx


def _is_found(tx: MemoryTransaction, text: str) -> bool:
    return asyncio.run(foreign_tokens.find_foreign(MemoryFinder(tx), text.encode())) is not None


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["library"])
def test_keys_of_every_system_are_possible(vector: dict[str, str]) -> None:
    """All have printable ASCII characters only."""
    assert foreign_tokens.is_possible(vector["key"].encode())


@pytest.mark.parametrize("text", ["", "a b", "a\n", "ä", "x" * 513, "a\0", "ari_k_" + "0" * 49])
def test_other_text_is_refused_without_a_lookup(text: str) -> None:
    """Above all a mistyped key of ARI's own."""
    assert not foreign_tokens.is_possible(text.encode())


def test_a_sanctum_token_is_found_with_its_id_or_without() -> None:
    """As in Laravel."""
    tx = _import(foreign_id="1204")
    assert _is_found(tx, SANCTUM["key"])
    assert _is_found(tx, SECRET)
    assert not _is_found(tx, f"1205|{SECRET}")
    assert not _is_found(tx, f"|{SECRET}")
    assert not _is_found(tx, f"1204|{SECRET}x")
    assert _is_found(_import(), f"77|{SECRET}")


def test_only_sanctum_ignores_what_is_before_a_bar() -> None:
    """Otherwise every key would have countless spellings."""
    tx = _import(scheme="sha256-hex", hash=sha256(b"another-secret").hexdigest())
    assert _is_found(tx, "another-secret")
    assert not _is_found(tx, "1|another-secret")
