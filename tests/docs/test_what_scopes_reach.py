"""Every scope has its row in the table of docs/explain/security.md: what it reaches in one step and in two."""

import re
from pathlib import Path

from ari.base.caller import EVERYTHING
from ari.keys.presets import PRESETS
from ari.keys.scopes import SCOPES

PAGE = Path(__file__).parents[2] / "docs" / "explain" / "security.md"
ROW = re.compile(r"\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|")
BY_PROVIDER = re.compile(r"^(ai|ai-account):.+")


def _rows(page: str) -> dict[str, tuple[str, str]]:
    section = page.partition("\n## What each scope can reach\n")[2].partition("\n## ")[0]
    return {scope: (one.strip(), two.strip()) for scope, one, two in ROW.findall(section)}


def test_every_scope_says_what_it_reaches_in_two_steps() -> None:
    """A new scope is not shipped before somebody worked that out; a row of a scope that is gone misleads."""
    rows = _rows(PAGE.read_text(encoding="utf-8"))
    assert set(rows) == {BY_PROVIDER.sub(r"\1:PROVIDER", scope) for scope in (*SCOPES, *EVERYTHING)}
    for scope, steps in rows.items():
        assert all(len(step) > 20 for step in steps), scope


def test_presets_hold_no_scope_that_changes_anything() -> None:
    """As the page says below its table; Full access is everything."""
    for name, preset in PRESETS.items():
        listed = preset.scopes
        assert listed == EVERYTHING or not [scope for scope in listed if scope.endswith(":write")], name
