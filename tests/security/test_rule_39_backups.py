"""Rule 39: a backup opens nothing on its own, and what it brings back waits for the owner's word."""

import gzip
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from ari import keys
from ari.base.caller import SYSTEM
from ari.base.seal import CannotOpen
from ari.base.settings import load_settings
from ari.deps import Deps
from ari.instance import Instance
from ari.integrations import commands, pool
from ari.integrations.credentials import credential, state
from ari.integrations.environment import ProviderEnvironment
from ari.integrations.providers import get_provider
from ari.integrations.upstream_commands import add_upstream
from ari.integrations.upstreams import find_provider
from ari.keys import KeyChange, NewKey
from ari.storage.backup.restore import Terms, restore_backup
from ari.storage.backup.write import write_backup
from tests.support.instances import START_MS, opened

OPENAI = get_provider("openai")
KEY = "sk-proj-0123456789abcdefABCDEF"
SECOND = "sk-proj-fedcba9876543210FEDCBA"
NOTHING = ProviderEnvironment()
DISABLED = KeyChange(disabled=True)


@pytest.fixture
def source(data_dir: Path, database_url: str | None) -> Iterator[Instance]:
    """An instance with a provider key, and API keys in each state that a backup may bring back."""
    with opened(data_dir, database_url) as made:
        Deps(made).do_sync(commands.put_key, OPENAI, NOTHING, KEY)
        Deps(made).do_sync(pool.add_key, OPENAI, NOTHING, SECOND, "second")
        Deps(made).do_sync(add_upstream, "vllm-a", "vLLM A", "https://vllm.example.net")
        for name in ("living", "AI", "disabled", "revoked"):
            scopes = ("ai:openai",) if name == "AI" else None
            new = NewKey(name, scopes=scopes)
            key = Deps(made).do_sync(keys.create, new).key
            if name == "disabled":
                Deps(made).do_sync(keys.change, key.id, DISABLED)
            if name == "revoked":
                Deps(made).do_sync(keys.revoke, key.id)
        yield made


def _restore(source: Instance, folder: Path, *, trust_keys: bool) -> tuple[bytes, int]:
    file = BytesIO()
    write_backup(source.database, file, source.now_ms(), lambda *_: None)
    folder.mkdir(mode=0o700)
    settings = load_settings(data_dir=folder, master_key=source.master_keys.own_file.read_text())
    restored = restore_backup(settings, file, Terms(trust_keys=trust_keys), SYSTEM, START_MS, lambda *_: None)
    return file.getvalue(), restored.keys_disabled


def test_the_master_key_stays_out(source: Instance, tmp_path: Path) -> None:
    """So the encrypted provider key in it opens only where the master key is; no text of either is in the file."""
    master = source.master_keys.own_file.read_bytes().strip()
    body, _ = _restore(source, tmp_path / "new", trust_keys=False)
    plain = gzip.decompress(body)
    for secret in (master, source.master_keys.all()[0].secret, KEY.encode(), KEY[6:].encode(), SECOND[6:].encode()):
        assert secret not in plain
    with tarfile.open(fileobj=BytesIO(body)) as archive:
        assert {name.partition("/")[0] for name in archive.getnames()} >= {
            "integrations",
            "provider_keys",
            "upstreams",
            "sealed_secrets",
            "api_keys",
        }
    with opened(tmp_path / "new", None) as there:
        assert not there.master_keys.own_file.exists()
        assert Deps(there).read_sync(lambda unit: state(unit, OPENAI, NOTHING)).mask == "sk-p…CDEF"
        with pytest.raises(CannotOpen, match="a master key that isn't in"):
            Deps(there).read_sync(credential, OPENAI, NOTHING)
        there.master_keys.own_file.write_bytes(master + b"\n")
        assert Deps(there).read_sync(credential, OPENAI, NOTHING).secret == KEY
        second = Deps(there).read_sync(state, OPENAI, NOTHING).keys[1]
        assert Deps(there).read_sync(credential, OPENAI, NOTHING, second.id).secret == SECOND
        assert Deps(there).read_sync(find_provider, "vllm-a").title == "vLLM A"


@pytest.mark.parametrize("trust_keys", [False, True])
def test_restored_keys_are_disabled_unless_trusted(source: Instance, tmp_path: Path, trust_keys: bool) -> None:
    """A backup may be older than a revoke: every key that could be used waits, those for the AI gateway too."""
    _, count = _restore(source, tmp_path / "new", trust_keys=trust_keys)
    with opened(tmp_path / "new", None) as there:
        found = {key.name: key for key in Deps(there).read_sync(lambda unit: unit.keys.page(START_MS, "all", None, 9))}
    usable = {name for name, key in found.items() if not key.disabled and key.revoked_at_ms is None}
    assert (usable, count) == (({"living", "AI"}, 0) if trust_keys else (set(), 2))
    assert found["revoked"].revoked_at_ms is not None
