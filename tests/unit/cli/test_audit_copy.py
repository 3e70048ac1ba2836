"""``ari audit export`` and ``ari audit verify``: a copy that continues where it ends, and proves itself elsewhere."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from ari.base.signing import public_of
from tests.support.audit_copies import make_chain, make_head, make_key, to_lines
from tests.unit.cli.conftest import Ari


def write(path: Path, *lines: bytes) -> str:
    path.write_bytes(b"".join(lines))
    return str(path)


def test_no_copy_is_written_to_a_file_of_ari(ari: Ari, data_dir: Path) -> None:
    """An empty lock file would take it, and would hold up every change."""
    ari.create("first")
    for name in ("ari.lock", "staging.lock", "audit.head", "ari.db"):
        assert "is a file of ARI's own" in ari.refuse("audit", "export", str(data_dir / name))
    assert (data_dir / "ari.lock").read_bytes() == b""


def test_a_copy_continues_where_it_ends(ari: Ari, tmp_path: Path) -> None:
    """Only its beginning is recorded; a run without new events adds nothing, not even a head."""
    file = tmp_path / "copy.jsonl"
    ari.create("first")
    assert ari("audit", "export", str(file)).out == f"Added 2 events to {file}.\n"
    before = file.read_bytes()
    assert ari("audit", "export", str(file)).out == f"Added 0 events to {file}.\n"
    assert file.read_bytes() == before
    ari.create("second")
    with file.open("ab") as torn:
        torn.write(b'{"id": "evt_01')
    assert ari("audit", "export", str(file)).out == f"Added 1 event to {file}.\n"
    key = ari.json("audit", "head")["public_key"]
    found = ari.json("audit", "verify", str(file), "--public-key", key)
    assert (found["events"], found["earlier_events"], found["repeated_lines"], found["unproven"]) == (3, 0, 0, [])
    assert "Leave out --after" in ari.refuse("audit", "export", str(file), "--after", found["first"])


def test_the_standard_output_gets_the_same(ari: Ari, tmp_path: Path) -> None:
    """From an event on, if one is given; an event that is gone is an error."""
    ari.create("first")
    ari.create("second")
    file = tmp_path / "copy.jsonl"
    file.write_bytes(ari.out_bytes("audit", "export"))
    found = ari.json("audit", "verify", str(file))
    assert found["events"] == 3
    later = ari.out_bytes("audit", "export", "--after", found["first"])
    assert file.read_bytes().endswith(later)
    assert later.count(b"\n") == 3
    assert "The audit log has no event with this ID" in ari.refuse("audit", "export", "--after", "evt_" + "0" * 26)


def test_an_export_after_a_restore_says_so(ari: Ari, tmp_path: Path) -> None:
    """New copies name the restore; a copy from before it, or with events that it lacks, is refused with the way on."""
    ari.create("first")
    before, later, backup, new = (tmp_path / name for name in ("before", "later", "backup", "new"))
    ari("audit", "export", str(before))
    ari("backup", str(backup))
    ari("audit", "export", str(later))
    new.mkdir(mode=0o700)
    shutil.copy2(ari.data_dir / "master.key", new)
    ari("restore", str(backup), "--data-dir", str(new))
    refused = ari.refuse("audit", "export", str(before), "--data-dir", str(new))
    history = ari.json("audit", "head", "--data-dir", str(new))["history"]
    assert f"was restored ({history}) after the event" in refused
    assert f"continue this one with the history {history} (--history of ari audit export)" in refused
    for more in ((), ("--history", history)):
        refused = ari.refuse("audit", "export", str(later), *more, "--data-dir", str(new))
        assert f"restored from an earlier backup ({history})" in refused
    for file, more in ((before, ("--history", history)), (tmp_path / "fresh", ())):
        said = ari("audit", "export", str(file), *more, "--data-dir", str(new)).out
        assert "The instance was restored on " in said
        assert ari("audit", "export", str(file), "--data-dir", str(new)).out == f"Added 0 events to {file}.\n"


def test_verifying_needs_no_instance(ari: Ari, tmp_path: Path) -> None:
    """It says in words and as JSON what it found, and what the copy doesn't show."""
    key, chain = make_key(tmp_path / "key"), make_chain(4)
    old = tmp_path / "old.jsonl.gz"
    old.write_bytes(gzip.compress(b"".join(to_lines(chain[1:3]))))
    new = write(tmp_path / "new.jsonl", make_head(key, chain[:3], unsigned=1, accepted=2), *to_lines(chain[3:]))
    shown = ari("audit", "verify", str(old), new, "--json").out
    found = json.loads(shown)
    assert (found["events"], found["earlier_events"]) == (3, 1)
    assert found["unproven"] == [
        "1 earlier event of the log isn't in this copy. If files before it have them, give those first.",
        (
            "No signed head covers the last event. ARI writes one after the newest event of the log, within seconds: "
            "try again, or run ari doctor on the instance."
        ),
        "The signing key may be anyone's: compare it with ari audit head on the instance, or pass its --public-key.",
        "1 event was written without the master key.",
        "Some older events were signed later, as they were found.",
    ]
    words = ari("audit", "verify", str(old), new).out
    assert words.startswith("Consistent, but not proven complete: ")
    assert words.count("Not proven: ") == 5


