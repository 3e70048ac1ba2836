"""A consumer's page says who created it, and its form names all problems at once."""

import re

from ari.deps import Deps
from ari.keys import NewConsumer, create_consumer, get_consumer, get_consumers
from ari.keys.model_rules import ModelRules
from tests.support.commands import as_caller, create_key, delete_key, revoke_key
from tests.support.page_client import PageClient, field_errors, plain_text

CONSUMERS = "/settings/consumers"


def test_the_key_that_created_a_consumer_is_named(browser: PageClient) -> None:
    """Escaped, with a link, also once it is deleted; people are named as everywhere."""
    key = create_key(browser.instance, "CRM <b>sync</b>", scopes=("*",)).key
    made = Deps(browser.instance, as_caller(key)).do_sync(create_consumer, NewConsumer("Acme"))
    page = browser.get(f"{CONSUMERS}/{made.id}").text
    assert f'href="/settings/keys/{key.id}"' in page
    assert "CRM &lt;b&gt;sync&lt;/b&gt;" in page
    revoke_key(browser.instance, key)
    delete_key(browser.instance, key)
    page = browser.get(f"{CONSUMERS}/{made.id}").text
    assert "CRM &lt;b&gt;sync&lt;/b&gt;" in page
    assert f'href="/settings/keys/{key.id}"' in page
    own = Deps(browser.instance).do_sync(create_consumer, NewConsumer("Own"))
    assert "by key" not in plain_text(browser.get(f"{CONSUMERS}/{own.id}").text)


def test_all_problems_are_shown_at_once(browser: PageClient) -> None:
    """Those of the text fields and of the limits, of a new consumer and of a change."""
    wrong = {"name": " ", "external_id": "a/b", "metadata": "[", "limits": "5", "credits": "x", "budgets": "25"}
    refused = browser.post(f"{CONSUMERS}/new", wrong)
    assert (refused.status, set(field_errors(refused))) == (422, set(wrong))
    made = Deps(browser.instance).do_sync(create_consumer, NewConsumer("Acme"))
    refused = browser.post(f"{CONSUMERS}/{made.id}/edit", wrong)
    assert (refused.status, set(field_errors(refused))) == (422, {"name", "external_id", "metadata"})


def test_the_models_of_its_keys_are_set_and_shown(browser: PageClient) -> None:
    """At creation and later; the form shows them again, and a wrong pattern at its field."""
    deps = Deps(browser.instance)
    browser.post(f"{CONSUMERS}/new", {"name": "Acme", "models": "openai/gpt-5*\nmy model", "denied_models": "x"})
    [made] = deps.read_sync(get_consumers, "Acme", None, 2)
    assert made.policy.models == ModelRules(("openai/gpt-5*", "my model"), ("x",))
    assert "openai/gpt-5*" in plain_text(browser.get(f"{CONSUMERS}/{made.id}").text)
    assert "openai/gpt-5*\nmy model" in browser.get(f"{CONSUMERS}/{made.id}/edit").text
    refused = browser.post(f"{CONSUMERS}/{made.id}/edit", {"name": "Acme", "models": "/x"})
    assert set(field_errors(refused)) == {"models"}
    browser.post(f"{CONSUMERS}/{made.id}/edit", {"name": "Acme", "models": "openai/gpt-5-mini", "denied_models": "x"})
    assert deps.read_sync(get_consumer, made.id).policy.models == ModelRules(("openai/gpt-5-mini",), ("x",))


def test_a_consumer_is_created_with_budgets(browser: PageClient) -> None:
    """In the syntax of the command line; its page has them at once."""
    browser.post(f"{CONSUMERS}/new", {"name": "Acme", "budgets": "team=9usd/day Europe/Berlin\n5000tokens/1h?"})
    [made] = Deps(browser.instance).read_sync(get_consumers, "Acme", None, 2)
    team, rolling = made.policy.limits.budgets
    assert (team.name, team.amount, team.time_zone) == ("team", 9_000_000, "Europe/Berlin")
    assert (rolling.unit, rolling.is_hard) == ("tokens", False)
    page = browser.get(f"{CONSUMERS}/{made.id}").text
    assert "$9.00" in plain_text(page)
    assert f'href="/settings/usage/ai?consumer={made.id}"' in page
    assert 'href="/settings/usage/budgets"' in page
    assert browser.get(f"/settings/usage/ai?consumer={made.id}").status == 200


def test_a_revoked_key_has_no_expiry_in_any_table(browser: PageClient) -> None:
    """Its consumer's page and the table of keys have the same cell."""
    made = Deps(browser.instance).do_sync(create_consumer, NewConsumer("Acme"))
    for name, expires in (("Gone", "90d"), ("Active", "90d"), ("Endless", None)):
        key = create_key(browser.instance, name, expires=expires, consumer=made.id).key
        if name == "Gone":
            revoke_key(browser.instance, key)
    for page in (f"{CONSUMERS}/{made.id}", "/settings?tab=api"):
        rows = dict(
            re.findall(r"<bdi[^>]*>(Gone|Active|Endless)</bdi></a>(.*?)</tr>", browser.get(page).text, re.DOTALL)
        )
        cells = {name: plain_text(row) for name, row in rows.items()}
        found = {name: ("in 90 days" in cell, "—" in cell, "Never" in cell) for name, cell in cells.items()}
        assert found["Gone"][:2] == (False, True), page
        assert found["Active"][0], page
        assert (found["Endless"][0], found["Endless"][2]) == (False, True), page
