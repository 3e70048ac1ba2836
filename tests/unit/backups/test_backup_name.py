"""Names of scheduled backups."""

from ari.backups.backup_name import BackupName, find_newest_of_each

INSTANCE = "ins_" + "0" * 25 + "A"


def test_a_name_reads_as_it_was_written() -> None:
    """Down to the second, which names have."""
    for name in (BackupName(1_800_000_000_000, INSTANCE), BackupName(1_800_000_001_000, INSTANCE, verified=False)):
        assert BackupName.parse(str(name)) == name
    restored = BackupName(1_800_000_000_000, INSTANCE, verified=False, lineage="res_" + "0" * 26)
    assert BackupName.parse(str(restored)) == restored
    assert str(BackupName(1_800_000_000_999, INSTANCE)) == f"ari-20270115T080000Z-{INSTANCE}.backup"


def test_other_files_have_no_name() -> None:
    """Retention never looks at what an operator put there."""
    good = str(BackupName(1_800_000_000_000, INSTANCE))
    for text in (
        "ari.backup",
        "backup.tar.gz",
        good + ".gpg",
        good + "\n",
        "x" + good,
        good.replace("20270115", "20271315"),
        good.upper(),
        f".{good}.partial",
        good.translate({ord("0") + digit: 0x660 + digit for digit in range(10)}),
    ):
        assert BackupName.parse(text) is None, text


def test_of_the_same_second_a_restored_instance_wrote_later() -> None:
    """A restore on a fast machine takes less than the second that names show."""
    first = BackupName(1_800_000_000_000, INSTANCE)
    trial = BackupName(1_800_000_000_000, INSTANCE, lineage="res_" + "0" * 26)
    assert find_newest_of_each([first, trial]) == find_newest_of_each([trial, first]) == [trial, first]
