"""The list to jump from, as a page without scripting and as the dialog's part."""

from ari.deps import Deps
from ari.keys import NewConsumer, create_consumer
from tests.support.commands import create_key
from tests.support.page_client import PageClient, plain_text

JUMP = "/settings/jump"


def test_pages_keys_and_consumers_are_found_by_a_part_of_their_name(browser: PageClient) -> None:
    """Without a text there are all pages and the newest keys, with one only what fits it."""
    key = create_key(browser.instance, "Nightly <b>export</b>").key
    made = Deps(browser.instance).do_sync(create_consumer, NewConsumer("Night shift"))
    everything, night, budgets = (browser.get(f"{JUMP}{query}").text for query in ("", "?q=nigh", "?q=budg"))
    assert f'href="/settings/keys/{key.id}"' in everything
    assert 'href="/settings/audit"' in everything
    assert made.id not in everything
    assert f'href="/settings/keys/{key.id}"' in night
    assert f'href="/settings/consumers/{made.id}"' in night
    assert "Nightly &lt;b&gt;export&lt;/b&gt;" in night
    assert "Audit" not in plain_text(night).partition("Jump to")[2].partition("Consumers")[2]
    assert 'href="/settings/usage/budgets"' in budgets
    assert key.id not in budgets


def test_a_text_that_fits_nothing_says_so(browser: PageClient) -> None:
    """Markup in it stays text."""
    shown = browser.get(f"{JUMP}?q=%3Cb%3Enothing").text
    assert "Nothing has this name." in shown
    assert "<b>nothing" not in shown


def test_the_list_needs_a_session(visitor: PageClient) -> None:
    """Names of keys are for the owner."""
    assert visitor.get(f"{JUMP}?q=a").status == 303
