"""Proof of budgets: callers spend them at a provider that misbehaves, through kills; then counter and log are compared.

``python -m tests.proof.budgets --requests N --kills N --seed N --only sqlite|postgresql``. On PostgreSQL two servers
share the database.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from sqlalchemy import select

from ari.keys.limits.charge import (
    BUDGET_PREFIX,
    CONSUMER_PREFIX,
    INSTANCE_ID,
    INSTANCE_PREFIX,
    RuleOwner,
)
from ari.keys.limits.rules import Budget, LimitRules
from ari.storage.engine import Database
from ari.storage.tables import usage_ai, usage_rows
from tests.proof.strictness import DATABASES
from tests.support import gateway, instances
from tests.support.owner import Owner, load_trust, start_owner
from tests.support.postgres import MISSING, postgres_server
from tests.support.processes import fold_processes_of, workers_of
from tests.support.providers import stand_in
from tests.support.server import ServerProcess

CALLERS = 8
CHAT = "/api/ai/openai/v1/chat/completions"
ALIASES = {
    "alias": ["openai/gpt-5-mini"],
    "alias-of-two": ["openai/gpt-5", "openai/gpt-5-mini"],
    "alias-falls-back": ["openai/429", "ollama/gpt-5-mini", "openai/gpt-5"],
    "alias-skips": ["openai/refused", "openai/gpt-5-mini"],
    "alias-drips": ["openai/drip"],
}
"""One model, several at different prices, another provider, a model that the keys may not use, one without an end."""
MODELS = (*("gpt-5-mini",) * 3, "429", "500-key", "broken", "fails", "gzip", "drip", *ALIASES)
"""A provider that responds, refuses, breaks off, fails in the middle, reports nothing, and never ends."""
ENDLESS = ("drip", "alias-drips")
SMALL_TOKENS = 20_000
MAX_REQUEST_TOKENS = 1_000
"""More than any request of this proof uses."""
_ANY = LimitRules(-1, budgets=(Budget("any", 1),))
"""Older than every stored rule, so that the counter keeps its own."""


@dataclass
class Load:
    """Callers of all nodes until so many requests were made."""

    nodes: Sequence[ServerProcess]
    secrets: Sequence[str]
    random: random.Random
    wanted: int
    made: int = 0
    statuses: Tally[int] = field(default_factory=Tally)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """One caller, which retries nothing and hangs up on streams that never end."""
        while self.made < self.wanted:
            node, secret, model = (
                self.random.choice(self.nodes),
                self.random.choice(self.secrets),
                self.random.choice(MODELS),
            )
            ask = {"model": model, "stream": self.random.random() < 0.7 or model in ENDLESS, "max_tokens": 1}
            with self.lock:
                self.made += 1
            with (
                contextlib.suppress(httpx2.HTTPError),
                httpx2.Client(
                    base_url=node.url, headers={"x-api-key": secret}, timeout=20, verify=load_trust()
                ) as client,
                client.stream("POST", CHAT, json=ask) as response,
            ):
                with self.lock:
                    self.statuses[response.status_code] += 1
                for number, _ in enumerate(response.iter_raw()):
                    if number > self.random.randrange(4) and (model in ENDLESS or self.random.random() < 0.2):
                        break

    def kill(self, kills: int) -> None:
        """Kill a worker, the fold process or a whole server, at even shares of the load."""
        pause = threading.Event()
        for number in range(kills):
            while self.made < self.wanted * (number + 1) / (kills + 1):
                pause.wait(0.02)
            node = self.random.choice(self.nodes)
            workers = [*workers_of(node), *fold_processes_of(node)]
            if workers and self.random.random() < 0.5:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.random.choice(workers), signal.SIGKILL)
            else:
                node.kill()
                node.start()


def prove(owner: Owner, nodes: Sequence[ServerProcess], requests: int, kills: int, seed: int) -> list[str]:
    """Spend the budgets with so many requests; returns what is wrong with the counters."""
    owners, secrets = make_budgets(owner)
    load = Load(nodes, secrets, random.Random(seed), requests)
    callers = [threading.Thread(target=load.run) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    load.kill(kills)
    for caller in callers:
        caller.join()
    for node in nodes:
        node.kill()
    print(f"  {load.made:,} requests, statuses {dict(load.statuses)}", flush=True)
    settings = instances.settings_for(owner.server.data_dir, owner.server.settings["ARI_DATABASE_URL"])
    database = Database.open(settings)
    try:
        return judge(database, owners)
    finally:
        database.close()


def make_budgets(owner: Owner) -> tuple[list[RuleOwner], list[str]]:
    """Two keys of one consumer, with budgets of their own, of the consumer and of the instance."""
    total = {"name": "all", "amount_usd": "1000.00", "period": "total"}
    small = {"name": "small", "amount_tokens": SMALL_TOKENS, "period": "total"}
    _, admin = owner.create_key(
        "admin", scopes=["consumers:write", "consumers:read", "keys:write", "integrations:write"]
    )
    with owner.api(admin) as client:
        consumer = client.post("/api/consumers", json={"name": "c", "budgets": [total, small]}).json()
        client.put("/api/budgets", json={"instance": [total]}).raise_for_status()
        client.put("/api/model-aliases", json={"aliases": ALIASES}).raise_for_status()
    owners = [
        RuleOwner(consumer["id"], _ANY, CONSUMER_PREFIX),
        RuleOwner(INSTANCE_ID, _ANY, INSTANCE_PREFIX),
    ]
    secrets = []
    for name in ("one", "two"):
        budgets = [total, {"name": "daily", "amount_tokens": 10**9, "period": "rolling", "window": "24h"}]
        fields = {"consumer": consumer["id"], "budgets": budgets, "models": {"deny": ["refused"]}}
        key, secret = owner.create_key(name, scopes=["ai:*"], **fields)
        owners.append(RuleOwner(key["id"], _ANY))
        secrets.append(secret)
    return owners, secrets


def judge(database: Database, owners: Sequence[RuleOwner]) -> list[str]:
    """Compare each counter with the log, and the small budget with its amount."""
    sums, found = read_log(database, {owner.id for owner in owners}), list[str]()
    for owner in owners:
        for state in database.usage.read_budgets([owner]):
            name = state.name.removeprefix(owner.prefix)
            logged = sums[owner.id if not owner.prefix else owner.prefix, name]
            if state.used != logged:
                found.append(f"{owner.id} {state.name}: the counter has {state.used}, the log {logged}")
            if name == "small" and state.used > SMALL_TOKENS + CALLERS * MAX_REQUEST_TOKENS:
                found.append(f"{state.name}: {state.used} tokens of {SMALL_TOKENS} used")
    if not any(sums.values()):
        found.append("nothing was spent")
    return found


def read_log(database: Database, key_ids: set[str]) -> Tally[tuple[str, str]]:
    """By owner and budget: the settled amount of each row, or what the row has reserved."""
    database.usage.fold_all()
    sums = Tally[tuple[str, str]]()
    joined = usage_rows.outerjoin(usage_ai, usage_ai.c.id == usage_rows.c.id)
    columns = usage_rows.c.key_id, usage_rows.c.consumed, usage_ai.c.id, usage_ai.c.is_estimated
    amounts = usage_ai.c.cost_micros, usage_ai.c.input_tokens, usage_ai.c.output_tokens
    query = select(*columns, *amounts).select_from(joined).where(usage_rows.c.consumed.is_not(None))
    with database.log.connect() as connection:
        for key_id, consumed, use_id, is_estimated, micros, read, written in connection.execute(query):
            if key_id not in key_ids:
                continue
            for name, reserved in msgspec.json.decode(consumed).items():
                owner, _, budget = name.rpartition(BUDGET_PREFIX)
                tokens = (read or 0) + (written or 0)
                if is_estimated and written is None:
                    tokens = max(tokens, reserved)
                settled = (micros or 0) if budget == "all" else tokens
                sums[owner or key_id, budget] += reserved if use_id is None else settled
    return sums


@contextlib.contextmanager
def nodes_on(folder: Path, database_url: str | None) -> Iterator[tuple[Owner, list[ServerProcess]]]:
    """Two workers on SQLite, or two servers on one PostgreSQL database, in front of the same provider."""
    names = ("one",) if database_url is None else ("one", "two")
    nodes: list[ServerProcess] = []
    with stand_in(gateway.PROVIDER_KEY) as provider:
        settings: dict[str, Any] = gateway.settings_for(provider) | {"ARI_AI_UNKNOWN_PRICE": "10.00"}
        try:
            for name in names:
                data_dir = folder / name / "data"
                data_dir.mkdir(mode=0o700, parents=True)
                workers = 3 - len(names)
                nodes.append(ServerProcess(data_dir, database_url=database_url, workers=workers, settings=settings))
            owner = start_owner(nodes[0])
            owner.make_keys_over_http()
            for node in nodes[1:]:
                node.start()
            try:
                yield owner, nodes
            finally:
                owner.close()
        finally:
            for node in nodes:
                node.kill()


def prove_on(kind: str, database_url: str | None, requests: int, kills: int, seed: int) -> list[str]:
    """Run the proof on one database. Returns what is wrong."""
    print(f"{kind}: {requests:,} requests, {kills} kills, seed {seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="ari-proof-") as folder,
        nodes_on(Path(folder), database_url) as (owner, nodes),
    ):
        found = prove(owner, nodes, requests, kills, seed)
    for fault in found:
        print(f"  {fault}")
    print(f"{kind}: {len(found)} faults", flush=True)
    return found


def main() -> int:
    """Exit code 0 if every counter equals the log, 1 if not, 2 if a database is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000, help="on each database")
    parser.add_argument("--kills", type=int, default=20, help="on each database")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--only", choices=DATABASES)
    given = parser.parse_args()
    faults = 0
    for kind in [given.only] if given.only else list(DATABASES):
        if kind == "sqlite":
            faults += len(prove_on(kind, None, given.requests, given.kills, given.seed))
            continue
        with postgres_server() as postgres:
            if postgres is None:
                print(MISSING)
                return 2
            url = postgres.create()
            try:
                faults += len(prove_on(kind, url, given.requests, given.kills, given.seed))
            finally:
                postgres.drop(url)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
