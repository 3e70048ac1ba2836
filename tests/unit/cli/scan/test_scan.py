"""``ari scan``: exit statuses for scripts, whose keys were found, and no token in any output."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from ari.keys.token import hint, mint
from tests.unit.cli.conftest import Ari


@pytest.fixture
def offline(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ari:
    """The command line on a machine without an instance."""
    monkeypatch.setenv("ARI_DATA_DIR", str(tmp_path / "nowhere"))
    return ari


def leak(folder: Path, *tokens: str) -> Path:
    """A file with these tokens, one per line."""
    path = folder / "leak.env"
    path.write_text("".join(f"KEY={token}\n" for token in tokens))
    return path


def test_a_clean_path_exits_with_0(offline: Ari, tmp_path: Path) -> None:
    """Nothing is found, and no instance is needed or created."""
    path = leak(tmp_path, "nothing")
    ran = offline("scan", "paths", str(path))
    assert (ran.out, ran.err) == ("PLACE\tPREFIX\n", "Searched 1 file: no keys.\n")
    assert not (tmp_path / "nowhere").exists()


def test_a_found_key_exits_with_1_and_is_not_shown(offline: Ari, tmp_path: Path) -> None:
    """Its place and its prefix are enough to find it."""
    first, second = mint(), mint("acme_live_")
    path = leak(tmp_path, first, second, first)
    ran = offline("scan", "paths", str(path), check=False)
    assert ran.code == 1
    assert ran.out.splitlines()[1:] == [
        f"{path}:1\t{hint(first)}",
        f"{path}:2\t{hint(second)}",
        f"{path}:3\t{hint(first)}",
    ]
    assert ran.err == "Searched 1 file: found 2 keys in 3 places.\n"
    assert first not in ran.out + ran.err


def test_json_has_everything(offline: Ari, tmp_path: Path) -> None:
    """One object per place; ``key`` is null without an instance."""
    token = mint()
    path = leak(tmp_path, token)
    (tmp_path / "link").symlink_to(path)
    ran = offline("scan", "paths", str(tmp_path), "--json", check=False)
    assert ran.code == 1
    assert token not in ran.out
    found = json.loads(ran.out)
    place = {"path": str(path), "line": 1, "commit": None, "object": None, "hint": hint(token), "key": None}
    assert found["items"] == [place]
    assert found["skipped"] == {"symbolic_links": 1}
    assert (found["problems"], found["checked_instance"]) == ([], False)


def test_what_could_not_be_read_exits_with_2(offline: Ari, tmp_path: Path) -> None:
    """A mistyped path or a missing repository isn't clean; a found key comes first."""
    ran = offline("scan", "paths", str(tmp_path / "typo"), check=False)
    assert (ran.code, ran.err.splitlines()[0]) == (2, f"Can't read {tmp_path}/typo: No such file or directory.")
    path = leak(tmp_path, mint())
    assert offline("scan", "paths", str(tmp_path / "typo"), str(path), check=False).code == 1


def test_the_history_is_searched_if_wanted(offline: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git there is one sentence, and the scan isn't clean."""
    path = leak(tmp_path, "nothing")
    monkeypatch.setenv("PATH", "")
    ran = offline("scan", "paths", "--history", str(path), check=False)
    assert ran.code == 2
    assert "git isn't installed" in ran.err
    assert offline("scan", "paths", str(path)).code == 0


def test_an_instance_knows_whose_keys_they_are(ari: Ari, tmp_path: Path) -> None:
    """Name, ID and status; also of a deleted key. A key of another instance is none of this one's."""
    active, token = ari.create("Backup script")
    gone, gone_token = ari.create("Old")
    ari("keys", "revoke", "--yes", gone["id"])
    ari("keys", "delete", "--yes", gone["id"])
    path = leak(tmp_path, token, gone_token, mint())
    ran = ari("scan", "paths", str(path), check=False)
    rows = [line.split("\t")[2:] for line in ran.out.splitlines()[1:]]
    assert rows == [
        ["Backup script", "active", active["id"]],
        ["Old", "deleted", gone["id"]],
        ["not a key of this instance", "", ""],
    ]
    found = json.loads(ari("scan", "paths", str(path), "--json", check=False).out)
    assert found["items"][0]["key"] == {"id": active["id"], "name": "Backup script", "status": "active"}
    assert (found["items"][2]["key"], found["checked_instance"]) == (None, True)
    assert token not in ran.out + ran.err


def test_an_instance_that_cannot_be_opened(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are still found, with a sentence; an instance that was named must open."""
    path = leak(tmp_path, mint())
    wrong = tmp_path / "nowhere"
    ran = ari("scan", "paths", str(path), "--data-dir", str(wrong), check=False)
    assert (ran.code, ran.err.startswith(f"ari: No ARI data in {wrong}. ")) == (1, True)
    monkeypatch.setenv("ARI_PORT", "none")
    ran = ari("scan", "paths", str(path), check=False)
    assert (ran.code, ran.out.count("\n")) == (1, 2)
    assert ran.err.startswith("Whose keys these are is unknown. ARI_PORT")


def test_names_cannot_control_the_terminal(offline: Ari, tmp_path: Path) -> None:
    """Escape sequences and bytes that are no text are shown as such (rule 22)."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[2J\xff")).write_text(mint())
    ran = offline("scan", "paths", str(tmp_path), check=False)
    assert "/\\x1b[2J\\xff:1\t" in ran.out


def test_rules_are_printed(offline: Ari) -> None:
    """For gitleaks by default; further prefixes are options, a wrong one is refused."""
    assert tomllib.loads(offline("scan", "rules").out)["rules"][0]["keywords"] == ["ari_k_"]
    assert "ari_k_|acme_" in offline("scan", "rules", "github", "--prefix", "acme_").out
    assert offline.refuse("scan", "rules", "trufflehog", "--prefix", "Acme_").startswith("A prefix has")
    assert offline("scan", "rules", "other", check=False).code == 2
