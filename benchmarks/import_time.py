"""CPU time of importing ``ari.client`` and the guards: ``python -m benchmarks.import_time [rounds]``.

Each import runs in new processes, in turns with the others, with bytecode; the least is shown.
"""

import subprocess
import sys
from collections import defaultdict

IMPORTS = {
    "ari.client": "import ari.client",
    "httpx2 alone": "import httpx2",
    "ari.guard.fastapi": "import ari.guard.fastapi",
    "fastapi alone": "import fastapi",
    "ari.guard.starlette": "import ari.guard.starlette",
    "starlette alone": "import starlette.applications",
    "ari.guard.litestar": "import ari.guard.litestar",
    "litestar alone": "from litestar import Litestar",
    "ari.guard.django": "import ari.guard.django",
    "django alone": "import django.http, django.conf, django.urls",
    "ari.guard.flask": "import ari.guard.flask",
    "flask alone": "import flask",
    "ari.server": "import ari.server",
}
MEASURE = "import time; began = time.process_time(); {statement}; print((time.process_time() - began) * 1000)"


def measure(rounds: int) -> dict[str, float]:
    """Milliseconds by name."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds + 1):
        for name, statement in IMPORTS.items():
            command = [sys.executable, "-c", MEASURE.format(statement=statement)]
            done = subprocess.run(command, env={}, capture_output=True, text=True, check=True)
            found[name].append(float(done.stdout))
    return {name: min(times[1:]) for name, times in found.items()}


if __name__ == "__main__":
    for name, milliseconds in measure(int(sys.argv[1]) if len(sys.argv) > 1 else 8).items():
        print(f"{name:<22}{milliseconds:6.0f} ms")
