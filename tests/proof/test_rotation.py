"""The master key is replaced while others encrypt and open, and by processes that die half-way."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from ari.base import seal
from ari.base.seal import Context
from ari.cli.master_key import rotate_in
from ari.deps import Deps
from ari.instance import Instance
from tests.support.instances import opened

pytestmark = pytest.mark.slow

EVERY = {"sqlite": 4, "postgresql": 16}
"""At how many of the steps to die; at all of them: ``python -m tests.proof.rotation DATA_DIR 1``."""
ROTATIONS = 12


def test_a_rotation_may_die_at_any_step(data_dir: Path, database: object, database_url: str | None) -> None:
    """Killed before a step: every secret opens, the next rotation ends well, and one key is left, lying nowhere."""
    kind = "postgresql" if database_url else "sqlite"
    arguments = [str(data_dir), str(EVERY[kind]), *filter(None, [database_url])]
    command, root = [sys.executable, "-m", "tests.proof.rotation", *arguments], Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_nobody_notices_a_rotation(data_dir: Path, database_url: str | None) -> None:
    """Two workers encrypt and open without pause while the key is replaced many times: every secret opens."""
    stop, opens = threading.Event(), [0, 0]
    with ExitStack() as stack:
        first, *workers = [stack.enter_context(opened(data_dir, database_url)) for _ in range(3)]
        contexts = [Context("provider_key", f"p{n}", (f"https://{n}.example",)) for n in range(2)]
        for context in contexts:
            _keep(first, context, b"first")

        def work(number: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                if turn % 20 == 0:
                    _keep(workers[number], contexts[number], f"{turn}".encode())
                for context in contexts:
                    assert _open(workers[number], context)
                    opens[number] += 1

        with ThreadPoolExecutor(2) as pool:
            running = [pool.submit(work, number) for number in range(2)]
            try:
                for _ in range(ROTATIONS):
                    rotate_in(Deps(first))
            finally:
                stop.set()
            for one in running:
                one.result()
        assert len(first.master_keys.all()) == 1
        assert all(_open(first, context) for context in contexts)
    assert min(opens) > ROTATIONS


def _keep(instance: Instance, context: Context, secret: bytes) -> None:
    with instance.database.writing() as unit:
        seal.keep(unit.sealed, instance.master_keys, context, secret)


def _open(instance: Instance, context: Context) -> bytes | None:
    return Deps(instance).read_sync(lambda unit: seal.open_secret(unit.sealed, instance.master_keys, context))
