"""Imported keys on both databases: they work at once, in every process, and as long as they are not revoked."""

import asyncio
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ari import keys
from ari.deps import Deps
from ari.instance import Instance
from ari.keys.checks import AccessRequest
from ari.keys.model import Granted
from ari.keys.verify import verify
from ari.usage.ports import KeyLookup
from tests.support.commands import create_key, revoke_key
from tests.support.instances import opened

VECTORS = json.loads((Path(__file__).parents[3] / "unit/keys/imports/vectors.json").read_text())
UNSALTED = [one for one in VECTORS if one["scheme"] not in ("djangorestframework-api-key", "bcrypt")]


@pytest.fixture
def instance(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    with opened(data_dir, database_url) as found:
        yield found


def _line(vector: dict[str, str], **fields: Any) -> dict[str, Any]:
    return {"name": "Shop"} | {name: text for name, text in vector.items() if name not in ("library", "key")} | fields


def _import(instance: Instance, *lines: dict[str, Any]) -> keys.ImportResult:
    deps = Deps(instance)
    prepared = deps.read_sync(keys.prepare_import, dict(enumerate(lines, 1)))
    return deps.do_sync(keys.import_keys, prepared, all_or_nothing=True)


async def _code(instance: Instance, lookup: KeyLookup, text: str) -> str:
    await asyncio.sleep(0)  # the next tick of the loop
    verdict = await verify(lookup, text.encode(), AccessRequest(None, instance.now_ms()))
    return "ok" if isinstance(verdict, Granted) else verdict.reason.code


@pytest.mark.parametrize("vector", UNSALTED, ids=lambda one: one["library"])
def test_a_key_works_as_soon_as_it_is_imported(instance: Instance, vector: dict[str, str]) -> None:
    """Its text was malformed before; a process that said so knows at once."""

    async def run() -> list[str]:
        lookup = await instance.database.open_lookup()
        found = [await _code(instance, lookup, vector["key"])]
        [key] = _import(instance, _line(vector)).keys
        found.append(await _code(instance, lookup, vector["key"]))
        found.append(await _code(instance, lookup, vector["key"] + "x"))
        found.append(await _code(instance, lookup, "ari_k_" + "0" * 49))
        revoke_key(instance, key)
        found.append(await _code(instance, lookup, vector["key"]))
        await lookup.close()
        return found

    assert asyncio.run(run()) == ["malformed", "ok", "unknown", "malformed", "revoked"]


def test_what_is_stored_reads_back(instance: Instance) -> None:
    """The key, its secret and its events."""
    vector = UNSALTED[0]
    [key] = _import(instance, _line(vector, disabled=True, hint="acme", scopes=["keys:read"])).keys
    assert Deps(instance).read_sync(keys.get, key.id) == key
    found = Deps(instance).read_sync(lambda tx: tx.keys.find(sha256(vector["key"].encode()).digest()))
    assert found == key
    assert found is not None
    assert found.secret == key.secret
    names = Deps(instance).read_sync(lambda tx: [event.name for event in tx.events.page(None, None, 9)])
    assert names[:2] == ["keys_imported", "key_imported"]


def test_the_digest_of_a_stored_key_is_taken(instance: Instance) -> None:
    """Also that of one of ARI's own: it stays as it is, and the other line is imported."""
    made = create_key(instance)
    digest = sha256(made.secret.encode()).hexdigest()
    lines = [_line(UNSALTED[0]), {"name": "n", "hash": digest, "scheme": "sha256-hex"}]
    assert [line.is_stored for line in _import(instance, *lines).lines] == [False, True]
    assert [line.is_stored for line in _import(instance, *lines).lines] == [True, True]
    assert Deps(instance).read_sync(lambda tx: tx.keys.count(tx.now_ms, "all")) == 2


def test_a_thousand_lines_are_one_import(instance: Instance) -> None:
    """More than one statement can take."""
    lines = [{"name": "n", "hash": f"{number:064x}", "scheme": "sha256-hex"} for number in range(1_200)]
    assert len(_import(instance, *lines).keys) == 1_200
    result = Deps(instance).read_sync(keys.check_import, dict(enumerate(lines)))
    assert sum(line.is_stored for line in result.lines) == 1_200
