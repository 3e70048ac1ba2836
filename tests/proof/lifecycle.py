"""The whole life of keys, driven at random through the product and the plain reference at once; they must agree.

The suite runs some examples, ``make fuzz`` more: ``python -m tests.proof.lifecycle --seconds S --seed N``.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ari import jobs, keys
from ari.base.caller import Caller
from ari.base.errors import AriError, Conflict
from ari.base.events import Origin
from ari.deps import Deps
from ari.http.middleware import Middleware
from ari.instance import Instance
from ari.keys import UNSET, KeyChange, NewKey
from ari.keys.model import ApiKey
from ari.server import build_app
from ari.storage.transaction import Transaction
from tests.proof.reference import DAY, HOUR, LIFETIMES, OWNER, YEAR_10000, Reference
from tests.support.commands import clock_of
from tests.support.instances import START_MS, opened
from tests.support.postgres import MISSING, postgres_server

EXAMPLES_AT_ONCE = 50
DOORS = {
    None: "/api/me",
    "api:read": "/api/openapi.json",
    "keys:read": "/api/keys",
    "usage:read": "/api/usage",
}
"""A route for each scope that a key may need."""

_GOOD_SCOPES = st.frozensets(
    st.sampled_from(["api:read", "keys:read", "keys:write", "usage:read", "keys:*", "*"]), min_size=1, max_size=2
)
_BAD_SCOPES = st.sampled_from([frozenset[str](), frozenset(("nope:read",)), frozenset(("*", "api:none"))])
SETS = st.integers(0, 7).flatmap(lambda luck: _GOOD_SCOPES if luck else _BAD_SCOPES)
NAMES = st.sampled_from([*["a", "b", " c ", "naïve ☃", "x" * 100] * 5, "", "x" * 101, "c\nd", "e\u202ef"])
MOMENTS = st.sampled_from([*[1, 1_000, HOUR - 1, HOUR, HOUR + 1, 7 * DAY, 400 * DAY] * 3, 0, -1, YEAR_10000])
WORDS = st.sampled_from([None, None, None, *LIFETIMES])
SPANS = st.sampled_from([1, 1_000, HOUR - 1, HOUR - 1, HOUR, HOUR, 2 * HOUR, 7 * DAY - 1, 7 * DAY, 31 * DAY])
NUMBERS = st.integers(0, 63)
CALLERS = st.sampled_from([0, 0, 1, 1, 2, 3]) | NUMBERS
"""0 is the owner, 1 the administrator's key, 2 and 3 the keys that came of it."""
KEYS = st.sampled_from([0, 1, 1, 2, 2]) | NUMBERS


