"""``ari serve`` and ``ari migrate``: from words to settings."""

from typing import Any

import pytest

from ari.base.settings import Settings
from ari.serving import start
from ari.storage.migrate import LOG, MAIN
from tests.unit.cli.conftest import Ari


@pytest.fixture
def server_calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, bool]]:
    """The settings given to the server, instead of a server."""
    told: list[tuple[Settings, bool]] = []

    def serve(settings: Settings, *, new_instance: bool = False) -> int:
        told.append((settings, new_instance))
        return 0

    monkeypatch.setattr(start, "serve", serve)
    return told


def test_options_beat_the_environment(ari: Ari, server_calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Options override settings."""
    monkeypatch.setenv("ARI_PORT", "4000")
    monkeypatch.setenv("ARI_WORKERS", "3")
    ari("serve", "--host", "127.0.0.2", "--port", "4001", "--data-dir", "/elsewhere", "--insecure-http")
    [(settings, new_instance)] = server_calls
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.2", 4001, 3)
    assert (str(settings.data_dir), settings.insecure_http, new_instance) == ("/elsewhere", True, False)


def test_an_option_left_out_changes_nothing(ari: Ari, server_calls: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag that is not typed does not switch off what the environment switches on."""
    monkeypatch.setenv("ARI_INSECURE_HTTP", "1")
    ari("serve", "--new-instance")
    [(settings, new_instance)] = server_calls
    assert (settings.insecure_http, settings.port, new_instance) == (True, 3000, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ARI_PORT", "99999"), ("ARI_TRUSTED_PROXIES", "0.0.0.0/0"), ("ARI_DATABASE_URL", "mysql://u:hunter2@h/d")],
)
def test_a_bad_setting_is_named_without_its_value(
    ari: Ari, server_calls: list[Any], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Every command stops with one sentence that names the setting."""
    monkeypatch.setenv(name, value)
    for words in (["serve"], ["keys", "list"], ["doctor"], ["migrate"]):
        said = ari.refuse(*words)
        assert said.startswith(f"{name}: ")
        assert value not in said
    assert server_calls == []


def test_migrate_says_what_it_did(ari: Ari) -> None:
    """The first time it names the migrations, after that nothing is to do."""
    every = [f"{chain.name} {number}" for chain in (MAIN, LOG) for number in chain.revisions]
    assert ari("migrate", "--data-dir", str(ari.data_dir.parent / "new")).out == f"Applied: {', '.join(every)}.\n"
    assert ari("migrate").out == "The database is up to date.\n"


def test_a_mistyped_directory_does_not_become_an_instance(ari: Ari) -> None:
    """Only serve, migrate and restore make one."""
    missing = ari.data_dir.parent / "mistyped"
    for words in (["keys", "list"], ["keys", "create", "x"], ["usage"], ["events"], ["account", "show"]):
        assert "No ARI data in" in ari.refuse(*words, "--data-dir", str(missing))
    assert not missing.exists()


def test_an_older_database_says_what_to_run(ari: Ari) -> None:
    """A command never migrates on its own."""
    instance = ari.instance()
    with instance.database.main.begin() as connection:
        connection.exec_driver_sql("UPDATE ari_main_version SET version_num = '0001'")
    instance.close()
    assert "ari migrate" in ari.refuse("keys", "list")
