"""What ``ari doctor`` says about copies of the audit log."""

from pathlib import Path

import pytest

from ari.cli.copy_checks import check_copies
from tests.support.audit_copies import make_chain, to_lines
from tests.support.instances import opened

LINE = to_lines(make_chain(1))[0]


@pytest.mark.parametrize(
    ("content", "state"), [(LINE, "ok"), (LINE + bytes(9), "ok"), (LINE + b"notes", "wrong"), (bytes(9), "wrong")]
)
def test_the_end_of_the_file_is_looked_at(content: bytes, state: str, data_dir: Path) -> None:
    """ARI repairs what a crash left there, and stops at anything else."""
    path = data_dir.parent / "audit.jsonl"
    path.write_bytes(content)
    with opened(data_dir, None, audit_file=path) as instance:
        [found] = check_copies(instance.database, instance.settings, instance.now_ms())
    assert (found.check, found.state) == ("audit log to file", state)
    assert ("doesn't end like a copy of the audit log" in found.message) == (state == "wrong")
