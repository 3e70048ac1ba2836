"""Costs, budgets, models and pools of keys, as the owner meets them in a browser, at several widths."""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from ari.base.clock import DAY_MS, MINUTE_MS
from ari.keys.limits.charge import Charge, Estimate
from ari.keys.limits.spending import Amounts
from ari.usage.ports import Batch
from tests.browser.steps import check_nothing_scrolls_sideways, enter
from tests.support.past import past_of
from tests.support.usage import make_ai_use, make_row

USAGE, BUDGETS, MODELS = "/settings/usage/ai", "/settings/usage/budgets", "/settings/models"
WIDTHS = (390, 1280, 1920)
OVERLAPS = """plots => plots.flatMap((plot) => {
  const frame = plot.closest(".chart-frame");
  const shown = [...frame.querySelectorAll(".chart-labels text, .chart-scale span")];
  const boxes = shown.map((one) => one.getBoundingClientRect()).filter((box) => box.width);
  const labels = boxes.map((box, n) => boxes.slice(n + 1).filter((other) =>
    box.left < other.right && other.left < box.right
    && box.top + 3 < other.bottom - 3 && other.top + 3 < box.bottom - 3));
  return labels.flat().map((box) => `${box.left} ${box.top}`);
})"""


@pytest.fixture(scope="module")
def spender(owner: Any) -> dict[str, Any]:
    """A key of a consumer, both with budgets, that used AI on each of 30 days."""
    budget = ("--budget", "monthly=25usd/month", "--budget", "burst=5000tokens/1h?")
    owner.cli("consumers", "create", "Research", "--external-id", "research", "--budget", "team=9usd/day", check=True)
    made = owner.cli.json("keys", "create", "Ada", "--scope", "ai:openai", "--consumer", "research", *budget)
    key = made["key"]
    owner.cli("budgets", "set", "--budget", "company=100usd/month", check=True)
    with past_of(owner.server.data_dir, time.time_ns() // 1_000_000) as past:
        with past.database.reading(past.caller) as tx:
            stored = tx.keys.get(key["id"])
        assert stored is not None
        for day in range(30):
            at_ms = past.now_ms - day * DAY_MS
            row = make_row(at_ms, key_id=key["id"], path="/api/ai/openai/v1/chat/completions", method="POST")
            tokens = {"input_tokens": 1_234_567, "output_tokens": 123_456}
            model = f"gpt-5-mini-of-version-{day % 12}"
            use = make_ai_use(row.id, at_ms=at_ms, key_id=key["id"], model=model, cost_micros=12_345_678, **tokens)
            past.database.usage.commit(Batch([row], completions=[use]))
        charge = Charge(stored.spending_owners, estimate=Estimate(Amounts(8_000_000, 900), 10 * MINUTE_MS))
        past.database.usage.commit(Batch([make_row(past.now_ms, key_id=key["id"], charge=charge)]))
    return {"key": key, "page": f"/settings/keys/{key['id']}"}


def test_the_pages_are_clean_at_every_width(
    owner: Any, spender: dict[str, Any], browser: Any, look: Callable[[Any], None]
) -> None:
    """Nothing scrolls sideways, no labels of a chart overlap, and axe finds nothing in either theme."""
    context = browser.new_context(reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    enter(page, owner)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for path in (f"{USAGE}?range=24h", f"{USAGE}?range=30d", f"{USAGE}?range=90d", f"{spender['page']}?range=30d"):
            page.goto(f"{owner.url}{path}")
            expect(page.locator("[data-chart-plot]").first).to_have_attribute("role", "group")
            assert page.locator("[data-chart-plot]").evaluate_all(OVERLAPS) == [], (path, width)
            if width != 1280:
                _look_in_both_themes(page, look)
        page.goto(f"{owner.url}{BUDGETS}")
        _look_in_both_themes(page, look)
    context.close()


def _look_in_both_themes(page: Any, look: Callable[[Any], None]) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        look(page)


def test_costs_come_first_and_as_a_file(owner: Any, spender: dict[str, Any], home: Any, tmp_path: Path) -> None:
    """The chart says its numbers to arrow keys, and the file has those of the tables."""
    home.goto(f"{owner.url}{USAGE}?range=30d")
    expect(home.locator(".stat").first).to_contain_text("Cost")
    plot = home.get_by_role("group", name="Cost of AI requests per day")
    plot.focus()
    home.keyboard.press("End")
    expect(home.locator("[data-chart-tip]").first).to_contain_text("$12.35 cost")
    with home.expect_download() as waiting:
        home.get_by_role("link", name="CSV").click()
    waiting.value.save_as(tmp_path / "costs.csv")
    with (tmp_path / "costs.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["by"] == "model"]
    table = home.get_by_role("table", name="By model").locator("tbody tr")
    shown = [" ".join(line.inner_text().split()) for line in table.all()]
    assert len(rows) == 12
    for line, row in zip(shown, rows, strict=False):
        counts = f"{int(row['requests']):,} {int(row['input_tokens']):,} {int(row['output_tokens']):,}"
        assert line == f"{row['name']} {row['provider']} ${float(row['cost_usd']):,.2f} {counts}"
    bars = home.get_by_role("region", name="Budgets").get_by_role("listitem")
    expect(bars.first).to_contain_text("This instance company")
    expect(bars.filter(has_text="Research")).to_contain_text("$1.00 left")


def test_a_row_of_the_log_keeps_its_numbers_on_one_line(owner: Any, spender: dict[str, Any], home: Any) -> None:
    """Tokens and costs are read at a glance."""
    home.set_viewport_size({"width": 1280, "height": 900})
    home.goto(f"{owner.url}/settings/usage?range=30d&q=chat")
    numbers = home.locator(".requests .sub").filter(has_text="1,234,567 in, 123,456 out").first
    expect(numbers).to_contain_text("$12.35")
    assert numbers.bounding_box()["height"] < 30
    home.goto(f"{owner.url}{spender['page']}?range=30d&q=chat")
    numbers = home.locator(".requests .sub").filter(has_text="1,234,567 in, 123,456 out").first
    expect(numbers).to_contain_text("$12.35")
    assert numbers.bounding_box()["height"] < 30
    home.set_viewport_size({"width": 390, "height": 844})
    parts = home.locator(".requests .sub .nowrap")
    expect(parts.first).to_have_text("1,234,567 in, 123,456 out")
    assert max(part.bounding_box()["height"] for part in parts.all()) < 30
    check_nothing_scrolls_sideways(home)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_tables_of_a_key_have_room_for_their_numbers(
    owner: Any, spender: dict[str, Any], home: Any, width: int
) -> None:
    """Counts of eight digits and names of models are on one line, and no cell overlaps the next."""
    home.set_viewport_size({"width": width, "height": 900})
    home.goto(f"{owner.url}{spender['page']}?range=30d")
    card = home.get_by_role("region", name="AI gateway")
    provider = card.get_by_role("table", name="By provider").get_by_role("row").last
    tokens = provider.get_by_role("cell", name="37,037,010")
    expect(tokens).to_be_visible(visible=width == 1280)
    overlaps = card.locator("th, td").evaluate_all(
        "cells => cells.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
    )
    assert overlaps == []
    tables = card.get_by_role("table").all()
    assert max(one.bounding_box()["x"] + one.bounding_box()["width"] for one in tables) <= width
    names = card.get_by_role("table", name="By model").get_by_role("rowheader").locator("bdi")
    assert max(name.bounding_box()["height"] for name in names.all()) < (30 if width == 1280 else 60)


def test_budgets_of_a_key_are_set_increased_and_reset(owner: Any, spender: dict[str, Any], home: Any) -> None:
    """In the dialog, which explains a mistake and keeps what was entered; then the page shows the change."""
    home.goto(f"{owner.url}{spender['page']}")
    card, dialog = home.get_by_role("region", name="Budgets"), home.get_by_role("dialog")
    expect(card).to_contain_text("$8.00 of $25.00 used per month")
    card.get_by_role("link", name="Change").click()
    dialog.get_by_label("Budgets", exact=True).fill("monthly=25")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(dialog.get_by_text("Budget 1: Use a budget such as 25usd/month")).to_be_visible()
    dialog.get_by_label("Budgets", exact=True).fill("monthly=30usd/month Europe/Berlin\nburst=5000tokens/1h?")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(home.get_by_text("Budgets updated.")).to_be_visible()
    expect(card).to_contain_text("$8.00 of $30.00 used per month")
    card.get_by_role("link", name="Change").click()
    dialog.get_by_label("Amount to add").fill("5")
    dialog.get_by_role("button", name="Increase budget").click()
    expect(card).to_contain_text("$8.00 of $35.00 (+$5.00 once) used per month")
    card.get_by_role("link", name="Change").click()
    dialog.get_by_role("link", name="Reset budgets").click()
    expect(dialog.get_by_role("heading", name="Reset these budgets?")).to_be_visible()
    expect(card).to_contain_text("$8.00 of $35.00 (+$5.00 once) used per month")
    dialog.get_by_role("button", name="Reset budgets").click()
    expect(card).to_contain_text("$0.00 of $35.00 (+$5.00 once) used per month")


def test_budgets_of_a_consumer_the_instance_and_a_provider(owner: Any, spender: dict[str, Any], home: Any) -> None:
    """Each has its dialog, and the list shows what is left."""
    dialog = home.get_by_role("dialog")
    home.goto(f"{owner.url}{BUDGETS}")
    home.get_by_role("link", name="Research").click()
    home.get_by_role("region", name="Budgets").get_by_role("link", name="Change").click()
    dialog.get_by_label("Budgets", exact=True).fill("team=12usd/day")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(home.get_by_role("region", name="Budgets")).to_contain_text("of $12.00 used per day")
    home.goto(f"{owner.url}{BUDGETS}")
    home.get_by_role("link", name="Instance budgets").click()
    dialog.get_by_label("Amount to add").fill("50")
    dialog.get_by_role("button", name="Increase budget").click()
    shared = home.get_by_role("region", name="Instance and providers")
    expect(shared).to_contain_text("of $150.00 (+$50.00 once) used per month")
    home.get_by_role("link", name="Provider budget").click()
    dialog.get_by_label("Provider").select_option(label="OpenAI")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(dialog.get_by_text("Enter a budget, such as 25usd/month.")).to_be_visible()
    dialog.get_by_label("Budgets", exact=True).fill("40usd/week")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(shared).to_contain_text("OpenAI")
    home.get_by_role("link", name="Change budgets of OpenAI").click()
    dialog.get_by_label("Budgets", exact=True).fill("")
    dialog.get_by_role("button", name="Save budgets").click()
    expect(shared).not_to_contain_text("OpenAI")


def test_aliases_prices_and_discounts(owner: Any, home: Any, look: Callable[[Any], None]) -> None:
    """Added, changed and removed in dialogs, on a phone; each mistake is explained at its field."""
    home.set_viewport_size({"width": 390, "height": 844})
    home.goto(f"{owner.url}{MODELS}")
    dialog = home.get_by_role("dialog")
    home.get_by_role("link", name="Add alias").click()
    dialog.get_by_label("Name", exact=True).fill("fast")
    dialog.get_by_label("Models", exact=True).fill("gpt-5")
    dialog.get_by_role("button", name="Save alias").click()
    expect(dialog.get_by_text("of an AI provider or a named upstream")).to_be_visible()
    look(home)
    dialog.get_by_label("Models", exact=True).fill("openai/gpt-5-mini\nanthropic/claude-haiku-4-5")
    dialog.get_by_role("button", name="Save alias").click()
    expect(home.get_by_text("openai/gpt-5-mini, then anthropic/claude-haiku-4-5")).to_be_visible()
    home.get_by_role("link", name="Add price").click()
    dialog.get_by_label("Models", exact=True).fill("ollama/*")
    dialog.get_by_label("Input tokens").fill("0.20")
    dialog.get_by_role("button", name="Save price").click()
    expect(dialog.get_by_text("Set the price of output too")).to_be_visible()
    dialog.get_by_label("Output tokens").fill("0.60")
    dialog.get_by_text("Prices of cached, audio").click()
    dialog.get_by_label("Each request").fill("0.005")
    look(home)
    dialog.get_by_role("button", name="Save price").click()
    expect(home.get_by_text("Per million tokens: input $0.20, output $0.60. Each request: $0.005.")).to_be_visible()
    home.get_by_role("link", name="Add discount").click()
    dialog.get_by_label("Models", exact=True).fill("anthropic/*")
    dialog.get_by_label("Percent").fill("15")
    dialog.get_by_role("button", name="Save discount").click()
    expect(home.get_by_text("15 % off")).to_be_visible()
    look(home)
    for name in ("fast", "ollama/*", "anthropic/*"):
        home.get_by_role("link", name=f"Remove {name}").click()
        expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
        dialog.get_by_role("button", name="Remove").click()
        expect(home.get_by_role("link", name=f"Remove {name}")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_keys_of_a_pool_are_rows_of_their_card(owner: Any, home: Any, width: int) -> None:
    """Each has its name, state and buttons next to each other, however wide the page is."""
    for number in range(4):
        key = f"sk-proj-0123456789abcdefABCDEF{width}{number}"
        words = ("set", "openai") if number == 0 else ("add-key", "openai", "--label", f"Account {number} of our team")
        owner.cli("integrations", *words, stdin=key, check=True)
    home.set_viewport_size({"width": width, "height": 900})
    home.goto(f"{owner.url}/settings/integrations")
    rows = home.get_by_role("list", name="OpenAI keys").get_by_role("listitem")
    expect(rows).to_have_count(4)
    assert max(row.bounding_box()["height"] for row in rows.all()) < (130 if width < 640 else 80)
    check_nothing_scrolls_sideways(home)
    owner.cli("integrations", "remove", "openai", "--yes", check=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_last_button_of_a_card_keeps_its_place(owner: Any, home: Any, width: int) -> None:
    """On the right of the first line of buttons, however many of them the card has."""
    owner.cli("integrations", "set", "openai", stdin=f"sk-proj-0123456789abcdefABCDEF{width}", check=True)
    home.set_viewport_size({"width": width, "height": 900})
    home.goto(f"{owner.url}/settings/integrations")
    card = home.get_by_role("article", name="OpenAI", exact=True)
    expect(card.locator(".integration-foot .button")).to_have_count(5)
    remove = card.get_by_role("link", name="Remove OpenAI").bounding_box()
    first = card.get_by_role("button", name="Test the OpenAI key").bounding_box()
    assert abs(remove["y"] + remove["height"] / 2 - first["y"] - first["height"] / 2) < 4
    right = card.bounding_box()["x"] + card.bounding_box()["width"]
    assert right - remove["x"] - remove["width"] < 24
    owner.cli("integrations", "remove", "openai", "--yes", check=True)
