"""Lighthouse on the pages of a real instance (``make audit-pages``); writes docs/reference/page-audit.md.

``make audit-pages ARGS=1`` looks once at each page instead of three times.

Lighthouse comes from the npm lock next to this file and asks nothing of the network but of the instance.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from ari.web.words import pluralize
from hatch_build import node_and_npm
from tests.audit import demo
from tests.browser.steps import sign_in
from tests.support import chromium
from tests.support.owner import Owner
from tests.support.ports import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOOL = ROOT / "build/lighthouse"
PAGE = ROOT / "docs/reference/page-audit.md"
CATEGORIES = {"performance": "Performance", "accessibility": "Accessibility", "best-practices": "Best practices"}
TARGET = 95
ROUNDS = 3
TRIES = 3
"""On a busy machine the browser sometimes doesn't respond in time."""
INTRO = """\
<!-- Written by make audit-pages. -->
# Page audit

[Lighthouse](https://github.com/GoogleChrome/lighthouse) {version} with its desktop settings (10 Mbit/s, 40 ms) in
Chromium, on an instance with {keys} keys and a month of requests, on a machine with two cores. All pages but the first
are opened signed in. Figures are medians of {rounds}; the target is {target} in each category. Pages are `noindex`, so
there is no category for search engines.

"""
REFERENCE = """
## The bundled reference

The API docs list every endpoint. The bundled reference, in which they can be tried, is loaded when one is opened. From
the click to the moment when a request can be sent, with nothing in the browser's cache, at 10 Mbit/s and 40 ms:
**{ready} ms**. The longest time in which the page doesn't respond: **{longest} ms**. (The median of {rounds}.)
"""
NETWORK = {"offline": False, "latency": 40, "downloadThroughput": 10 * 1024 * 128, "uploadThroughput": 10 * 1024 * 128}
WATCH = """new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longest = Math.max(window.longest ?? 0, one.duration);
}).observe({ type: "longtask" })"""


def install() -> Path:
    """Lighthouse from the lock, once; its entry for Node."""
    entry = TOOL / "node_modules/lighthouse/cli/index.js"
    mark = TOOL / ".installed"
    lock = (HERE / "package-lock.json").read_text()
    if not mark.exists() or mark.read_text() != lock:
        TOOL.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "frontend/.npmrc", TOOL)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, TOOL)
        _, npm = node_and_npm()
        subprocess.run([*npm, "ci", "--ignore-scripts", "--loglevel=error"], cwd=TOOL, check=True)
        mark.write_text(lock)
    return entry


@contextmanager
def browser(folder: str, port: int) -> Iterator[Any]:
    """A Chromium that Lighthouse can join, with one profile for both."""
    flags = [*chromium.FLAGS, "--no-sandbox", f"--remote-debugging-port={port}"]
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder, executable_path=chromium.executable(), args=flags, headless=True
        )
        try:
            yield context
        finally:
            context.close()


def audit(entry: Path, url: str, port: int) -> dict[str, Any]:
    """The report on one page; what the browser has kept (the session) stays."""
    node, _ = node_and_npm()
    flags = ["--preset=desktop", "--disable-storage-reset", "--no-enable-error-reporting", "--quiet", "--output=json"]
    wanted = f"--only-categories={','.join(CATEGORIES)}"
    command = [node, str(entry), url, f"--port={port}", wanted, *flags]
    for _ in range(TRIES):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            report: dict[str, Any] = json.loads(done.stdout)
            return report
    raise RuntimeError(f"Lighthouse gave up on {url}:\n{done.stderr[-2000:]}")


def findings(report: dict[str, Any]) -> list[str]:
    """What costs points."""
    found = []
    for category in report["categories"].values():
        for reference in category["auditRefs"]:
            one = report["audits"][reference["id"]]
            if reference["weight"] and one["score"] is not None and one["score"] < 0.9:
                found.append(f"{one['id']} {one.get('displayValue', '')}".strip())
    return found


def pages(owner: Owner) -> dict[str, str]:
    """The pages, by the name that the report gives them."""
    key = next(one for one in owner.cli.json("keys", "list")["items"] if one["name"] == "Automation Script")
    return {
        "Sign-in": "/sign-in",
        "Settings > API": "/settings?tab=api",
        "Settings > Integrations": "/settings/integrations",
        "Key page": f"/settings/keys/{key['id']}?range=30d",
        "Settings > Usage": "/settings/usage?range=30d",
        "Settings > Audit": "/settings/audit",
        "Settings > Notifications": "/settings/notifications",
        "Settings > Security": "/settings/security",
        "API docs": "/api-docs",
    }


def open_reference(context: Any, owner: Owner) -> tuple[float, float]:
    """From the click on an endpoint until a request can be sent, and the longest task in between; in milliseconds."""
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    tools.send("Network.emulateNetworkConditions", NETWORK)
    page.goto(f"{owner.url}/api-docs", wait_until="networkidle")
    page.evaluate(WATCH)
    page.evaluate("addEventListener('click', (event) => { window.clicked = event.timeStamp; }, true)")
    page.locator(".call-path[href$='/read_me']").click()
    button = page.get_by_role("button", name="Test Request (get /api/me)")
    button.wait_for()
    ready = page.evaluate("() => new Promise((then) => requestAnimationFrame((now) => then(now - window.clicked)))")
    page.wait_for_load_state("networkidle")
    longest = page.evaluate("window.longest ?? 0")
    page.close()
    return ready, longest


def main() -> int:
    """Audit every page, write the figures; 1 if one misses the target."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    entry, port = install(), free_port()
    rows: list[Any] = []
    missed, version = False, ""
    with (
        demo.instance() as owner,
        tempfile.TemporaryDirectory(prefix="ari-profile-") as folder,
        browser(folder, port) as context,
    ):
        for page, path in pages(owner).items():
            if len(rows) == 1:  # the sign-in page is looked at before
                sign_in(context.pages[0], owner)
                context.pages[0].goto("about:blank")
            reports = [audit(entry, owner.url + path, port) for _ in range(rounds)]
            version = reports[0]["lighthouseVersion"]
            scores = {
                category: round(100 * statistics.median(one["categories"][category]["score"] for one in reports))
                for category in CATEGORIES
            }
            shown = reports[0]["finalDisplayedUrl"]
            assert shown.startswith(owner.url + path.partition("#")[0]), shown
            print(page, scores, findings(reports[0]), flush=True)
            missed |= min(scores.values()) < TARGET
            rows.append(f"| {page} | " + " | ".join(str(score) for score in scores.values()) + " |")
        opened = [open_reference(context, owner) for _ in range(rounds)]
    ready, longest = (round(statistics.median(figures), -1) for figures in zip(*opened, strict=True))
    print(f"the reference after {ready:.0f} ms, longest task {longest:.0f} ms", flush=True)
    head = f"| Page | {' | '.join(CATEGORIES.values())} |\n| --- | --- | --- | --- |\n"
    intro = INTRO.format(version=version, keys=len(demo.KEYS), rounds=pluralize(rounds, "round"), target=TARGET)
    reference = REFERENCE.format(ready=f"{ready:.0f}", longest=f"{longest:.0f}", rounds=pluralize(rounds, "round"))
    PAGE.write_text(intro + head + "\n".join(rows) + "\n" + reference)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
