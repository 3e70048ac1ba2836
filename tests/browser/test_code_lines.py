"""Code that people copy from pages."""

from typing import Any

from tests.browser.steps import check_nothing_scrolls_sideways
from tests.support.processes import eventually


def test_code_keeps_its_lines_on_a_narrow_screen(home: Any, owner: Any) -> None:
    """It scrolls in its box, also with the keyboard; the page doesn't."""
    home.set_viewport_size({"width": 320, "height": 800})
    home.goto(f"{owner.url}/settings/integrations/openai/use")
    code = home.locator("#openai-python")
    assert code.inner_text().splitlines()[4].startswith("    base_url=")
    assert code.evaluate("(one) => one.scrollWidth > one.clientWidth")
    code.focus()
    home.keyboard.press("ArrowRight")
    eventually(lambda: code.evaluate("(one) => one.scrollLeft > 0"))
    check_nothing_scrolls_sideways(home)
