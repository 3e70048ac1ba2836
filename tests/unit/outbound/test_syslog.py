"""Syslog messages of the audit log: RFC 5424 over TLS that verifies the collector, each failure one sentence."""

import itertools
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ari.base.audit_lines import parse_line
from ari.outbound import syslog
from ari.outbound.syslog import SyslogConnection, SyslogFailed
from tests.support.audit_copies import make_chain, make_head, make_key
from tests.support.certificates import self_signed
from tests.support.processes import eventually
from tests.support.syslog_collector import Collector, collecting

CHAIN = make_chain(3)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "collector.pem")


@pytest.fixture
def collector(certificate: Path) -> Iterator[Collector]:
    with collecting(certificate) as found:
        yield found


def connect(collector: Collector, ca_file: Path | None, client_file: Path | None = None) -> SyslogConnection:
    return SyslogConnection(f"tls://localhost:{collector.port}", ca_file, client_file)


def refuse(url: str, ca_file: Path | None = None, client_file: Path | None = None) -> str:
    with pytest.raises(SyslogFailed) as error:
        SyslogConnection(url, ca_file, client_file)
    return str(error.value)


def test_a_message_has_the_ids_and_the_whole_line(collector: Collector, certificate: Path, tmp_path: Path) -> None:
    """The header is RFC 5424's, in ASCII, and what is hashed is in the message."""
    connection = connect(collector, certificate)
    hostile = replace(CHAIN[0].event, actor='cli:a"] \\\n\x1b {x}', subject=None)
    mark = parse_line(make_head(make_key(tmp_path), CHAIN))
    connection.send([*CHAIN[1:], replace(CHAIN[0], event=hostile)], mark.mark, 1_800_000_000_000)  # type: ignore[union-attr]  # a head
    messages = collector.wait_for(4)
    header = re.compile(
        rb"<110>1 2027-01-15T08:00:00\.00\dZ [!-~]+ ari - key_created "
        rb'\[ari@32473 id="evt_\w+" actor="[^"]*" subject="key_1"\] (\{.*\})'
    )
    for message, one in zip(messages[:2], CHAIN[1:], strict=True):
        found = header.fullmatch(message)
        assert found, message
        assert parse_line(found[1]) == one == parse_line(message)
    assert rb' actor="cli:a\"\]?\\????x?"] {' in messages[2]
    assert parse_line(messages[2]).event == hostile  # type: ignore[union-attr]  # an event
    assert b" audit_head - {" in messages[3]
    assert b"\n" not in b"".join(messages)
    eventually(lambda: connection.find_delivered() == hostile.id)
    connection.close()


def test_a_collector_that_hung_up_is_noticed(collector: Collector, certificate: Path) -> None:
    """Before its messages count as delivered."""
    connection = connect(collector, certificate)
    connection.send(CHAIN[:1], None, 0)
    collector.wait_for(1)
    collector.hang_up()

    def has_noticed() -> bool:
        try:
            connection.find_delivered()
        except SyslogFailed as error:
            return "closed the connection" in str(error) or "Can't reach" in str(error)
        return False

    assert eventually(has_noticed)
    connection.close()


class StuckSocket(socket.socket):
    """Can send at each third attempt only."""

    attempts = 0

    def send(self, data: Any, flags: int = 0, /) -> int:
        self.attempts += 1
        if self.attempts % 3:
            raise TimeoutError("timed out")
        return super().send(data, flags)