def test_only_a_signed_end_and_your_key_prove_a_copy_complete(ari: Ari, tmp_path: Path) -> None:
    """With ``--strict`` anything less is an error, after the same output."""
    key, chain = make_key(tmp_path / "key"), make_chain(3)
    public = public_of(key).hex()
    head = make_head(key, chain)
    copies = {
        "complete": (*to_lines(chain), head),
        "no head": to_lines(chain),
        "after the head": (*to_lines(chain[:2]), make_head(key, chain[:2]), *to_lines(chain[2:])),
        "no beginning": (*to_lines(chain[1:]), head),
    }
    for name, lines in copies.items():
        file = write(tmp_path / "copy.jsonl", *lines)
        given = ("--public-key", public) if name != "no head" else ()
        ran = ari("audit", "verify", file, *given)
        assert ran.out.startswith("Proven complete: ") == (name == "complete"), name
        assert ari.json("audit", "verify", file, *given)["proven_complete"] is (name == "complete")
        strict = ari("audit", "verify", file, "--public-key", public, "--strict", check=False)
        assert strict.code == (0 if name == "complete" else 1), name
        assert strict.out in (ran.out, "")
    file = write(tmp_path / "copy.jsonl", *copies["complete"])
    assert ari("audit", "verify", file).out.startswith("Consistent, but")
    assert ari("audit", "verify", file, "--strict", check=False).code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "The copy has no events."),
        (to_lines(make_chain(3))[::2], "line 2: between event"),
        ([b"hello\n"], "line 1 has no JSON object."),
        ([b"\x1f\x8b"], "can't be decompressed"),
    ],
)
def test_a_wrong_copy_is_one_sentence(content: list[bytes], words: str, ari: Ari, tmp_path: Path) -> None:
    """And exit status 1."""
    assert words in ari.refuse("audit", "verify", write(tmp_path / "copy.jsonl", *content))


def test_what_was_asked_wrongly_is_one_sentence(ari: Ari, tmp_path: Path) -> None:
    """A missing file, a folder, a key that is none, a key that no head is signed with."""
    key, chain = make_key(tmp_path / "key"), make_chain(2)
    whole = write(tmp_path / "copy.jsonl", *to_lines(chain))
    assert "Can't read" in ari.refuse("audit", "verify", str(tmp_path / "none"))
    assert "Is a directory" in ari.refuse("audit", "verify", str(tmp_path))
    assert "no signed head" in ari.refuse("audit", "verify", whole, "--public-key", "0" * 64)
    assert ari("audit", "verify", whole, "--public-key", "xyz", check=False).code == 2
    signed = write(tmp_path / "signed.jsonl", *to_lines(chain), make_head(key, chain))
    assert "isn't a key you gave" in ari.refuse("audit", "verify", signed, "--public-key", "0" * 64)
    unsigned = ari.json("audit", "verify", whole)
    assert "Without a signed head" in unsigned["unproven"][0]