class Lifecycle(RuleBasedStateMachine):
    """One example: some keys, some callers among them, and time that passes, mostly forward."""

    instance: ClassVar[Instance]
    loop: ClassVar[asyncio.AbstractEventLoop]
    guard: ClassVar[Middleware]

    def __init__(self) -> None:
        super().__init__()
        self.clock = clock_of(self.instance)
        self.clock.step((START_MS - self.clock.now_ms()) / 1000)
        self.reference = Reference(self.clock.now_ms())
        self.ids: list[str] = []
        self.secrets: list[str] = []

    @initialize()
    def first_keys(self) -> None:
        """Three generations are there from the start, so that keys call early and have made others."""
        self.create(OWNER, "admin", None, None, frozenset(("*",)))
        self.create(0, "narrow", "7d", None, frozenset(("keys:*", "api:read")))
        self.create(1, "narrower", "1h", None, frozenset(("keys:read",)))

    def _do(self, caller: int, work: Callable[[Transaction], Any]) -> tuple[str | None, Any]:
        """Run a command as this caller, who claims to be allowed everything, as a stale caller might."""
        actor = "cli:tester" if caller == OWNER else self.ids[caller]
        try:
            return None, Deps(self.instance, Caller(actor, Origin("api"))).do_sync(work)
        except Conflict as error:
            return error.code, None
        except AriError as error:
            return type(error).__name__, None

    def _caller(self, number: int) -> int:
        """The owner or one of the keys."""
        return number % (len(self.ids) + 1) - 1

    def _agree(self, wrong: set[str], refusal: str | None) -> None:
        assert (refusal in wrong) if wrong else refusal is None, f"right would be {wrong or 'success'}, got {refusal}"

    def create(
        self, caller: int, name: str, word: str | None, moment: int | None, scopes: frozenset[str] | None
    ) -> None:
        """Make a key in both worlds."""
        now = self.clock.now_ms()
        at = None if moment is None else moment if moment == YEAR_10000 else now + moment
        wrong, _ = self.reference.create(caller, name, word, at, None if scopes is None else set(scopes))
        new = NewKey(name, word, at, None if scopes is None else tuple(scopes))
        refusal, created = self._do(caller, lambda unit: keys.create(unit, new))
        self._agree(wrong, refusal)
        if created is not None:
            self.ids.append(created.key.id)
            self.secrets.append(created.secret)

    @precondition(lambda self: len(self.ids) < 12)
    @rule(number=CALLERS, name=NAMES, word=WORDS, moment=st.none() | MOMENTS, scopes=st.none() | SETS)
    def a_key_is_made(
        self, number: int, name: str, word: str | None, moment: int | None, scopes: frozenset[str] | None
    ) -> None:
        self.create(self._caller(number), name, word, moment, scopes)

    @rule(
        number=CALLERS,
        which=KEYS,
        fields=st.fixed_dictionaries(
            {}, optional={"name": NAMES, "scopes": SETS, "expires": st.none() | MOMENTS, "disabled": st.booleans()}
        ),
    )
    def a_key_is_changed(self, number: int, which: int, fields: dict[str, Any]) -> None:
        self.change(number, which, fields)

    def change(self, number: int, which: int, fields: dict[str, Any]) -> None:
        """Change a key in both worlds."""
        caller, key, now = self._caller(number), which % len(self.ids), self.clock.now_ms()
        wanted = dict(fields)
        if isinstance(wanted.get("expires"), int) and wanted["expires"] != YEAR_10000:
            wanted["expires"] += now
        change = KeyChange(
            name=wanted.get("name", UNSET),
            scopes=tuple(wanted["scopes"]) if "scopes" in wanted else UNSET,
            expires_at_ms=wanted.get("expires", UNSET),
            disabled=wanted.get("disabled", UNSET),
        )
        wrong = self.reference.change(caller, key, wanted)
        refusal, _ = self._do(caller, lambda unit: keys.change(unit, self.ids[key], change))
        self._agree(wrong, refusal)

    @rule(number=CALLERS, which=KEYS, scopes=SETS)
    def a_key_is_rescoped(self, number: int, which: int, scopes: frozenset[str]) -> None:
        self.change(number, which, {"scopes": scopes})

    @rule(number=CALLERS, which=KEYS, disabled=st.booleans())
    def a_key_is_switched(self, number: int, which: int, disabled: bool) -> None:
        self.change(number, which, {"disabled": disabled})

    @rule(number=CALLERS, which=KEYS, with_made=st.booleans())
    def a_key_is_revoked(self, number: int, which: int, with_made: bool) -> None:
        caller, key = self._caller(number), which % len(self.ids)
        wrong = self.reference.revoke(caller, key, with_made)
        refusal, _ = self._do(caller, lambda unit: keys.revoke(unit, self.ids[key], with_made=with_made))
        self._agree(wrong, refusal)

    @rule(number=CALLERS, which=KEYS)
    def a_key_is_deleted(self, number: int, which: int) -> None:
        caller, key = self._caller(number), which % len(self.ids)
        wrong = self.reference.delete(caller, key)
        refusal, _ = self._do(caller, lambda unit: keys.delete(unit, self.ids[key]))
        self._agree(wrong, refusal)

    @rule(which=KEYS, scope=st.sampled_from(list(DOORS)))
    def one_key_is_verified(self, which: int, scope: str | None) -> None:
        self.verify(which, scope)

    def verify(self, which: int, scope: str | None) -> None:
        """Ask the running product, through its guard."""
        key = which % len(self.ids)
        assert self._verify(self.secrets[key], DOORS[scope]) == self.reference.verdict(key, scope)

    @rule(scope=st.sampled_from(list(DOORS)))
    def all_keys_are_verified(self, scope: str | None) -> None:
        for which in range(len(self.ids)):
            self.verify(which, scope)

    @rule(span=SPANS)
    def time_passes(self, span: int) -> None:
        self.clock.advance(span / 1000)
        self.reference.now += span

    @rule(span=SPANS)
    def the_clock_is_set_back(self, span: int) -> None:
        self.clock.step(-span / 1000)
        self.reference.now -= span

    @rule()
    def the_jobs_run(self) -> None:
        self.loop.run_until_complete(jobs.tick(self.instance, jobs.ClockWatch(self.clock)))
        self.reference.look_for_expired()

    @invariant()
    def all_facts_agree(self) -> None:
        """Every key, deleted ones too, and the events of each."""
        now = self.clock.now_ms()
        assert now == self.reference.now

        def facts(unit: Transaction) -> list[tuple[ApiKey | None, list[str]]]:
            return [
                (unit.keys.tombstone(key_id), [event.name for event in reversed(unit.events.page(key_id, None, 100))])
                for key_id in self.ids
            ]

        for number, (key, events) in enumerate(Deps(self.instance).read_sync(facts)):
            expected = self.reference.keys[number]
            assert key is not None
            assert (key.name, set(key.scopes), key.expires_at_ms, key.disabled) == (
                expected.name,
                expected.scopes,
                expected.expires,
                expected.disabled,
            )
            assert (
                key.revoked_at_ms is not None,
                key.deleted_at_ms is not None,
                key.expired_seen_at_ms is not None,
            ) == (
                expected.revoked,
                expected.deleted,
                expected.stamped,
            )
            assert key.status(now) == self.reference.status(number)
            assert events == expected.events

    def _verify(self, secret: str, path: str) -> str:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"x-api-key", secret.encode())],
            "client": ("192.0.2.1", 1),
            "server": ("127.0.0.1", 80),
        }
        self.loop.run_until_complete(self.guard(scope, receive, send))
        if sent[0]["status"] == 200:
            return "ok"
        return str(json.loads(sent[1]["body"])["code"])


