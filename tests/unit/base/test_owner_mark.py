from pathlib import Path

from ari.base import owner_mark


def test_the_directory_remembers_its_owner(data_dir: Path) -> None:
    """The mark is not there before there was an owner, stays once set, and only this user may read it."""
    assert not owner_mark.is_set(data_dir)
    owner_mark.remember(data_dir)
    owner_mark.remember(data_dir)
    assert owner_mark.is_set(data_dir)
    (mark,) = data_dir.iterdir()
    assert mark.stat().st_mode & 0o077 == 0
