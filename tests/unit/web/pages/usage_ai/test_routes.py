"""Settings > Usage > AI: costs first, and the budgets of everyone."""

import csv
import io
import re

import pytest

from ari import keys
from ari.base.money import format_usd
from ari.deps import Deps
from ari.keys import NewConsumer
from ari.web.pages.usage_ai.routes import BARS_SHOWN, OWNERS_A_PAGE
from tests.support.commands import create_key, revoke_key
from tests.support.page_client import PageClient, field_errors, plain_text
from tests.unit.web.pages.usage_ai.conftest import MONTHLY, Spenders

PAGE = "/settings/usage/ai"
BUDGETS = "/settings/usage/budgets"


def test_without_requests_the_page_says_so(browser: PageClient) -> None:
    """It offers to set a budget all the same."""
    text = plain_text(browser.get(PAGE).text)
    assert "No AI requests in this period" in text
    assert "The instance and its providers have no budgets." in text


def test_costs_are_by_key_consumer_provider_model_and_day(spenders: Spenders) -> None:
    """Names are escaped; each sum has what is known, and says if something is not."""
    spenders.use(spenders.ada, "openai", "gpt-5", 1_500_000)
    spenders.use(spenders.ada, "openai", "gpt-5-mini", 250_000)
    spenders.use(spenders.robot, "ollama", "llama3", None)
    page = spenders.browser.get(PAGE).text
    text = " ".join(plain_text(page).split())
    for words in ("At least $1.75", "Cost per day", "By key", "By consumer", "By provider", "By model", "By day"):
        assert words in text
    for row in ("Ada $1.75 2", "=Robot unknown 1", "gpt-5 OpenAI $1.50 1", "llama3 Ollama unknown 1"):
        assert row in text
    assert "The cost of 1 request is unknown" in text
    assert f'href="/settings/keys/{spenders.ada.id}"' in page
    assert "Acme <b>" not in page
    assert "at least $1.75" in page.partition('class="chart-table"')[2]


def test_an_unknown_cost_is_no_chart_of_nothing(spenders: Spenders) -> None:
    """Without any known cost, the page shows requests."""
    spenders.use(spenders.robot, "ollama", "llama3", None)
    page = spenders.browser.get(PAGE).text
    assert "Cost of AI requests per day" not in page
    assert "Requests through the AI gateway per day" in page
    assert "$0.00" not in plain_text(page.partition("Where it went")[2])


def test_the_file_has_the_rows_of_the_tables(spenders: Spenders) -> None:
    """The same names, costs and counts, and their totals; no cell is a formula, an unknown cost is empty."""
    spenders.use(spenders.ada, "openai", "gpt-5", 1_234_567)
    spenders.use(spenders.ada, "anthropic", "claude", 1)
    spenders.use(spenders.robot, "ollama", "llama3", None)
    answer = spenders.browser.get(f"{PAGE}/export?range=7d")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"))))
    total = next(row for row in rows if row["by"] == "total")
    assert (total["cost_usd"], total["requests"], total["priced"]) == (format_usd(1_234_568), "3", "2")
    by = {name: [row for row in rows if row["by"] == name] for name in ("key", "consumer", "provider", "model", "day")}
    assert [(row["name"], row["cost_usd"]) for row in by["key"]] == [("Ada", "1.234568"), ("'=Robot", "")]
    assert [row["id"] for row in by["key"]] == [spenders.ada.id, spenders.robot.id]
    assert (by["model"][0]["name"], by["model"][0]["provider"]) == ("gpt-5", "OpenAI")
    for name in ("key", "provider", "model", "day"):
        assert sum(int(row["requests"]) for row in by[name]) == 3
    page = " ".join(plain_text(spenders.browser.get(f"{PAGE}?range=7d").text.partition("Where it went")[2]).split())
    for row in by["consumer"] + by["provider"] + by["model"] + by["day"]:
        assert f"{row['name']} {row['provider']}".strip() in page
        assert not row["cost_usd"] or f"${float(row['cost_usd']):.2f}" in page or "$0.000001" in page


def test_the_file_needs_a_valid_period_and_a_session(spenders: Spenders) -> None:
    """Nothing is exported by mistake over another span of time."""
    assert spenders.browser.get(f"{PAGE}/export?range=8d").status == 422
    assert spenders.browser.get(f"{PAGE}/export?consumer=nobody").status == 422
    assert spenders.browser.another().get(f"{PAGE}/export").status == 303


