"""Copies of the audit log: whatever was removed, changed, moved or added between first and last event is found."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from ari.base import audit_verification
from ari.base.audit import FIRST
from ari.base.audit_verification import AuditCopy, BrokenCopy
from tests.support.audit_copies import make_chain, make_head, make_key, public_of, to_lines
from tests.support.seeds import choose_seed

CHAIN = make_chain(8)


def read(lines: Iterable[bytes], keys: Iterable[bytes] = ()) -> AuditCopy:
    copy = AuditCopy(public_keys=frozenset(keys))
    for number, line in enumerate(lines, 1):
        copy.add(line, f"line {number}")
    copy.finish()
    return copy


def refuse(lines: Iterable[bytes], keys: Iterable[bytes] = ()) -> str:
    with pytest.raises(BrokenCopy) as error:
        read(lines, keys)
    return str(error.value)


def test_a_whole_copy_is_accepted_from_any_event_on() -> None:
    """Blank lines between rotated files don't matter."""
    copy = read([*to_lines(CHAIN), b"\n"])
    assert (copy.count, copy.begins_at_first, copy.earlier, copy.repeats) == (8, True, 0, 0)
    later = read(to_lines(CHAIN[3:]))
    assert (later.count, later.begins_at_first, later.earlier) == (5, False, None)


