"""security.md 40: however many strangers ask for links, few are handled and few events written; the owner gets one."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from ari.accounts import password as passwords
from ari.accounts import setup
from ari.base.events import BOUNDED_EVENTS
from ari.deps import Deps
from ari.http.stranger_queue import MAX_AT_ONCE, MAX_WAITING
from ari.instance import Instance
from ari.server import build_app
from tests.support.instances import opened
from tests.support.owner import EMAIL, PASSWORD, csrf_of

MAILS = {"resend_api_key": "re_0123456789abcdef0123", "public_url": "http://127.0.0.1:8000"}
CROWD = 60


def test_a_crowd_of_strangers_keeps_nobody_from_a_link(data_dir: Path) -> None:
    """They share a few places; a browser that signed in before and one from elsewhere get theirs."""
    with opened(data_dir, None, **MAILS) as instance:
        Deps(instance).do_sync(setup.bootstrap_owner, EMAIL, passwords.hash_password(PASSWORD))
        crowd, owners = asyncio.run(_flood(instance))
        assert owners == [200, 200]
        assert crowd[200] <= MAX_AT_ONCE + MAX_WAITING
        assert crowd[503] >= CROWD - MAX_AT_ONCE - MAX_WAITING
        events = Deps(instance).read_sync(lambda unit: unit.events.page(None, None, 200))
        asked = Counter(event.subject for event in events if event.name == "password_reset_requested")
        assert asked[None] <= BOUNDED_EVENTS
        assert len(asked) == 2
        assert sum(asked.values()) == asked[None] + 2


async def _flood(instance: Instance) -> tuple[Counter[int], list[int]]:
    app = build_app(instance)
    await app.start()
    try:
        mine, new = _browser(app, instance, "203.0.113.7"), _browser(app, instance, "198.51.100.9")
        csrf = csrf_of((await mine.get("/sign-in")).text)
        signed_in = await mine.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "csrf": csrf})
        assert signed_in.status_code == 303
        strangers = [_browser(app, instance, f"2001:db8:{number:x}::1") for number in range(CROWD)]
        asking = [asyncio.create_task(_ask(one, f"{n}@example.org")) for n, one in enumerate(strangers)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        owners = await asyncio.gather(_ask(mine, EMAIL), _ask(new, EMAIL))
        return Counter(await asyncio.gather(*asking)), list(owners)
    finally:
        await app.stop()


def _browser(app: Any, instance: Instance, address: str) -> httpx2.AsyncClient:
    url = instance.settings.base_url
    transport = httpx2.ASGITransport(app=app, client=(address, 4_000))
    headers = {"Origin": url, "Sec-Fetch-Site": "same-origin"}
    return httpx2.AsyncClient(transport=transport, base_url=url, headers=headers)


async def _ask(browser: httpx2.AsyncClient, email: str) -> int:
    csrf = csrf_of((await browser.get("/forgot-password")).text)
    return (await browser.post("/forgot-password", data={"email": email, "csrf": csrf})).status_code
