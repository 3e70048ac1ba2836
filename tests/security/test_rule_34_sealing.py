"""Rule 34: the master key is made once, kept apart, never silently replaced; its secrets are named when it is gone."""

import os
import secrets
from pathlib import Path
from typing import Any

import pytest

from ari.accounts import totp, two_factor
from ari.accounts.model import Account
from ari.base import seal
from ari.base.caller import SYSTEM, Caller
from ari.base.errors import ConfigurationError
from ari.base.idempotency import IdempotentRequest, once
from ari.base.seal import CannotOpen, Context, Sealed
from ari.base.settings import load_settings
from ari.deps import Deps
from ari.instance import Instance
from ari.serving.start import RESPONSES_FORGOTTEN
from tests.support.instances import opened

OWNER = "usr_1"


def _turn_on(instance: Instance, secret: str) -> None:
    with instance.database.writing() as unit:
        if unit.accounts.owner() is None:
            unit.accounts.add_owner(Account(OWNER, "owner@example.org", "a hash", instance.now_ms()))
    known = totp.secret_bytes(secret)
    assert known
    code = totp.code_at(known, totp.step_at(instance.now_ms()))

    Deps(instance, Caller(OWNER, SYSTEM.origin)).do_sync(two_factor.turn_on, secret, code)


def _read(instance: Instance) -> bytes | None:
    return Deps(instance).read_sync(
        lambda unit: seal.open_secret(unit.sealed, instance.master_keys, Context(two_factor.KIND, OWNER))
    )


def test_the_secret_is_bound_to_its_account(data_dir: Path, database_url: str | None) -> None:
    """Encrypted in the table, opened with its context; the row moved to another account opens nothing."""
    secret = totp.new_secret()
    with opened(data_dir, database_url) as instance:
        _turn_on(instance, secret)
        assert _read(instance) == totp.secret_bytes(secret)
        with instance.database.writing() as unit:
            [kept] = unit.sealed.all()
            unit.sealed.put(Sealed(Context(two_factor.KIND, "usr_2"), kept.envelope))
        with pytest.raises(CannotOpen):
            Deps(instance).read_sync(
                lambda unit: seal.open_secret(unit.sealed, instance.master_keys, Context(two_factor.KIND, "usr_2"))
            )
        with instance.database.writing() as unit:
            unit.sealed.put(Sealed(Context("other", OWNER, ("https://api.example.net",)), b"x" * 40))
            assert unit.sealed.get("other", OWNER) == Sealed(
                Context("other", OWNER, ("https://api.example.net",)), b"x" * 40
            )
            unit.sealed.drop("other", OWNER)
            assert unit.sealed.get("other", OWNER) is None


def test_a_start_without_the_key_names_what_is_encrypted(make_server: Any, data_dir: Path) -> None:
    """Nothing serves and no new key appears; with the key given, or the secret removed, it starts.

    A response that is stored for a day neither stops the start nor is deleted while the key may come back.
    """
    request = IdempotentRequest("key_1", "POST /api/keys", "a", b"{}")
    with opened(data_dir, None) as instance:
        _turn_on(instance, totp.new_secret())
        Deps(instance).do_sync(once, request, lambda: b"first")
        key = instance.master_keys.own_file
    given = key.read_text().strip()
    key.unlink()
    server = make_server()
    assert server.launch().wait(60) == 1
    said = server.log_text()
    assert "is needed for: two-factor secret of usr_1. " in said
    assert said.strip().endswith("remove what it encrypted: ari account disable-two-factor")
    assert not key.exists()
    with opened(data_dir, None, master_key=given) as instance:
        assert Deps(instance).do_sync(once, request, lambda: b"second").body == b"first"
        with instance.database.writing() as unit:
            unit.sealed.drop(two_factor.KIND, OWNER)
    server.start()
    assert RESPONSES_FORGOTTEN in server.log_text()
    assert given not in server.log_text()


def test_backups_leave_the_key_out(data_dir: Path, database_url: str | None, tmp_path: Path) -> None:
    """The encrypted row comes back from a backup; it opens with the key of before and with no other."""
    from io import BytesIO

    from ari.storage.backup.restore import Terms, restore_backup
    from ari.storage.backup.write import write_backup

    secret, file, folder = totp.new_secret(), BytesIO(), tmp_path / "restored"
    with opened(data_dir, None) as instance:
        _turn_on(instance, secret)
        written = write_backup(instance.database, file, instance.now_ms(), lambda *_: None)
        key = instance.master_keys.own_file.read_text()
    assert written.sealed == 1
    assert key.strip().encode() not in file.getvalue()
    folder.mkdir(mode=0o700)
    settings = load_settings(data_dir=folder, database_url=database_url, master_key=key)
    restore_backup(settings, file, Terms(), SYSTEM, 1_800_000_000_000, lambda *_: None)
    with opened(folder, database_url) as instance:
        assert not instance.master_keys.own_file.exists()
        with pytest.raises(CannotOpen):
            _read(instance)
        instance.master_keys.own_file.write_text(key)
        assert _read(instance) == totp.secret_bytes(secret)
        codes = Deps(instance).read_sync(lambda unit: unit.second_step.count_backup_codes(OWNER))
        assert codes == 0  # they may have been used since


def test_settings_take_a_key_and_no_passphrase(tmp_path: Path) -> None:
    """One place for it; the sentence names the setting and never shows the value."""
    good = secrets.token_hex(32)
    assert load_settings(data_dir=tmp_path, master_key=good).master_key is not None
    for more in ({"master_key": "correct horse battery staple"}, {"master_key": good, "master_key_file": tmp_path}):
        with pytest.raises(ConfigurationError) as refused:
            load_settings(data_dir=tmp_path, **more)
        assert "horse" not in str(refused.value)
        assert good not in str(refused.value)


def test_the_key_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is not handed on to child processes."""
    from ari.serving import start

    assert {"ARI_MASTER_KEY", "ARI_MASTER_KEY_FILE", "ARI_ADMIN_PASSWORD"} <= set(start.SECRET_VARIABLES)
    for name in start.SECRET_VARIABLES:
        monkeypatch.setenv(name, "x")
    start.forget_secrets()
    assert not set(start.SECRET_VARIABLES) & set(os.environ)
