"""What ``ari doctor`` says about copies of the audit log."""

from pathlib import Path

import pytest

from ari.base.audit_feed import read_page
from ari.cli.copy_checks import check_copies
from ari.deps import Deps
from tests.support.audit_copies import make_chain, to_lines
from tests.support.audit_log import create
from tests.support.instances import opened

OTHERS = to_lines(make_chain(1))[0]


@pytest.mark.parametrize(("end", "state"), [(b"", "ok"), (bytes(9), "ok"), (b"notes", "wrong")])
def test_the_end_of_the_file_is_looked_at(end: bytes, state: str, data_dir: Path) -> None:
    """ARI repairs what a crash left there, and stops at anything else."""
    path = data_dir.parent / "audit.jsonl"
    with opened(data_dir, None, audit_file=path) as instance:
        create(instance, "first")
        page = Deps(instance).read_sync(read_page, None, 10)
        path.write_bytes(b"".join(page.to_lines()) + end)
        [found] = check_copies(instance.database, instance.settings, instance.now_ms())
    assert (found.check, found.state) == ("audit log to file", state)
    assert ("doesn't end like a copy of the audit log" in found.message) == (state == "wrong")


def test_a_file_of_another_history_is_named(data_dir: Path) -> None:
    """After a restore, before the first start too."""
    path = data_dir.parent / "audit.jsonl"
    path.write_bytes(OTHERS)
    with opened(data_dir, None, audit_file=path) as instance:
        [found] = check_copies(instance.database, instance.settings, instance.now_ms())
    assert found.state == "wrong"
    assert "ends with an event that this audit log doesn't have" in found.message
