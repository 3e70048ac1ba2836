"""Which databases continue what a node has seen, as a table of cases."""

from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import Unavailable
from ari.storage.failover.facts import NO_TABLES, ServerFacts
from ari.storage.failover.history import History, NotTrusted, WentBack
from ari.storage.failover.record import SeenEvent


def _event(seq: int, mark: str = "") -> SeenEvent:
    return SeenEvent(seq, f"evt_{seq}{mark}", f"hash {seq}{mark}", seq, "key_revoked", f"key_{seq}")


def _facts(history: History, events: list[SeenEvent], **more: Any) -> ServerFacts:
    record = history.current()
    found = {one.seq: one.hash for one in events}
    asked = 0 if record is None else record.head.seq
    oldest = events[0].seq if events else None
    head = events[-1] if events else None
    usual = ServerFacts(False, "system 1", 1, ("his_1",), found.get(asked), oldest, head)
    return usual._replace(**more)


SEEN = [_event(seq) for seq in range(1, 6)]


@pytest.fixture
def history(data_dir: Path) -> History:
    """Of a node that saw five events."""
    made = History(data_dir, "postgresql")
    made.examine(None, _facts(made, SEEN[:1]))
    made.remember(SEEN[1:])
    return made


def _examine(history: History, events: list[SeenEvent], **more: Any) -> None:
    history.examine(history.current(), _facts(history, events, **more))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("events", "more"),
    [
        (SEEN, {}),
        ([*SEEN, _event(40)], {}),  # sequences have gaps
        (SEEN, {"timeline": 2}),  # a failover that lost nothing
        (SEEN, {"system": "system 2", "timeline": 1}),  # moved by dump and restore, or pg_upgrade
        (SEEN, {"system": None, "timeline": None}),  # a server that does not say
        ([_event(8), _event(9)], {}),  # what was seen was removed with its age
        ([_event(1)], {"histories": ("his_1", "his_2")}),  # accepted or restored by an operator
        ([_event(1, "'")], {"histories": ("his_0", "his_1", "his_2", "his_3")}),
    ],
)
def test_what_goes_on(
    history: History, data_dir: Path, events: list[SeenEvent], more: dict[str, object], restarted: bool
) -> None:
    """A false alarm would stop a whole cluster after a failover that lost nothing."""
    if restarted:
        history = History(data_dir, "postgresql")
    _examine(history, events, **more)
    _examine(history, events, **more)
    assert history.problem is None


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    ("events", "more"),
    [
        (SEEN[:4], {}),
        (SEEN[:4], {"timeline": 2}),
        ([*SEEN[:4], _event(5, "'")], {}),  # the same number for another event
        ([*SEEN[:4], _event(40)], {"timeline": 2}),  # changes went on without what was lost
        (SEEN[:4], {"system": "system 2"}),
        (SEEN, {"histories": ("his_2",)}),
        ([], {}),
        ([], {"histories": ("his_2",)}),
    ],
)
def test_what_went_back(
    history: History, data_dir: Path, events: list[SeenEvent], more: dict[str, object], restarted: bool
) -> None:
    """Something that was seen is missing, and stays so however often it is asked."""
    if restarted:
        history = History(data_dir, "postgresql")
    for _ in range(2):
        with pytest.raises(WentBack):
            _examine(history, events, **more)
    record = history.current()
    assert record is not None
    assert record.head == SEEN[-1]


def test_a_database_without_tables_is_another_one(history: History) -> None:
    """It lost everything."""
    with pytest.raises(WentBack):
        history.examine(history.current(), NO_TABLES)


def test_an_empty_database_passes_only_at_the_start(history: History, data_dir: Path) -> None:
    """The owner mark decides there; the record goes once it allowed the start."""
    starting = History(data_dir, "postgresql")
    starting.may_be_empty = True
    _examine(starting, [], histories=("his_2",))
    assert starting.file.load() is not None
    starting.forget_if_empty()
    assert starting.file.load() is None


def test_an_old_primary_is_refused_but_is_no_loss(history: History) -> None:
    """It lost nothing that was seen, and still is not the primary any more."""
    _examine(history, SEEN, timeline=2)
    with pytest.raises(NotTrusted, match="old primary") as refused:
        _examine(history, SEEN, timeline=1)
    assert not isinstance(refused.value, WentBack)
    _examine(history, SEEN, timeline=2)


def test_after_a_loss_the_old_primary_is_refused_too(history: History) -> None:
    """A newer primary exists, whether it is trusted or not."""
    with pytest.raises(WentBack):
        _examine(history, SEEN[:4], timeline=2)
    with pytest.raises(NotTrusted, match="old primary"):
        _examine(history, SEEN, timeline=1)


def test_a_standby_is_refused(history: History) -> None:
    """It lags behind the primary."""
    with pytest.raises(NotTrusted, match="standby"):
        _examine(history, SEEN, in_recovery=True)


def test_what_one_process_saw_counts_for_all(history: History, data_dir: Path) -> None:
    """And none overwrites it before it found it in the database."""
    other = History(data_dir, "postgresql")
    _examine(other, SEEN)
    history.remember([_event(6)])
    other.learn([_event(6, "'"), _event(7, "'")])
    other.persist()
    with pytest.raises(WentBack, match="evt_6,"):
        _examine(other, [*SEEN, _event(6, "'"), _event(7, "'")])
    _examine(other, [*SEEN, _event(6)])


def test_what_only_one_process_saw_is_on_disk_once_it_is_missing(history: History, data_dir: Path) -> None:
    """The command that accepts the loss is another process, and must find it."""
    _examine(history, [*SEEN, _event(6)])
    with pytest.raises(WentBack) as lost:
        _examine(history, SEEN)
    history.report(lost.value, [_event(6)])
    stored = History(data_dir, "postgresql").record()
    assert stored is not None
    assert stored.head == _event(6)


def test_a_reported_problem_closes_the_gate_until_the_database_is_well(history: History) -> None:
    """And opens on its own."""
    with pytest.raises(WentBack) as lost:
        _examine(history, SEEN[:3])
    history.report(lost.value, SEEN[3:])
    with pytest.raises(Unavailable, match="ari database status"):
        history.require_trust()
    _examine(history, SEEN)
    history.require_trust()
