"""Fuzz the routing of a real server with spellings of its paths: ``python -m tests.fuzz.route_fuzz --seconds N``.

No spelling may succeed where the exact path fails for the same caller. Paths come from the routes of the app; targets
are sent as bytes, also in absolute form and with headers that other servers take for the method or the path.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import raw
from tests.support.owner import Owner, start_owner
from tests.support.routes import routes_of_app
from tests.support.server import ServerProcess
from tests.support.spellings import spellings

_OVERRIDES = [
    (b"x-http-method-override: GET",),
    (b"x-http-method: GET", b"x-method-override: GET"),
    (b"x-original-url: /api/health", b"x-rewrite-url: /sign-in"),
    (b"x-forwarded-prefix: /x", b"x-forwarded-path: /api/health"),
]


@dataclass
class RouteFindings:
    """How often each status came back; ``wrong`` are spellings that succeeded where the exact path does not."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[str, str, bytes, int]] = field(default_factory=list)


def run(owner: Owner, seed: int, *, cases: int | None, seconds: float) -> RouteFindings:
    """Send spellings until there were so many or the time is over; stop at the first wrong one."""
    chance, findings = random.Random(seed), RouteFindings()
    port = owner.server.port
    _, narrow = owner.create_key("narrow", scopes=["api:read"])
    callers = {"nobody": (), "narrow key": (b"x-api-key: " + narrow.encode(),)}
    exact: dict[tuple[str, str, str], bool] = {}
    ends = time.monotonic() + seconds
    for sent, (path, method, target) in enumerate(_cases(chance)):
        if findings.wrong or time.monotonic() > ends or sent == cases:
            break
        who = chance.choice(sorted(callers))
        known = (who, path, method)
        if known not in exact:
            first = raw.request(port, method.encode(), path.encode(), *callers[who])
            exact[known] = _succeeds(method, first)
        written = target
        if chance.random() < 0.1:  # the absolute form
            host = chance.choice([b"127.0.0.1:%d" % port, b"other.example"])
            written = b"http://" + host + target
        more = chance.choice(_OVERRIDES) if chance.random() < 0.1 else ()
        response = raw.request(port, method.encode(), written, *callers[who], *more)
        findings.statuses[response.status] += 1
        if response.status >= 500 or (_succeeds(method, response) and not exact[known]):
            findings.wrong.append((who, method, written, response.status))
    return findings


def _cases(chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """All routes as they are, so that some succeed, then endless spellings of them."""
    paths = [(path, methods) for path, methods, _ in routes_of_app()]
    yield from ((path, methods[0], path.encode()) for path, methods in paths)
    while True:
        path, methods = chance.choice(paths)
        for target in chance.sample(list(spellings(path, chance)), 20):
            if not set(target) & set(b" \r\n\x00"):
                yield path, chance.choice(methods), target


def _succeeds(method: str, response: raw.RawAnswer) -> bool:
    """Whether the endpoint did what it is for: a page of errors or the way to the sign-in is not that."""
    leads = response.headers.get("location", response.headers.get("hx-redirect", [""]))[0]
    if 300 <= response.status < 400:
        return not leads.startswith("/sign-in")
    return 200 <= response.status < 300


def main() -> int:
    """Exit code 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ari-fuzz-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir(mode=0o700)
        server = ServerProcess(data_dir)
        try:
            findings = run(start_owner(server), given.seed, cases=None, seconds=given.seconds)
        finally:
            server.kill()
    statuses = dict(findings.statuses.most_common())
    print(f"seed {given.seed}: {sum(statuses.values())} spellings, statuses {statuses}")
    for wrong in findings.wrong:
        print("succeeded, and the exact path does not:", *wrong)
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
