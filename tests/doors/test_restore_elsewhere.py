"""A lost machine: a scheduled backup and the master key are enough for a new one, as the guide on backups says."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Database
from tests.support.command import Cli
from tests.support.processes import eventually
from tests.support.s3 import serving_bucket
from tests.support.server import ServerProcess


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The settings of a place for backups."""
    if request.param == "directory":
        (tmp_path / "backups").mkdir()
        yield {"ARI_BACKUP_TO": str(tmp_path / "backups")}
        return
    secret = tmp_path / "s3-secret"
    secret.touch(0o600)
    secret.write_text("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n")
    with serving_bucket("my-backups") as url:
        yield {
            "ARI_BACKUP_TO": "s3://my-backups/ari",
            "ARI_BACKUP_S3_ENDPOINT": url,
            "ARI_BACKUP_S3_REGION": "us-east-1",
            "ARI_BACKUP_S3_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "ARI_BACKUP_S3_SECRET_ACCESS_KEY_FILE": str(secret),
            "NO_PROXY": "127.0.0.1",
        }


def test_a_new_machine_has_everything_but_enabled_keys(
    make_owner: Callable[..., Any],
    make_server: Callable[..., ServerProcess],
    database: Database,
    place: dict[str, str],
    tmp_path: Path,
) -> None:
    """Promise 1: keys work again only once they are enabled, since one may have been revoked after the backup."""
    owner = make_owner(database_url=database.url, settings=place)
    key, secret = owner.create_key("caller")
    assert owner.api(secret).get("/api/me").status_code == 200
    assert eventually(lambda: owner.cli("backup", "now").returncode == 0, 60), "ari serve may be writing its first"
    listed = owner.cli.json("backup", "list")["items"]
    assert all(one["verified"] for one in listed)
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    owner.server.kill()

    new = tmp_path / "new"
    new.mkdir(mode=0o700)
    shutil.copy2(owner.server.data_dir / "master.key", new)
    server = make_server(new, settings=place)
    cli = Cli(server.environment, server.folder)
    said = cli("restore", listed[0]["name"], check=True).stdout
    assert "1 key was restored as disabled" in said
    server.start()
    url = f"{server.url}/api/me"
    refused = owner.api(secret).get(url)
    assert (refused.status_code, refused.json()["code"]) == (401, "disabled")
    cli("keys", "enable", key["id"], check=True)
    assert owner.api(secret).get(url).status_code == 200
    assert cli.json("keys", "show", key["id"])["request_count"] == 2
    eventually(lambda: "-res_" in cli.json("backup", "list")["items"][0]["name"], 60)
    assert cli.json("doctor", "--audit")["ok"]
