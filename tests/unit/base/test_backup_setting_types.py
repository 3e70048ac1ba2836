"""The settings for backups: what is accepted, and the sentence for everything else."""

from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.base.settings import Settings, load_settings


def _load(tmp_path: Path, **given: object) -> Settings:
    return load_settings(data_dir=tmp_path, **given)


@pytest.mark.parametrize("place", ["/srv/backups", "s3://backups", "s3://my-backups/ari/prod"])
def test_places(place: str, tmp_path: Path) -> None:
    """A directory, or a bucket with a prefix."""
    found = _load(tmp_path, backup_to=place)
    assert found.backup_to == place
    assert found.backup_folder == (Path(place) if place.startswith("/") else None)


@pytest.mark.parametrize("place", ["backups", "./x", "~/x", "gs://b", "file:///x", "https://s3.example.net/b"])
def test_other_places_are_refused(place: str, tmp_path: Path) -> None:
    """A relative path would depend on where ARI was started."""
    with pytest.raises(ConfigurationError, match=r"ARI_BACKUP_TO: use the absolute path of a directory, or s3://"):
        _load(tmp_path, backup_to=place)


@pytest.mark.parametrize(
    "place", ["s3://", "s3://UPPER", "s3://b", "s3://b b", "s3://abc//x", "s3://abc/x?y", "s3://u@abc"]
)
def test_buckets_that_cannot_exist_are_refused(place: str, tmp_path: Path) -> None:
    """A typing error stops the start, not the first backup."""
    with pytest.raises(ConfigurationError, match="ARI_BACKUP_TO: use a bucket"):
        _load(tmp_path, backup_to=place)


def test_an_endpoint_is_https_unless_it_is_near(tmp_path: Path) -> None:
    """A backup has password hashes and the usage log: it isn't sent over a network in the clear."""
    for url in (
        "https://s3.example.net",
        "http://127.0.0.1:9000",
        "http://minio:9000",
        "http://10.0.0.7",
        "http://[::1]:9",
    ):
        assert _load(tmp_path, backup_s3_endpoint=url).backup_s3_endpoint == url
    with pytest.raises(ConfigurationError, match="sent unencrypted"):
        _load(tmp_path, backup_s3_endpoint="http://s3.example.net")
    for url in ("s3.example.net", "https://u:p@h.example", "https://h.example/x", "https://h.example?x", "http://h:x"):
        with pytest.raises(ConfigurationError, match="ARI_BACKUP_S3_ENDPOINT: use a URL such as"):
            _load(tmp_path, backup_s3_endpoint=url)


def test_the_access_key_is_a_pair_and_never_shown(tmp_path: Path) -> None:
    """Half a pair is a mistake, and AWS's own variables would silently take its place."""
    with pytest.raises(ConfigurationError, match="must be set together"):
        _load(tmp_path, backup_s3_access_key_id="AKIAEXAMPLE")
    found = _load(tmp_path, backup_s3_access_key_id="AKIAEXAMPLE", backup_s3_secret_access_key="verysecret")
    assert "verysecret" not in repr(found)


def test_others(tmp_path: Path) -> None:
    """One sentence each, with the name of the variable."""
    for name, value in (("backup_work_dir", Path("x")), ("backup_s3_region", "eu central"), ("backup_every", "5s")):
        with pytest.raises(ConfigurationError, match=f"ARI_{name.upper()}: use "):
            _load(tmp_path, **{name: value})
