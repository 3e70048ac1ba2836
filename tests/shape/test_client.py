"""The client covers the API, whole and exactly, and brings nothing of the server."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ari import server
from ari.base.settings import load_settings
from ari.client import AriClient, AsyncAriClient
from ari.instance import Instance

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))

import client_operations

ALLOWED = {"httpx2", "httpcore2", "msgspec", "anyio", "h11", "idna", "truststore", "typing_extensions", "backports"}
"""The packages that importing the client may load: the extra, what it needs, and zstd where it is there."""
OWN = {"close", "with_options"}


@pytest.fixture(scope="module")
def operation_ids() -> set[str]:
    """Every operation of the document."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance.open(load_settings(data_dir=Path(folder) / "data"), migrate=True)
        try:
            app: Any = server.build_app(instance).app
            paths = app.state.description.make()["paths"]
        finally:
            instance.close()
    return {one["operationId"] for operations in paths.values() for one in operations.values()}


def _list_methods(client: Any) -> Iterator[str]:
    """``create`` of ``client.keys`` is ``keys.create``."""
    for name in dir(client):
        if name.startswith("_") or name in OWN:
            continue
        member = getattr(client, name)
        if callable(member):
            yield name
        else:
            yield from (f"{name}.{method}" for method in dir(member) if not method.startswith("_"))


def test_every_operation_is_named_or_left_out_for_a_reason(operation_ids: set[str]) -> None:
    """A new operation needs a method; a removed one leaves no name behind."""
    assert operation_ids == {*client_operations.NAMES, *client_operations.LEFT_OUT}
    assert not {*client_operations.NAMES} & {*client_operations.LEFT_OUT}
    assert all(client_operations.LEFT_OUT.values())


@pytest.mark.parametrize("kind", [AriClient, AsyncAriClient])
def test_every_operation_is_one_method(kind: type[Any]) -> None:
    """Both clients have the methods of the operations and no others."""
    methods = list(_list_methods(kind("https://keys.example.net", key="ari_k_x")))
    assert sorted(methods) == sorted(client_operations.NAMES.values())


@pytest.mark.parametrize("module", ["ari.client", "ari.client.generated.sync_client"])
def test_the_client_loads_its_own_packages_only(module: str) -> None:
    """Nothing of the server, so that importing it is fast and works with the extra alone."""
    script = (
        f"import sys; before = set(sys.modules); import {module}; "
        "print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in ran.stdout.split() if not name.startswith("_")}
    assert loaded - ALLOWED == {"ari"}
    of_ari = "import sys; import ari.client; print(*sorted(n for n in sys.modules if n.startswith('ari.')))"
    ran = subprocess.run([sys.executable, "-c", of_ari], capture_output=True, text=True, check=True)
    assert {name.split(".")[1] for name in ran.stdout.split()} == {"base", "client"}
