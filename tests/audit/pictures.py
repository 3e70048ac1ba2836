"""The pictures of the docs, taken of an instance after a month of life (``make pictures``); look at them afterwards."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.audit import demo, outside
from tests.browser.steps import HOME, create_in_dialog, sign_in
from tests.proof.mail_year import World, plan_typical_days
from tests.support import chromium
from tests.support.instances import opened
from tests.support.owner import Owner
from tests.support.resend import KEY, stand_in

IMAGES = Path(__file__).parents[2] / "docs/images"
WIDE = {"width": 1280, "height": 1120}
NARROW = {"width": 390, "height": 1400}
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"


def main() -> None:
    """Take them all."""
    path = chromium.executable()
    assert path is not None, chromium.MISSING
    email = _email()  # before the browser, which has an event loop
    with demo.instance() as owner, chromium.chromium(path) as browser:
        sign_in(_page(browser, user_agent=AGENT), owner)
        first = _page(browser)
        sign_in(first, owner)
        kept = first.context.storage_state()
        for theme, size, name in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("light", NARROW, "narrow")):
            page = _page(browser, color_scheme=theme, viewport=size, storage_state=kept)
            page.goto(f"{owner.url}{HOME}")
            _take(page, f"settings-api-{name}")
        page = _page(browser, storage_state=kept)
        _pages(page, owner)
    with outside.instance() as owner, chromium.chromium(path) as browser:
        page = _page(browser)
        sign_in(page, owner)
        page.set_viewport_size({"width": 1280, "height": 720})
        for name in ("integrations", "notifications"):
            page.goto(f"{owner.url}/settings/{name}")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / f"{name}-page.png", full_page=True)
            print(name, flush=True)
        _take_email(browser, email)


def _pages(page: Any, owner: Owner) -> None:
    page.goto(f"{owner.url}{HOME}")
    key = page.get_by_role("link", name="Automation Script", exact=True).get_attribute("href")
    page.goto(f"{owner.url}{key}?range=30d")
    _take(page, "key-page")
    page.goto(f"{owner.url}/settings/usage?range=30d")
    _take(page, "usage-page")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{owner.url}/settings/security")
    _take(page, "security-page")
    page.goto(f"{owner.url}/api-docs")
    page.mouse.move(0, 0)
    _take(page, "api-docs")
    page.goto(f"{owner.url}{HOME}")
    create_in_dialog(page, "Nightly export")
    page.get_by_role("button", name="Copy key").first.click()
    _take(page, "reveal")


def _email() -> str:
    """The HTML of the email about a revoked key that is still being used, from a year of emails."""
    mail = {"resend_api_key": KEY, "mail_from": "ari@example.net", "public_url": "https://ari.example.net"}
    with (
        tempfile.TemporaryDirectory() as folder,
        stand_in() as service,
        opened(Path(folder) / "data", None, resend_url=service.url, **mail) as instance,
        asyncio.Runner() as runner,
    ):
        world = World(instance, service, runner)
        plan_typical_days(world)
        world.live_year()
        return next(str(one.fields["html"]) for one in service.taken if "still being used" in one.fields["subject"])


def _take_email(browser: Any, html: str) -> None:
    for theme in ("light", "dark"):
        page = _page(browser, color_scheme=theme, viewport={"width": 680, "height": 400})
        page.set_content(html)
        page.screenshot(path=IMAGES / f"mail-{theme}.png", full_page=True)
        print(f"mail-{theme}", flush=True)


def _page(browser: Any, **options: Any) -> Any:
    usual = {"locale": "en-GB", "timezone_id": "UTC", "viewport": WIDE, "reduced_motion": "reduce"}
    page = browser.new_context(**{**usual, **options}).new_page()
    page.set_default_timeout(15_000)
    return page


def _take(page: Any, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")
    print(name, flush=True)


if __name__ == "__main__":
    main()