def test_every_change_is_found() -> None:
    """A removed, swapped or edited line, at any place between the first and the last one."""
    lines = to_lines(CHAIN)
    for at in range(1, len(lines) - 1):
        assert "are missing" in refuse(lines[:at] + lines[at + 1 :])
        assert "line" in refuse([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
    for at, line in enumerate(lines):
        edited = line.replace(b'"usr_1"', b'"usr_2"')
        assert "was changed: its hash is that of other content" in refuse([*lines[:at], edited, *lines[at + 1 :]])
    assert "begins another log" in refuse([*lines, *to_lines(make_chain(2))])
    assert "went back to an older copy" in refuse([*lines, *to_lines(make_chain(2, CHAIN[3].hash))])


def test_identical_repeats_are_fine() -> None:
    """Collectors repeat lines after a crash, and all of them after a restore."""
    lines = to_lines(CHAIN)
    copy = read([*lines[:5], *lines[2:7], *lines, *lines[6:]])
    assert (copy.count, copy.repeats) == (8, 12)


def test_a_repeat_from_the_beginning_must_lead_to_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beyond the events that are remembered; a forged repeat is not one."""
    monkeypatch.setattr(audit_verification, "REMEMBERED", 3)
    lines = to_lines(CHAIN)
    assert read([*lines, *lines]).repeats == 8
    forged = to_lines(make_chain(2, CHAIN[0].hash))
    assert "don't lead to those it had before" in refuse([*lines, lines[0], *forged])
    assert "are missing" in refuse([*lines, *lines[2:4]])


@pytest.mark.parametrize("end", [[7], [0, 7], [0, 1, 2, 3, 4, 5, 6], []])
def test_forged_events_in_a_repeat_are_found(end: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if events that are known follow, or another repeat, which doesn't have them."""
    monkeypatch.setattr(audit_verification, "REMEMBERED", 3)
    lines = to_lines(CHAIN)
    forged = to_lines(make_chain(3, CHAIN[0].hash))
    assert "lead to" in refuse([*lines, lines[0], *forged, *(lines[at] for at in end)])


def test_a_repeat_may_begin_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after several crashes."""
    monkeypatch.setattr(audit_verification, "REMEMBERED", 3)
    lines = to_lines(CHAIN)
    assert read([*lines, *lines[:3], *lines[:2], *lines[:4], *lines]).repeats == 17


def test_heads_in_a_repeat_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the place of their event in the repeat."""
    monkeypatch.setattr(audit_verification, "REMEMBERED", 3)
    key, lines = make_key(tmp_path), to_lines(CHAIN)
    copy = read([*lines, make_head(key, CHAIN), *lines[:2], make_head(key, CHAIN[:2]), *lines[2:]])
    assert (copy.heads, copy.after_head, copy.repeats) == (2, 0, 8)
    later = [*lines[2:], *lines[2:4]]
    assert read([*later, make_head(key, CHAIN[:4]), *lines[4:], make_head(key, CHAIN)]).earlier == 2
    assert "event 5 of the log, which is event 2 here" in refuse([*lines, *lines[:2], make_head(key, CHAIN[:2], 5)])
    assert "which is missing before it" in refuse([*lines, *lines[:2], make_head(key, CHAIN[:3])])


def test_heads_prove_the_end_and_the_beginning(tmp_path: Path) -> None:
    """How many events there were before this copy, and how many after the head are not proven."""
    key = make_key(tmp_path)
    copy = read([*to_lines(CHAIN[2:6]), make_head(key, CHAIN[:6]), *to_lines(CHAIN[6:])], [public_of(key)])
    assert (copy.earlier, copy.after_head, copy.heads) == (2, 2, 1)
    assert copy.head is not None
    assert len(copy.fingerprints) == 1
    assert read([make_head(key, CHAIN[:2]), *to_lines(CHAIN[2:])]).head is None


def test_a_head_that_does_not_match_is_found(tmp_path: Path) -> None:
    """One of another key, instance, position or event; a truncated end, a replaced log, a wrong signature."""
    key, other = make_key(tmp_path / "a"), make_key(tmp_path / "b")
    lines, head = to_lines(CHAIN), make_head(key, CHAIN)
    assert "isn't a key you gave" in refuse([*lines, make_head(other, CHAIN)], [public_of(key)])
    assert "which is missing before it" in refuse([*lines[:-1], head])
    assert "is of event 9 of the log, which is event 8 here" in refuse([*lines, make_head(key, CHAIN, 9)])
    assert "is of event 4 of the log, which is event 5 here" in refuse([*lines[3:], make_head(key, CHAIN, 4)])
    earlier = make_head(key, CHAIN[:6], 9)
    assert "count the events between them differently" in refuse([*lines[2:6], earlier, *lines[6:], head])
    signed = head.replace(b"position", b"Position")
    assert "signed head" in refuse([*lines, signed])
    assert "signature of the head is wrong" in refuse([*lines, head.replace(b'\\"unsigned\\":0', b'\\"unsigned\\":1')])


def test_random_damage_is_found(tmp_path: Path) -> None:
    """Any mix of removals, swaps and edits that isn't a repeat, a later beginning or an earlier end."""
    chance = random.Random(choose_seed())
    lines = to_lines(CHAIN)
    for _ in range(300):
        picked = _damage(lines, chance)
        firsts = list(dict.fromkeys(picked))
        start = lines.index(firsts[0]) if firsts and firsts[0] in lines else 0
        is_whole = firsts == lines[start : start + len(firsts)]
        copy = AuditCopy()
        try:
            for line in picked:
                copy.add(line, "a line")
            copy.finish()
        except BrokenCopy:
            assert not is_whole
        else:
            assert is_whole, picked


def _damage(lines: list[bytes], chance: random.Random) -> list[bytes]:
    found = list(lines)
    for _ in range(chance.randint(0, 3)):
        at, other = chance.randrange(len(found)), chance.randrange(len(found))
        kind = chance.choice(("remove", "swap", "repeat", "edit"))
        if kind == "remove" and len(found) > 1:
            del found[at]
        elif kind == "swap":
            found[at], found[other] = found[other], found[at]
        elif kind == "repeat":
            found.insert(max(at, other), found[min(at, other)])
        elif kind == "edit":
            found[at] = found[at].replace(b"key_created", b"key_changed")
    return found


def test_an_empty_copy_begins_nowhere() -> None:
    """Nothing is proven by nothing."""
    copy = read([])
    assert (copy.first, copy.last, copy.earlier, copy.after_head) == (None, None, None, 0)
    assert len(FIRST) == 64
