"""Salted hashes of imported keys: one check for all requests with one text, and few different texts for each key."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.base.errors import Unavailable
from ari.deps import Deps
from ari.http.secret_rehasher import CROWDED, MAX_TEXTS_PER_ID, SecretRehasher
from ari.instance import Instance
from ari.keys.checks import AccessRequest
from ari.keys.imports import password_hashes
from ari.keys.model import Granted
from ari.keys.verify import verify
from tests.support.commands import events_of, revoke_key
from tests.support.instances import opened

VECTORS = json.loads((Path(__file__).parents[1] / "keys/imports/vectors.json").read_text())
DJANGO = [one for one in VECTORS if one["scheme"] == "djangorestframework-api-key"]
SHA512 = next(one for one in DJANGO if one["hash"].startswith("sha512"))
SLOW = [one for one in DJANGO if one is not SHA512]


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _import(instance: Instance, vector: dict[str, str]) -> Any:
    line = {"name": "Shop", "scheme": vector["scheme"], "hash": vector["hash"], "foreign_id": vector["foreign_id"]}
    deps = Deps(instance)
    return deps.do_sync(keys.import_keys, deps.read_sync(keys.prepare_import, {1: line}), all_or_nothing=True).keys[0]


async def _verify(instance: Instance, *texts: str) -> list[str]:
    """The codes for these keys, one after the other."""
    lookup, rehasher = await instance.database.open_lookup(), SecretRehasher(Deps(instance))
    found = []
    for text in texts:
        await asyncio.sleep(0)  # the next tick of the loop
        ask = AccessRequest(None, instance.now_ms())
        verdict = await verify(lookup, text.encode(), ask, rehasher.rehash)
        found.append("ok" if isinstance(verdict, Granted) else verdict.reason.code)
    rehasher.close()
    await lookup.close()
    return found


def test_the_first_use_replaces_the_salted_hash(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later uses are one lookup by digest; the slow check does not run again."""
    _use_twice(instance, SHA512, monkeypatch)


@pytest.mark.parametrize("vector", SLOW, ids=lambda one: one["hash"].partition("$")[0])
def test_so_it_does_for_every_algorithm(
    data_dir: Path, vector: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one database: a check of these takes up to half a second of processor time."""
    with opened(data_dir, None) as instance:
        _use_twice(instance, vector, monkeypatch)


def _use_twice(instance: Instance, vector: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[bytes] = []
    real = password_hashes.check

    def check(text: bytes, encoded: str) -> bool:
        checks.append(text)
        return real(text, encoded)

    monkeypatch.setattr(password_hashes, "check", check)
    key = _import(instance, vector)
    wrong = vector["key"][:-1] + "-"
    assert asyncio.run(_verify(instance, wrong, vector["key"], vector["key"], wrong)) == [
        "unknown",
        "ok",
        "ok",
        "unknown",
    ]
    assert checks == [wrong.encode(), vector["key"].encode()]
    assert events_of(instance, key) == ["key_rehashed", "key_imported"]
    assert Deps(instance).read_sync(keys.list_salted, vector["key"].encode()) == []
    revoke_key(instance, key)
    assert asyncio.run(_verify(instance, vector["key"])) == ["revoked"]


def test_the_hash_cannot_be_imported_again(instance: Instance) -> None:
    """Neither before its first use nor after; a revoked key stays revoked."""
    key = _import(instance, SHA512)
    revoke_key(instance, key)
    for _ in range(2):
        with pytest.raises(IndexError):
            _import(instance, SHA512)
        assert asyncio.run(_verify(instance, SHA512["key"])) == ["revoked"]


def test_what_is_stored_opens_nothing(instance: Instance) -> None:
    """A thief of the database cannot use the hash, nor what was put in the place of the digest."""
    _import(instance, SHA512)
    [secret] = Deps(instance).read_sync(keys.list_salted, SHA512["key"].encode())
    placeholder_of = f"{SHA512['foreign_id']}\n{SHA512['hash']}"
    texts = [SHA512["hash"], placeholder_of, secret.placeholder.hex(), f"{SHA512['foreign_id']}.{SHA512['hash']}"]
    assert set(asyncio.run(_verify(instance, *texts))) <= {"unknown", "malformed"}


def test_requests_at_once_share_a_check_and_wrong_keys_wait_little(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who knows the first part of a key can delay that key only."""
    checks: list[bytes] = []
    refused = threading.Event()

    def refuse(text: bytes, _encoded: str) -> bool:
        checks.append(text)
        refused.wait(30)
        return False

    monkeypatch.setattr(password_hashes, "check", refuse)
    _import(instance, SHA512)

    async def run() -> list[Any]:
        rehasher = SecretRehasher(Deps(instance))
        texts = [f"{SHA512['foreign_id']}.{number}".encode() for number in range(MAX_TEXTS_PER_ID + 1)]
        asked = [asyncio.create_task(rehasher.rehash(text)) for text in texts * 2]
        first, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_EXCEPTION)
        assert {type(one.exception()) for one in first} == {Unavailable}
        refused.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [await rehasher.rehash(text) for text in (texts[-1], b"other.1", b"no-id")] == [False] * 3
        rehasher.close()
        return found

    found = asyncio.run(run())
    assert found[: len(found) // 2] == found[len(found) // 2 :]
    assert sorted(str(one) for one in found[: len(found) // 2]) == [*["False"] * MAX_TEXTS_PER_ID, CROWDED]
    assert len(checks) == MAX_TEXTS_PER_ID + 1


def test_two_processes_at_once(instance: Instance) -> None:
    """The second finds the work done; there is one event."""
    key = _import(instance, SHA512)
    [secret] = Deps(instance).read_sync(keys.list_salted, SHA512["key"].encode())
    for _ in range(2):
        Deps(instance).do_sync(keys.rehash, secret, SHA512["key"].encode())
    assert events_of(instance, key) == ["key_rehashed", "key_imported"]
