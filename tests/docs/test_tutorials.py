"""The program of the tutorial "protect your API" does what the tutorial says, against a real server."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.ports import free_port

TUTORIAL = Path(__file__).parents[2] / "docs" / "start" / "protect-your-api.md"


@pytest.fixture
def orders(owner: Any, tmp_path: Path) -> Iterator[str]:
    """The URL of the tutorial's service."""
    [program] = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    _, secret = owner.create_key("Orders API", scopes=["keys:verify"])
    port = free_port()
    file = tmp_path / "orders.py"
    file.write_text(program.replace("http://127.0.0.1:3000", owner.url).replace("8000", str(port)), encoding="utf-8")
    service = subprocess.Popen([sys.executable, file], env={**os.environ, "ORDERS_SERVICE_KEY": secret})
    try:
        yield f"http://127.0.0.1:{port}/orders"
    finally:
        service.kill()
        service.wait()


def _get(url: str, key: str) -> httpx2.Response:
    for _ in range(200):
        try:
            return httpx2.get(url, headers={"x-api-key": key})
        except httpx2.ConnectError:  # the service is still starting
            time.sleep(0.05)
    raise AssertionError("the service did not start")


def test_the_service_obeys_every_verdict(owner: Any, orders: str) -> None:
    """A valid key gets in, a revoked or mistyped one doesn't, and without ARI nobody does."""
    key, secret = owner.create_key("Web shop", scopes=["api:read"])
    assert _get(orders, secret).json() == {"orders": [], "for": "Web shop"}
    owner.cli("keys", "revoke", key["id"], "--yes", check=True)
    refused = _get(orders, secret)
    assert (refused.status_code, refused.json()) == (401, {"error": "revoked"})
    assert _get(orders, "").json() == {"error": "malformed"}
    owner.server.stop()
    assert _get(orders, secret).status_code == 503
