"""A standby of PostgreSQL takes over: what was lost is noticed, what hangs is left, what is required is confirmed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from ari import keys
from ari.base.caller import SYSTEM
from ari.base.errors import ConfigurationError, Unavailable
from ari.deps import Deps
from ari.instance import Instance
from ari.keys import NewKey, token
from ari.storage import migrate as migrations
from ari.storage.accept_database import accept, look
from ari.storage.database_url import parse
from ari.storage.engine import Database
from ari.storage.failover.history import NotTrusted, WentBack
from ari.storage.failover.link import Link
from ari.storage.failover.replication import UNCONFIRMED
from ari.storage.postgres_sessions import Sessions
from ari.usage.ports import Batch
from tests.support import postgres as servers
from tests.support.instances import opened, settings_for
from tests.support.missing import skip_missing
from tests.support.processes import eventually
from tests.support.usage import make_row

BOUND_SECONDS = 20.0


@pytest.fixture
def primary() -> Iterator[Any]:
    with servers.own_server() as server:
        if server is None:
            skip_missing(servers.MISSING)
        yield server


@pytest.fixture
def standby(primary: Any) -> Iterator[Any]:
    with servers.standby_of(primary) as server:
        yield server


class Nodes:
    """Instances with data directories of their own on one database, and their lookups."""

    def __init__(self, folder: Path, url: str, stack: ExitStack) -> None:
        self._folder = folder
        self.url = url
        self._stack = stack

    def folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def open(self, name: str, **more: object) -> Instance:
        return self._stack.enter_context(opened(self.folder(name), self.url, **more))


@pytest.fixture
def nodes(tmp_path: Path, primary: Any, standby: Any) -> Iterator[Nodes]:
    ports = [psycopg.conninfo.conninfo_to_dict(one.admin_url)["port"] for one in (primary, standby)]
    primary.execute("CREATE DATABASE ari")
    url = f"postgresql://postgres@/ari?host=127.0.0.1,127.0.0.1&port={ports[0]},{ports[1]}"
    with ExitStack() as stack:
        yield Nodes(tmp_path, f"{url}&target_session_attrs=read-write", stack)


def _create(instance: Instance) -> tuple[str, bytes]:
    made = Deps(instance).do_sync(keys.create, NewKey("n"))
    digest = token.parse(made.secret.encode())
    assert digest is not None
    return made.key.id, digest


def _revoke(instance: Instance, key_id: str) -> None:
    Deps(instance).do_sync(keys.revoke, key_id)


def _get_heartbeat(node: Instance) -> Any:
    return node.database.heartbeat


async def _state(find: Callable[[bytes], Awaitable[Any]], digest: bytes) -> str:
    try:
        key = await find(digest)
    except Unavailable:
        return "unavailable"
    return "unknown" if key is None else "revoked" if key.revoked_at_ms is not None else "active"


async def _wait_for_key(find: Callable[[bytes], Awaitable[Any]], digest: bytes, wanted: str) -> None:
    async with asyncio.timeout(BOUND_SECONDS):
        while (found := await _state(find, digest)) != wanted:
            assert found == "unavailable"
            await asyncio.sleep(0.1)


def test_a_revoke_that_was_lost_is_noticed_by_every_node_that_saw_it(nodes: Nodes, primary: Any, standby: Any) -> None:
    """Confirmed, then lost with the primary: no node says yes until an operator accepts it, and then all go on."""
    one, other = nodes.open("one"), nodes.open("other")
    key_id, digest = _create(one)
    standby.catch_up(primary)
    standby.stop_following()
    _revoke(one, key_id)

    async def run() -> None:
        lookups = [await node.database.open_lookup() for node in (one, other)]
        for lookup in lookups:
            assert await _state(lookup.find, digest) == "revoked"
        await asyncio.to_thread(primary.crash)
        await asyncio.to_thread(standby.promote)
        for node, lookup in zip((one, other), lookups, strict=True):
            await asyncio.to_thread(eventually, lambda node=node: node.database.history.problem is not None)
            assert await _state(lookup.find, digest) == "unavailable"
            problem = node.database.history.problem
            assert problem is not None
            assert [event.name for event in problem.lost] == ["key_revoked"]
            with pytest.raises(Unavailable, match="went back in time"):
                await node.readiness.check()
            with pytest.raises(Unavailable, match="went back in time"):
                await asyncio.to_thread(_create, node)
            with pytest.raises(Unavailable):
                await asyncio.to_thread(node.database.usage.commit, Batch([make_row()]))
        await asyncio.to_thread(_a_restarted_node_knows_it_too, nodes.folder("one"), nodes.url)
        await asyncio.to_thread(_accept, nodes.folder("one"), nodes.url, key_id)
        for lookup in lookups:
            await _wait_for_key(lookup.find, digest, "active")
            await lookup.close()
        names = [event.name for event in Deps(one).read_sync(lambda unit: unit.events.page(None, None, 5))]
        assert names[0] == "database_accepted"

    asyncio.run(run())


def _a_restarted_node_knows_it_too(folder: Path, url: str) -> None:
    database = Database.open(settings_for(folder, url))
    with closing(database), pytest.raises(WentBack, match="went back in time"):
        migrations.check(database)


def _accept(folder: Path, url: str, lost_key: str) -> None:
    with closing(Database.open(settings_for(folder, url), trusting=True)) as database:
        standing = look(database)
        assert not standing.is_trusted
        assert [one.subject for one in standing.lost] == [lost_key]
        accept(database, standing, SYSTEM, 1_800_000_000_000)
        assert look(database).is_trusted


def test_a_frozen_primary_is_left_for_the_one_that_took_over(nodes: Nodes, primary: Any, standby: Any) -> None:
    """Nothing was lost, so every part of a node goes on within a bound; the old primary is refused when it wakes."""
    node = nodes.open("one")
    _, digest = _create(node)

    async def run() -> None:
        lookup = await node.database.open_lookup()
        await _wait_for_key(lookup.find, digest, "active")
        await asyncio.to_thread(node.database.usage.commit, Batch([make_row()]))
        standby.catch_up(primary)
        await asyncio.to_thread(eventually, lambda: _get_heartbeat(node).replication.standbys == 1)
        assert "asynchronous" in _get_heartbeat(node).replication.words
        primary.freeze()
        standby.promote()
        async with asyncio.timeout(BOUND_SECONDS):
            await _wait_for_key(lookup.find, digest, "active")
            await _retry(lambda: _create(node))
            await _retry(lambda: node.database.usage.commit(Batch([make_row()])))
        assert node.database.history.problem is None
        await asyncio.to_thread(primary.thaw)
        with pytest.raises(NotTrusted, match="old primary"):
            await Link(Sessions(parse(primary.url_of("ari"))), node.database.history).aconnect("ari verify", 5)
        assert await _state(lookup.find, digest) == "active"
        await lookup.close()

    asyncio.run(run())


async def _retry(work: Callable[[], object]) -> None:
    while True:
        try:
            await asyncio.to_thread(work)
        except Unavailable:
            await asyncio.sleep(0.1)
        else:
            return


def test_a_standby_is_never_asked(nodes: Nodes, primary: Any, standby: Any, tmp_path: Path) -> None:
    """Its keys lag behind; also where the URL does not ask for a server that writes."""
    _create(nodes.open("one"))
    standby.catch_up(primary)
    with pytest.raises(ConfigurationError, match="ARI needs the primary"):
        Database.open(settings_for(nodes.folder("other"), f"{standby.url_of('ari')}?target_session_attrs=any"))


def test_a_commit_whose_server_dies_may_have_happened(nodes: Nodes, primary: Any, standby: Any) -> None:
    """It waited for its standby, and was in the primary's files: neither yes nor "nothing was changed" is true."""
    node = nodes.open("one")
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    eventually(lambda: primary.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)])
    standby.freeze()
    with ThreadPoolExecutor(1) as threads:
        creating = threads.submit(_create, node)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'ari'"
        eventually(lambda: primary.execute(waiting) == [(1,)])
        primary.crash()
        with pytest.raises(Unavailable, match="may have been saved"):
            creating.result()


