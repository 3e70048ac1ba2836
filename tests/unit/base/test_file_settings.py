"""Every secret setting can be in a file, and is checked there as in the environment."""

import os
from pathlib import Path

import pytest

from ari.base.environment import unknown_variables
from ari.base.errors import ConfigurationError
from ari.base.file_settings import environment_name, file_fields
from ari.base.settings import Settings, load_settings

VALUES = {
    "backup_s3_access_key_id": "AKIAhunter2",
    "backup_s3_secret_access_key": "wJalr/hunter2",
    "database_url": "postgresql://ari:hunter2@db.example.net/ari",
    "usage_log_url": "clickhouse://ari:hunter2@ch.example.net/ari",
    "admin_password": "correct horse battery staple ",
    "resend_api_key": "re_0123456789abcdefABCDEFghijkl",
    "smtp_url": "smtps://user:hunter2@mail.example.net",
}
_PAIR = {"backup_s3_access_key_id": "x", "backup_s3_secret_access_key": "x"}
MORE = {
    **{field: {other: "x" for other in _PAIR if other != field} for field in _PAIR},
    "usage_log_url": {"database_url": "postgresql://db.example.net/ari"},
    "admin_password": {"admin_email": "a@example.net"},
    "smtp_url": {"mail_from": "a@example.net"},
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("ARI_") or name.startswith("RESEND_API_KEY"):
            monkeypatch.delenv(name)


def test_every_secret_setting_has_a_file() -> None:
    """A new secret setting gets one too; the master key's file is a setting itself."""
    secret = {name for name, info in Settings.model_fields.items() if "SecretStr" in repr(info.annotation)}
    assert set(file_fields(Settings)) == secret - {"master_key"} == set(VALUES)
    assert "master_key_file" in Settings.model_fields


@pytest.mark.parametrize("field", list(VALUES))
def test_a_secret_is_read_from_its_file(field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from the environment, without the line's end; a change is seen, and nothing shows it."""
    path = tmp_path / "secret"
    path.write_text(f"{VALUES[field]}\n")
    monkeypatch.setenv(f"{environment_name(field)}_FILE", str(path))
    settings = load_settings(data_dir=tmp_path, **MORE.get(field, {}))
    assert getattr(settings, field).get_secret_value() == VALUES[field]
    assert VALUES[field] not in repr(settings)
    path.write_text(VALUES[field].replace("hunter2", "hunter3").replace("horse", "house").replace("re_0", "re_1"))
    kept = settings.model_copy(update={"host": "::1"}).current(field)
    assert kept is not None
    assert kept.get_secret_value() != VALUES[field]
    assert getattr(settings, field).get_secret_value() == VALUES[field]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("database_url", "use a postgresql:// URL, or leave it unset for SQLite"),
        ("resend_api_key", "use the key as Resend shows it, without spaces"),
    ],
)
def test_a_bad_value_names_the_file(field: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And never shows it."""
    (tmp_path / "secret").write_text("hunter 2")
    monkeypatch.setenv(f"{environment_name(field)}_FILE", str(tmp_path / "secret"))
    with pytest.raises(ConfigurationError) as refused:
        load_settings(data_dir=tmp_path)
    assert str(refused.value) == f"{environment_name(field)}_FILE: {words}."


def test_an_argument_replaces_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's option wins over the environment, its files included."""
    monkeypatch.setenv("ARI_DATABASE_URL_FILE", str(tmp_path / "missing"))
    settings = load_settings(data_dir=tmp_path, database_url="postgresql://a@b/c")
    assert settings.current("database_url") == settings.database_url


def test_the_environment_is_read_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """In upper or lower case; an empty variable counts as unset, and the name with the prefix comes first."""
    monkeypatch.delenv("ALLOWED_IPS", raising=False)
    for name, value in {"ari_port": "4001", "ARI_WORKERS": "", "ALLOWED_IPS": "192.0.2.7"}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.port, settings.workers) == (4001, 1)
    assert [str(one) for one in settings.allowed_ips] == ["192.0.2.7/32"]
    monkeypatch.setenv("ARI_ALLOWED_IPS", "")
    assert load_settings().allowed_ips == settings.allowed_ips
    monkeypatch.setenv("ARI_ALLOWED_IPS", "10.0.0.0/8")
    assert [str(one) for one in load_settings().allowed_ips] == ["10.0.0.0/8"]
    assert load_settings(port=5000).port == 5000


def test_the_key_of_resend_has_two_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both work, also for a file; the name without the prefix comes first. Nothing is reported as unknown."""
    file = tmp_path / "key"
    file.write_text("re_" + "f" * 24)
    for given, expected in (
        ({"ARI_RESEND_API_KEY": "re_" + "a" * 24}, "a"),
        ({"ARI_RESEND_API_KEY": "re_" + "a" * 24, "RESEND_API_KEY": "re_" + "b" * 24}, "b"),
        ({"ARI_RESEND_API_KEY_FILE": str(file)}, "f"),
    ):
        with monkeypatch.context() as environment:
            for name, value in given.items():
                environment.setenv(name, value)
            key = load_settings().resend_api_key
            assert key is not None
            assert key.get_secret_value() == "re_" + expected * 24
        assert unknown_variables(given) == []


def test_settings_made_directly_ignore_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ``load_settings`` reads it."""
    monkeypatch.setenv("ARI_PORT", "4001")
    assert Settings().port == 3000
