"""``ari doctor``: what is configured, what is wrong."""

import json
import os
from pathlib import Path

import pytest

from ari.base.settings import Settings, environment_name
from tests.support.command import Cli
from tests.unit.cli.conftest import Ari


def _checks(ari: Ari, *words: str, code: int = 0) -> dict[str, tuple[str, str]]:

    ran = ari("doctor", "--json", *words, check=False)
    assert ran.code == code, ran
    report = json.loads(ran.out)
    assert report["ok"] == (code == 0)
    return {one["check"]: (one["state"], one["message"]) for one in report["checks"]}


def test_a_healthy_instance(ari: Ari) -> None:
    """Exit code 0; nothing is wrong, a missing owner is a note."""
    checks = _checks(ari, "--audit")
    assert {state for state, _ in checks.values()} <= {"ok", "note"}
    for name in ("data directory", "disk", "open-file limit", "public URL", "migrations", "database", "clock steps"):
        assert name in checks
    assert checks["owner"][0] == "note"
    assert checks["clock"][0] == "note"  # the test clock is reported


def test_every_setting_is_named(ari: Ari) -> None:
    """The list is the settings' own, so none is forgotten."""
    assert set(ari.json("doctor")["settings"]) == {environment_name(field) for field in Settings.model_fields}
    shown = ari("doctor", "--verbose").out
    assert "ARI_PUBLIC_URL" in shown
    assert "✓ ok" in shown


def test_a_setting_for_tests_is_listed_only_where_it_is_set(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody who runs ARI needs to know it."""
    monkeypatch.delenv("ARI_TEST_CLOCK_FILE")
    assert "ARI_TEST_CLOCK_FILE" not in ari("doctor").out


def test_on_postgresql(cli: Cli, postgres_url: str) -> None:
    """The same checks on the other database."""
    cli.environment["ARI_DATABASE_URL"] = postgres_url
    cli("migrate", check=True)
    report = cli.json("doctor", "--audit")
    assert report["ok"]
    assert report["settings"]["ARI_DATABASE_URL"].startswith("postgresql://***@")


def test_an_instance_with_no_setting_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As right after an install: the data directory is the default one, and no variable is set."""
    for name in [name for name in os.environ if name.startswith(("ARI_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    bare = Cli(os.environ, tmp_path)
    bare("migrate", check=True)
    shown = bare("doctor", check=True).stdout
    assert "None is set: all have their default." in shown
    assert "✓ ok" in shown
