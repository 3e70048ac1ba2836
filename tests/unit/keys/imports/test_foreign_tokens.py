"""Keys of other systems as callers send them: bounded, and found by what their systems hash."""

import asyncio
import json
from hashlib import sha256
from pathlib import Path

import pytest

from ari.keys import import_keys, prepare_import
from ari.keys.imports import foreign_tokens
from ari.keys.model import ApiKey
from ari.keys.ports import SaltedSecret
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


BCRYPT = [one for one in VECTORS if one["scheme"] == "bcrypt"]


def make_salted(foreign_id: str, foreign_hash: str) -> SaltedSecret:
    return SaltedSecret(sha256(foreign_id.encode()).digest(), foreign_hash, foreign_id)


@pytest.mark.parametrize("vector", BCRYPT, ids=lambda one: one["key"][:10])
def test_bcrypt_of_the_whole_key_or_of_what_follows_its_prefix(vector: dict[str, str]) -> None:
    """Also where the key is longer than what bcrypt reads."""
    secret = make_salted(vector["foreign_id"], vector["hash"])
    assert foreign_tokens.check_salted(vector["key"].encode(), secret)
    assert not foreign_tokens.check_salted(vector["key"][:40].encode(), secret)
    assert not foreign_tokens.check_salted(vector["foreign_id"].encode(), secret)


def test_a_key_has_one_salted_hash_of_each_scheme_at_most() -> None:
    """However many ids a text begins with, it causes one slow check: that of the longest. Django's ids end at a dot."""
    short, long = make_salted("acme_l", BCRYPT[0]["hash"]), make_salted("acme_live_Q", BCRYPT[0]["hash"])
    django = [make_salted(one, "sha512$$" + "0" * 128) for one in ("acme_live_Q", "acme_li")]
    text = b"acme_live_Q.secret"
    assert {"acme_l", "acme_live_Q"} <= set(foreign_tokens.list_ids(text))
    assert len(foreign_tokens.list_ids(b"x" * 500)) == 64
    assert foreign_tokens.choose_salted([short, long, *django], text) == [django[0], long]
    assert foreign_tokens.choose_salted([short, django[1]], b"acme_li_x") == [short]


@pytest.mark.parametrize(
    "line",
    [
        "sk-4tV9",
        " sk-4tV9\n",
        "API_KEY=sk-4tV9",
        '{"key": "sk-4tV9"}',
        "key:'sk-4tV9',",
        "curl -H 'x-api-key: sk-4tV9'",
    ],
)
def test_keys_are_found_in_lines(line: str) -> None:
    """As people and scanners report them."""
    assert b"sk-4tV9" in foreign_tokens.list_words(line.encode())


def test_keys_may_end_in_signs_and_the_words_of_a_text_are_bounded() -> None:
    """Base64 ends in one that also separates a name from its value."""
    assert b"aGVsbG8==" in foreign_tokens.list_words(b"KEY=aGVsbG8==")
    assert len(foreign_tokens.list_words(b" ".join(b"%d" % n for n in range(1_000)))) == foreign_tokens.MAX_WORDS
