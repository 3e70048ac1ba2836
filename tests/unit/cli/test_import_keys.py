"""``ari keys import``: files of both kinds, problems by line, and nothing imported in a dry run."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Ari


def _line(number: int, **fields: Any) -> dict[str, Any]:
    hashed = sha256(b"secret %d" % number).hexdigest()
    return {"name": f"Customer {number}", "hash": hashed, "scheme": "litellm"} | fields


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three lines with blank ones between them; two are invalid."""
    path = tmp_path / "keys.jsonl"
    lines = [json.dumps(_line(1)), "", json.dumps(_line(2, hash="sk-pasted")), "{broken", ""]
    path.write_text("\n".join(lines))
    return path


def _names(ari: Ari) -> list[str]:
    return [key["name"] for key in ari.json("keys", "list")["items"]]


def test_valid_lines_are_imported_and_the_others_listed(ari: Ari, file: Path) -> None:
    """By the numbers that an editor shows; the status says that something is missing."""
    ran = ari("keys", "import", str(file), check=False)
    assert (ran.code, ran.out) == (1, "1 key imported, 2 lines failed.\n")
    assert ran.err.splitlines() == [
        "Line 3: hash: Must be the SHA-256 of the key as 64 hexadecimal digits.",
        "Line 4: Must be a JSON object.",
    ]
    assert _names(ari) == ["Customer 1"]


def test_a_dry_run_and_all_or_nothing_import_nothing(ari: Ari, file: Path) -> None:
    """If a line is invalid."""
    ran = ari("keys", "import", str(file), "--dry-run", check=False)
    assert (ran.code, ran.out) == (1, "1 key can be imported, 2 lines failed.\n")
    ran = ari("keys", "import", str(file), "--all-or-nothing", check=False)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[-1] == "Nothing was imported."
    assert _names(ari) == []


def test_a_list_is_imported_at_once_or_in_batches(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``jq`` or a database prints it."""
    monkeypatch.setattr("ari.cli.import_keys.BATCH_LINES", 2)
    path = tmp_path / "keys.json"
    path.write_text(json.dumps([_line(number) for number in range(5)], indent=2))
    made = ari.json("keys", "import", str(path))
    assert (made["imported"], made["failed"]) == (5, 0)
    assert [item["line"] for item in made["items"]] == [1, 2, 3, 4, 5]
    assert len(_names(ari)) == 5
    path.write_text(json.dumps([_line(number) for number in range(6)]))
    again = ari("keys", "import", str(path), "--all-or-nothing")
    assert again.out == "1 key imported, 5 already stored, 0 lines failed.\n"
    assert again.err.splitlines()[0] == "Line 1: This key is stored already, or was."
    found = ari.json("keys", "import", str(path), "--dry-run")
    assert (found["imported"], found["already_stored"], found["failed"]) == (0, 6, 0)


def test_files_that_cannot_be_imported(ari: Ari, tmp_path: Path) -> None:
    """Each with a sentence."""
    assert "Can't read" in ari.refuse("keys", "import", str(tmp_path / "missing"))
    for content in (b"", b"[", b"[]", b"\xff\xfe"):
        path = tmp_path / "odd"
        path.write_bytes(content)
        ran = ari("keys", "import", str(path), check=False)
        assert (ran.code, _names(ari)) == (1, []), content