def test_the_numbers_are_those_of_a_consumer(spenders: Spenders) -> None:
    """On the page and in the file; a wrong consumer is a message and no other keys' numbers."""
    spenders.use(spenders.ada, "openai", "gpt-5", 100_000)
    spenders.use(spenders.robot, "openai", "gpt-5", 900_000)
    text = plain_text(spenders.browser.get(f"{PAGE}?consumer=acme").text)
    assert "$0.10" in text
    assert "$0.90" not in text
    assert "0.90" not in spenders.browser.get(f"{PAGE}/export?consumer=acme").text
    wrong = spenders.browser.get(f"{PAGE}?consumer=nobody")
    assert field_errors(wrong)["consumer"].startswith("No such consumer.")
    assert "$1.00" not in plain_text(wrong.text)


def test_budgets_are_bars_of_everyone(spenders: Spenders) -> None:
    """The instance and providers, then consumers and keys, those of which most is used first."""
    spenders.reserve(spenders.ada, 5_000_000)
    spenders.reserve(spenders.robot, 20_000_000)
    page = spenders.browser.get(PAGE).text
    text = " ".join(plain_text(page).split())
    assert "This instance company $0.00 left $25.00 of $25.00 used per month" in text
    assert "OpenAI provider monthly $0.00 left" in text
    assert text.index("=Robot key monthly $5.00 left") < text.index("Ada key monthly $20.00 left")
    assert "consumer team $20.00 left" in text
    assert f'href="/settings/keys/{spenders.robot.id}"' in page


def test_a_revoked_key_has_no_bar(spenders: Spenders) -> None:
    """Its budget limits nothing any more."""
    spenders.reserve(spenders.robot, 20_000_000)
    revoke_key(spenders.browser.instance, spenders.robot)
    for url in (PAGE, BUDGETS):
        assert "Robot" not in spenders.browser.get(url).text


def test_the_bars_are_few(browser: PageClient, spenders: Spenders) -> None:
    """A page of a thousand keys stays small; the list has all of them."""
    made = [create_key(browser.instance, f"Key {number}", budgets=[MONTHLY]).key for number in range(BARS_SHOWN + 2)]
    for number, key in enumerate(made):
        spenders.reserve(key, 1_000 * (number + 1))
    owned = browser.get(PAGE).text.partition("Consumers and keys")[2].partition("</ul>")[0]
    assert owned.count("<li>") == BARS_SHOWN
    assert plain_text(owned).split()[:2] == ["Key", str(BARS_SHOWN + 1)]


def test_all_budgets_are_listed_page_by_page(browser: PageClient) -> None:
    """Consumers, then keys, the newest first, each once, used or not; a wrong place is not found."""
    deps = Deps(browser.instance)
    for number in range(2):
        deps.do_sync(keys.create_consumer, NewConsumer(f"Team {number}", budgets=[MONTHLY]))
    deps.do_sync(keys.create_consumer, NewConsumer("No budget"))
    for number in range(OWNERS_A_PAGE):
        create_key(browser.instance, f"Key {number}", budgets=[MONTHLY])
    create_key(browser.instance, "No budget")
    first = browser.get(BUDGETS).text
    after = re.findall(r'href="([^"]+before=[^"]+)"', first)[0].replace("&amp;", "&")
    second = browser.get(after).text
    names = [re.findall(r"<bdi[^>]*>((?:Team|Key) \d+)</bdi>", page) for page in (first, second)]
    keys_listed = [f"Key {number}" for number in reversed(range(OWNERS_A_PAGE))]
    assert names[0] + names[1] == ["Team 1", "Team 0", *keys_listed]
    assert len(names[0]) == OWNERS_A_PAGE
    assert "No budget" not in first + second
    assert "before=" not in second
    assert browser.get(f"{BUDGETS}?before=nonsense").status == 404


def test_a_refused_request_is_in_the_log_with_its_model(spenders: Spenders) -> None:
    """It says why, shows no cost, and is in no sum."""
    spenders.reserve(spenders.robot, 20_000_000)
    spenders.reserve(spenders.robot, 6_000_000)
    text = " ".join(plain_text(spenders.browser.get("/settings/usage?status=429").text).split())
    row = text.partition("From Duration")[2]
    assert "=Robot gpt-5-mini 192.0.2.7" in row
    assert "Budget used up" in row
    assert "unknown cost" not in row
    assert "No AI requests in this period" in plain_text(spenders.browser.get(PAGE).text)


@pytest.mark.parametrize("url", [PAGE, BUDGETS])
def test_the_pages_need_a_session(browser: PageClient, url: str) -> None:
    """Strangers learn nothing about costs."""
    assert browser.another().get(url).status == 303
