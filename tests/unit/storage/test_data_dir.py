"""The data directory is made for this user alone, or refused with what to do."""

import os
import stat
from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.base.settings import Settings, load_settings
from ari.storage.data_dir import prepare_data_dir


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) & 0o777 for path in folder.iterdir()}


def test_a_directory_that_kubernetes_opened_to_its_group_is_closed(data_dir: Path) -> None:
    """FsGroup does so at each start of a pod, to the directory and to every file in it."""
    for name in ("ari.db", "master.key"):
        (data_dir / name).touch()
        (data_dir / name).chmod(0o660)
    (data_dir / "elsewhere").symlink_to("/etc/hostname")
    data_dir.chmod(0o2770)
    prepare_data_dir(load_settings(data_dir=data_dir))
    assert stat.S_IMODE(data_dir.stat().st_mode) & 0o777 == 0o700
    assert {stat.S_IMODE((data_dir / name).stat().st_mode) for name in ("ari.db", "master.key")} == {0o600}


@pytest.mark.parametrize("mode", [0o2775, 0o2777, 0o2771, 0o770, 0o777, 0o2750])
def test_what_others_can_enter_is_refused(data_dir: Path, mode: int) -> None:
    """Nothing in it is touched; on a volume a directory of its own helps."""
    (data_dir / "ari.db").touch(mode=0o660)
    before = _modes(data_dir)
    data_dir.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"Run: chmod 700 {data_dir}") as refused:
        prepare_data_dir(load_settings(data_dir=data_dir))
    assert (f"set ARI_DATA_DIR to {data_dir}/ari" in str(refused.value)) is bool(mode & 0o2000)
    assert _modes(data_dir) == before


def test_a_volume_of_another_user_needs_a_directory_of_its_own(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its root belongs to root; one that holds an ARI already is another user's."""
    owner = data_dir.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(ConfigurationError, match=f"belongs to another user .*Set ARI_DATA_DIR to {data_dir}/ari"):
        prepare_data_dir(load_settings(data_dir=data_dir))
    (data_dir / "ari.db").touch()
    with pytest.raises(ConfigurationError, match=r"belongs to another user .*Run ARI as that user"):
        prepare_data_dir(load_settings(data_dir=data_dir))


def test_an_owner_in_no_list_of_users_has_a_number(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run as any number."""
    status = os.stat_result((0o40700, 1, 1, 2, 987_654, 987_654, 0, 0, 0, 0))
    monkeypatch.setattr(Path, "stat", lambda *_, **__: status)
    with pytest.raises(ConfigurationError, match=r"another user .uid 987654."):
        prepare_data_dir(load_settings(data_dir=data_dir))


@pytest.mark.parametrize("place", ["/dev/null", "/dev/null/x", "/proc/1/ari", "/" + "a" * 300, "x\0y"])
def test_places_where_nothing_can_be_made(place: str) -> None:
    """One sentence each."""
    with pytest.raises(ConfigurationError) as refused:
        prepare_data_dir(Settings.model_construct(data_dir=Path(place)))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("mode", [0o2770, 0o770, 0o700])
def test_a_volume_of_the_platform_is_accepted_on_request(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """It belongs to another user and is open to its group; its mode stays, and new files are ARI's alone."""
    owner = data_dir.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    data_dir.chmod(mode)
    prepare_data_dir(load_settings(data_dir=data_dir, data_dir_access="group"))
    (data_dir / "ari.db").touch()
    assert stat.S_IMODE(data_dir.stat().st_mode) == mode
    assert _modes(data_dir) == {0o600}


@pytest.mark.parametrize("mode", [0o2775, 0o771, 0o707])
def test_a_volume_that_everybody_can_enter_is_refused(data_dir: Path, mode: int) -> None:
    """The group is the most that can be accepted."""
    data_dir.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"open to every user. Run: chmod o-rwx {data_dir}"):
        prepare_data_dir(load_settings(data_dir=data_dir, data_dir_access="group"))
