"""Which instance a command works on."""

from pathlib import Path

import pytest

from ari.base import server_url
from ari.base.errors import ConfigurationError
from ari.cli.instances import find_url, open_deps, read_settings, require_instance
from ari.storage.engine import Database
from ari.storage.migrate import migrate
from tests.support.instances import settings_for
from tests.unit.cli.conftest import Ari


def test_a_mistyped_path_creates_no_new_instance(ari: Ari, tmp_path: Path) -> None:
    """A key made in it would work nowhere."""
    missing = tmp_path / "missing"
    said = ari.refuse("keys", "list", "--data-dir", str(missing))
    assert f"No ARI data in {missing}. If ARI is starting there for the first time, try again in a moment." in said
    assert said.rstrip().endswith("create it: ari migrate")
    assert not missing.exists()


@pytest.mark.parametrize("starts", [True, False])
def test_a_command_waits_for_the_first_start(
    tmp_path: Path, ari: Ari, monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    """A server that was just started is about to make the tables; where none is, the sentence names the command."""
    folder = tmp_path / "new"
    settings = settings_for(folder, None)
    database = Database.open(settings)
    with database.main.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE other (id INTEGER)")
    clock = iter(range(100))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock, 1000)))
    monkeypatch.setattr("time.sleep", lambda _: migrate(database) if starts else None)
    ran = ari("scopes", "list", "--data-dir", str(folder), check=False)
    database.close()
    assert "Waiting up to 10 s for ARI's first start." in ran.err
    assert (ran.code, "Run: ari migrate" in ran.err) == ((0, False) if starts else (1, True))


def test_an_instance_that_others_can_read_is_not_opened(ari: Ari) -> None:
    """security.md 10."""
    ari.data_dir.chmod(0o755)
    with pytest.raises(ConfigurationError, match="chmod 700"):
        require_instance(read_settings(None))
    ari.data_dir.chmod(0o700)
    require_instance(read_settings(None))


def test_the_caller_is_the_user_of_the_machine(ari: Ari) -> None:
    """The audit log says who of those with access to the server did it."""
    with open_deps(None) as deps:
        assert deps.caller.actor.startswith("cli:")
        assert deps.caller.origin.door == "cli"


def test_an_option_wins_over_the_environment(ari: Ari, tmp_path: Path) -> None:
    """``--data-dir`` for one command next to a server that is configured by variables."""
    assert read_settings(None).data_dir == ari.data_dir
    assert read_settings(tmp_path).data_dir == tmp_path


def test_the_url_of_the_running_server_is_named(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever port it was started with; ``ARI_PUBLIC_URL`` wins. Without a server, the URL that one would have."""
    assert find_url(read_settings(None)) == "http://127.0.0.1:3000"
    with server_url.publish(ari.data_dir, "http://127.0.0.1:4321"):
        assert find_url(read_settings(None)) == "http://127.0.0.1:4321"
        monkeypatch.setenv("ARI_PUBLIC_URL", "https://ari.example.net")
        assert find_url(read_settings(None)) == "https://ari.example.net"
