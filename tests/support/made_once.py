"""Compiled pages and FastAPI's description of the routes, shared by all apps of a process and by the servers it forks.

Each app makes them when it first shows a page, which takes half a second of processor time.
"""

import atexit
import os
import pickle
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import FileSystemBytecodeCache

from ari.api import openapi
from ari.web.render import environment
from tests.support import shared_statements


def keep_in(folder: Path) -> None:
    """From now on, what this process or one of its children makes is read by the others."""
    shared_statements.share()
    environment().bytecode_cache = FileSystemBytecodeCache(str(folder))
    openapi.get_openapi = _Descriptions(folder, openapi.get_openapi)  # type: ignore[assignment,attr-defined]  # of this process


@cache
def keep_here() -> None:
    """The same for the apps in a process that tests; what is kept goes when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="ari-made-"))
    atexit.register(shutil.rmtree, folder)
    keep_in(folder)


class _Descriptions:
    """``get_openapi``: only the address of the server differs between apps with the same routes."""

    def __init__(self, folder: Path, describe: Any) -> None:
        self._folder = folder
        self._describe = describe

    def __call__(self, *, routes: Sequence[Any], servers: Any, **words: Any) -> dict[str, Any]:
        described = [f"{one.methods} {one.path}" for one in routes if getattr(one, "include_in_schema", False)]
        name = sha256("\n".join(described).encode()).hexdigest()
        path = self._folder / f"{name}.description"
        if not path.exists():
            made = path.with_suffix(f".{os.getpid()}")
            made.write_bytes(pickle.dumps(self._describe(routes=routes, servers=servers, **words)))
            made.replace(path)
        found: dict[str, Any] = pickle.loads(path.read_bytes())
        found["servers"] = servers
        return found
