"""A request of a WSGI app or of Django is decided before its response begins, or not at all."""

import asyncio

import pytest

from ari.guard import Ari
from ari.guard.held_request import HeldRequest
from ari.guard.testing import fake_keys


def test_a_guard_after_the_response_began_admits_nobody() -> None:
    """Not even a valid key: such as one in the generator of a stream, whose route has no guard."""
    ari = Ari.local("/nowhere")
    with fake_keys(ari) as fake:
        environ = {"REQUEST_METHOD": "GET", "HTTP_X_API_KEY": fake.create("orders:read")}
        for is_async in (False, True):
            held = HeldRequest(ari, environ, "/orders")
            assert (asyncio.run(held.finish_async(200, 5)) if is_async else held.finish(200, 5)) is None
            with pytest.raises(RuntimeError, match="after the response began"):
                held.authorize(ari.require("orders:read"), "/orders")
            held.abandon()
        assert fake.requests == []
    ari.stop()