@pytest.mark.parametrize("moves", [True, False])
def test_sending_waits_while_bytes_move(moves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow collector gets all of a page, however long it takes; one that takes nothing fails it."""
    with collecting() as collector:
        place, steps, unconfirmed = ("127.0.0.1", collector.port), list[int](), itertools.count(1_000_000, -1)
        stuck = StuckSocket()
        stuck.connect(place)
        monkeypatch.setattr(socket, "create_connection", lambda *_: stuck)
        connection = SyslogConnection(f"tcp://127.0.0.1:{collector.port}", None, None)
        monkeypatch.setattr(
            syslog, "ioctl", lambda *_: (next(unconfirmed) if moves else 1_000_000).to_bytes(4, sys.byteorder)
        )
        try:
            if moves:
                connection.send(CHAIN, None, 0, lambda: steps.append(1))
                assert len(collector.wait_for(3)) == len(steps) == 3
            else:
                with pytest.raises(SyslogFailed, match="timed out"):
                    connection.send(CHAIN, None, 0)
        finally:
            connection.close()


def test_events_are_delivered_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those whose last byte is confirmed, even if there is always more to confirm."""
    with collecting() as collector:
        connection = SyslogConnection(f"tcp://127.0.0.1:{collector.port}", None, None)
        connection.send(CHAIN, None, 0)
        last = len(collector.wait_for(3)[2])
        last += len(f"{last} ")
        for unconfirmed, number in ((last * 9, None), (last + 1, 0), (last, 1), (1, 1), (0, 2)):
            monkeypatch.setattr(syslog, "ioctl", lambda *_, count=unconfirmed: count.to_bytes(4, sys.byteorder))
            assert connection.find_delivered() == (None if number is None else CHAIN[number].event.id)
        connection.close()


def test_only_a_trusted_collector_gets_anything(collector: Collector, certificate: Path, tmp_path: Path) -> None:
    """The certificate is verified, with its name; without TLS nothing is sent."""
    place = f"localhost:{collector.port}"
    assert refuse(f"tls://{place}") == f"The certificate of {place} isn't trusted: self-signed certificate."
    other = self_signed(tmp_path / "other.pem")
    assert "isn't trusted" in refuse(f"tls://{place}", other)
    assert "isn't trusted: IP address mismatch" in refuse(f"tls://127.0.0.1:{collector.port}", certificate)
    with collecting() as plain:
        assert refuse(f"tls://localhost:{plain.port}", certificate)
    assert collector.messages == []


def test_a_client_certificate_is_shown(certificate: Path) -> None:
    """For collectors that want one."""
    with collecting(certificate, wants_client=True) as collector:
        connection = connect(collector, certificate, certificate)
        connection.send(CHAIN[:1], None, 0)
        assert len(collector.wait_for(1)) == 1
        connection.close()


def test_a_certificate_that_is_refused_late_is_noticed(certificate: Path, collector: Collector) -> None:
    """TLS 1.3 ends the handshake before the collector has looked at the client's certificate."""
    with collecting(certificate, wants_client=True) as strict:
        without = connect(strict, certificate)
        with pytest.raises(SyslogFailed):
            without.require_accepted(20)
        without.close()
    with_one = connect(collector, certificate)
    with_one.require_accepted(0.05)
    with_one.close()


def test_files_that_are_wrong_are_named(tmp_path: Path, collector: Collector, certificate: Path) -> None:
    """One sentence each."""
    url = f"tls://localhost:{collector.port}"
    (tmp_path / "notes").write_text("hello")
    missing = refuse(url, tmp_path / "none")
    assert missing == "ARI_AUDIT_SYSLOG_CA_FILE can't be used: No such file or directory."
    assert "no certificates in PEM format" in refuse(url, tmp_path / "notes")
    assert "ARI_AUDIT_SYSLOG_CLIENT_FILE" in refuse(url, certificate, tmp_path / "notes")


def test_a_collector_that_cannot_be_reached_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(syslog, "STEP_SECONDS", 0.05)
        assert refuse(f"tls://127.0.0.1:{port}").startswith(f"Can't reach 127.0.0.1:{port}: ")
    assert refuse(f"tcp://127.0.0.1:{port}") == f"Can't reach 127.0.0.1:{port}: connection refused."
    assert refuse("tls://collector.invalid") == "The host name of collector.invalid:6514 can't be resolved."
    assert "that ARI doesn't connect to" in refuse("tls://169.254.169.254")