@contextmanager
def machine_on(data_dir: Path, database_url: str | None) -> Iterator[type[Lifecycle]]:
    """The machine on an instance of its own; all examples share it, each with keys of its own."""
    with opened(data_dir, database_url) as instance:
        guard = build_app(instance)
        loop = asyncio.new_event_loop()
        loop.run_until_complete(guard.start())
        yield type("LifecycleOn", (Lifecycle,), {"instance": instance, "loop": loop, "guard": guard})
        loop.run_until_complete(guard.stop())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def check_agreement(machine: type[Lifecycle], examples: int, steps: int = 40) -> None:
    """Fails with the smallest sequence of steps in which product and reference differ."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.target, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


def main() -> int:
    """Exit code 0 if they agreed on every database that is here; a difference ends the run with its steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="in all, over the databases")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        url = server.create() if server else None
        kinds = {"sqlite": None, **({"postgresql": url} if url else {})}
        try:
            for kind, address in kinds.items():
                data_dir = Path(folder) / kind
                data_dir.mkdir(mode=0o700)
                with machine_on(data_dir, address) as machine:
                    lives = _run_for(machine, given.seconds / len(kinds), given.seed)
                print(f"{kind}: {lives} lives of up to 40 steps, product and reference agree", flush=True)
        finally:
            if server and url:
                server.drop(url)
        if not url:
            print(MISSING)
    return 0


def _run_for(machine: type[Lifecycle], seconds: float, first_seed: int) -> int:
    ends, lives = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        check_agreement(seed(first_seed + lives)(machine), EXAMPLES_AT_ONCE)
        lives += EXAMPLES_AT_ONCE
    return lives


if __name__ == "__main__":
    sys.exit(main())
