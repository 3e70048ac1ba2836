"""Every connection goes through the middleware, and only HTTP is served."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ari.http.middleware import Middleware
from ari.http.route_policy import UndeclaredRoute
from tests.support.instances import opened


async def _unreachable(*_: object) -> None:
    raise AssertionError


async def _receive() -> Any:
    return {"type": "websocket.connect"}


def _page(*_: object) -> bytes:
    return b""


def test_other_connections_are_not_served(data_dir: Path) -> None:
    """security.md 1: a WebSocket would pass no check, so it is closed before any app sees it."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    with opened(data_dir, None) as instance:
        middleware = Middleware(_unreachable, instance, [], _page)
        asyncio.run(middleware({"type": "websocket"}, _receive, send))
        assert sent == [{"type": "websocket.close", "code": 1008}]
        with pytest.raises(RuntimeError, match="no smtp connections"):
            asyncio.run(middleware({"type": "smtp"}, _receive, send))


def test_a_route_without_a_policy_prevents_the_start(data_dir: Path) -> None:
    """security.md 1: nobody can forget to say who may call an endpoint."""
    from starlette.routing import Route

    with opened(data_dir, None) as instance, pytest.raises(UndeclaredRoute):
        Middleware(_unreachable, instance, [Route("/x", _unreachable, methods=["GET"])], _page)
