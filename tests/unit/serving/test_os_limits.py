"""Limits of the operating system that ARI works within (security.md 23)."""

import resource

import pytest

from ari.serving import os_limits


@pytest.mark.parametrize(
    ("soft", "hard", "reachable"),
    [
        (1_024, 4_096, 4_096),
        (1_024, 1_000_000_000, os_limits.MAX_FILES),
        (1_024, resource.RLIM_INFINITY, os_limits.MAX_FILES),
        (100_000, 200_000, 100_000),
    ],
)
def test_the_soft_limit_is_raised_within_reason(
    soft: int, hard: int, reachable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection is a file. Some systems allow a billion, for which a process would reserve memory."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: raised.append(wanted))
    assert os_limits.reachable_files() == reachable
    os_limits.raise_open_files()
    assert raised == [(reachable, hard)]


@pytest.mark.parametrize("soft", [64, 1_024, 65_536])
def test_connections_leave_files_for_the_databases(soft: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that accepts until no file is left can serve nobody."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, soft))
    assert os_limits.max_connections() > 0
    assert os_limits.max_connections() < soft or soft < 512


def test_a_system_that_refuses_does_not_prevent_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the limits may not be ours to change."""

    refused: list[object] = []

    def refuse(limit: object, _: object) -> None:
        refused.append(limit)
        raise OSError

    monkeypatch.setattr(resource, "setrlimit", refuse)
    os_limits.raise_open_files()
    os_limits.no_core_dumps()
    assert refused == [resource.RLIMIT_NOFILE, resource.RLIMIT_CORE]


def test_another_address_takes_a_few_connections_from_the_first() -> None:
    """Together they stay within the files, so idle connections to the metrics can't turn requests into 503."""
    all_of_them = os_limits.max_connections()
    assert os_limits.share_connections(1) == [all_of_them]
    first, other = os_limits.share_connections(2)
    assert (first + other, other) == (all_of_them, os_limits.FEW_CONNECTIONS)
