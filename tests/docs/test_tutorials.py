"""The program of the tutorial "protect your API" does what the tutorial says, against a real server."""

import asyncio
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


def _read_programs() -> list[str]:
    """The tutorial's service with the standard library, and with FastAPI."""
    return re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def service_key(owner: Any) -> str:
    """The key of the service; the scope is declared."""
    owner.make_keys_over_http()
    owner.cli("scopes", "add", "orders:read", "List orders.", check=True)
    return str(owner.create_key("Orders API", scopes=["keys:verify"])[1])


@pytest.fixture
def orders(owner: Any, service_key: str, tmp_path: Path) -> Iterator[str]:
    """The URL of the tutorial's service."""
    program, port = _read_programs()[0], free_port()
    file = tmp_path / "orders.py"
    file.write_text(program.replace("http://127.0.0.1:3000", owner.url).replace("8000", str(port)), encoding="utf-8")
    service = subprocess.Popen([sys.executable, file], env={**os.environ, "ORDERS_SERVICE_KEY": service_key})
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


def test_the_service_obeys_every_verdict(
    owner: Any, service_key: str, orders: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A valid key gets in; each refusal has its status; without ARI nobody gets in. With FastAPI, it is the same."""
    monkeypatch.setenv("ORDERS_SERVICE_KEY", service_key)
    module: dict[str, Any] = {}
    program = _read_programs()[1].replace("import httpx\n", "import httpx2 as httpx\n")
    exec(program.replace("http://127.0.0.1:3000", owner.url), module)
    web_shop, secret = owner.create_key("Web shop", scopes=["orders:read"])
    keys = {
        "malformed": "",
        "insufficient_scope": owner.create_key("Newsletter", scopes=["api:read"])[1],
        "rate_limited": owner.create_key("Busy", scopes=["orders:read"], limits=[{"limit": 1, "window": "1h"}])[1],
    }
    assert _get(orders, secret).json() == {"orders": [], "for": "Web shop"}
    assert _get(orders, keys["rate_limited"]).status_code == 200
    for code, status in (("malformed", 401), ("insufficient_scope", 403), ("rate_limited", 429)):
        refused = _get(orders, keys[code])
        assert (refused.status_code, refused.json()) == (status, {"error": code})
        assert ("retry-after" in refused.headers) is (status == 429)

    async def call(*sent: str) -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=module["app"])
        async with httpx2.AsyncClient(transport=transport, base_url="http://orders", follow_redirects=False) as client:
            return [await client.get("/orders", headers={"x-api-key": key}) for key in sent]

    allowed, *others = asyncio.run(call(secret, *keys.values()))
    assert allowed.json() == {"orders": [], "for": "Web shop"}
    assert [(one.status_code, one.json()["detail"]) for one in others] == [
        (401, "malformed"),
        (403, "insufficient_scope"),
        (429, "rate_limited"),
    ]
    assert int(others[2].headers["retry-after"]) > 0
    owner.cli("keys", "revoke", web_shop["id"], "--yes", check=True)
    revoked = _get(orders, secret)
    assert (revoked.status_code, revoked.json()) == (401, {"error": "revoked"})
    owner.server.stop()
    assert _get(orders, secret).status_code == 503