def test_required_refuses_what_no_standby_confirms(nodes: Nodes, primary: Any, standby: Any) -> None:
    """Not set up, set up, cut in the middle of a commit, gone: only a confirmed change is reported as done."""
    node = nodes.open("one", database_sync="required", usage_durability="fsync")

    @event.listens_for(node.database.main, "connect")
    def _lower(connection: Any, _entry: object) -> None:
        connection.execute("SET synchronous_commit TO local")
        connection.commit()

    with pytest.raises(Unavailable, match="synchronous_standby_names isn't set"):
        _create(node)
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    eventually(lambda: primary.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)])
    node.database.watch()
    key_id, digest = _create(node)
    standby.freeze()
    try:
        with pytest.raises(Unavailable, match=UNCONFIRMED[:20]):
            _revoke(node, key_id)
        node.database.usage.commit(Batch([make_row()]))
    finally:
        standby.thaw()
    standby.crash()
    eventually(lambda: primary.execute("SELECT count(*) FROM pg_stat_replication") == [(0,)])
    with pytest.raises(Unavailable, match="no synchronous standby is connected"):
        _create(node)

    async def run() -> None:
        lookup = await node.database.open_lookup()
        assert await _state(lookup.find, digest) == "revoked"
        await lookup.close()

    asyncio.run(run())
    eventually(lambda: _get_heartbeat(node).replication.nobody_confirms)
    node.database.usage.commit(Batch([make_row()]))
    primary.execute("ALTER SYSTEM RESET synchronous_standby_names")
