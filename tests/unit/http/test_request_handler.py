"""A request through all stages, without a server."""

import asyncio
import gc
from pathlib import Path

from ari.http.context import RequestContext
from ari.server import build_app
from tests.support import asgi
from tests.support.instances import opened

HOST = (b"host", b"127.0.0.1:3000")


def test_a_request_leaves_no_reference_cycle(data_dir: Path) -> None:
    """Garbage is collected every 20,000 objects, so a context that waits for it would fill the memory."""

    async def run() -> int:
        with opened(data_dir, None) as instance:
            app = build_app(instance)
            await app.start()
            gc.collect()
            gc.disable()
            try:
                for target in (b"/api/health", b"/api/me", b"/no/such/page", b"/sign-in"):
                    await asgi.call(app, "GET", target, [HOST])
                return sum(type(one) is RequestContext for one in gc.get_objects())
            finally:
                gc.enable()
                await app.stop()

    assert asyncio.run(run()) == 0
