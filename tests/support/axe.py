"""axe-core, the accessibility checker: fetched once from the npm lock, then injected into pages."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "build/axe/axe.min.js"


def install(folder: Path) -> None:
    """Put axe.min.js into a folder, from the locked npm package."""
    sys.path.insert(0, str(ROOT))
    from hatch_build import install_packages

    with tempfile.TemporaryDirectory(prefix="ari-axe-") as scratch:
        install_packages(ROOT, Path(scratch), "--include=dev")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(scratch) / "node_modules/axe-core/axe.min.js", folder / "axe.min.js")


def violations(page: Any) -> list[dict[str, Any]]:
    """The violations that axe finds on the page now; empty is good. The page's CSP does not hinder evaluate().

    Left out is what no violation needs: details of what passed, and stylesheets fetched again for experimental rules.
    """
    if page.evaluate("!window.axe"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    options = {"resultTypes": ["violations"], "preload": False}
    found: list[dict[str, Any]] = page.evaluate(
        "async (options) => (await axe.run(document, options)).violations", options
    )
    return found


if __name__ == "__main__":
    install(Path(sys.argv[1]))
