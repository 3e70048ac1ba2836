"""Commands and settings that name one of the instance's own files are refused."""

from pathlib import Path

from ari.base.own_files import is_own_file
from tests.support.command import Cli
from tests.support.server import ServerProcess


def test_no_file_of_the_instance_is_replaced(server: ServerProcess, cli: Cli, tmp_path: Path) -> None:
    """--force would lose the keys, or the master key. Links and other names of such a file count, too."""
    cli("integrations", "set", "openai", stdin="sk-proj-0123456789abcdef", check=True)
    folder = server.data_dir
    own = sorted(folder.iterdir())
    assert {"ari.db", "usage.db", "master.key", "ari.lock", "audit.head"} <= {one.name for one in own}
    assert [one for one in own if not is_own_file(one, folder)] == []
    link, hard = tmp_path / "link", tmp_path / "hard"
    link.symlink_to(folder / "master.key")
    hard.hardlink_to(folder / "ari.db")
    before = (folder / "master.key").read_bytes()
    for path in (folder / "ari.db", link, hard, folder / "new.lock", folder / "backup.work" / "x"):
        refused = cli("backup", str(path), "--force")
        assert (refused.returncode, "is a file of ARI's own" in refused.stderr) == (1, True), path
        refused = cli("doctor", settings={"ARI_AUDIT_FILE": str(path)})
        assert f"ARI_AUDIT_FILE: {path} is a file of ARI's own" in refused.stderr, path
    assert (folder / "master.key").read_bytes() == before
    cli("backup", str(folder / "mine.backup"), check=True)
    cli("keys", "list", check=True)
