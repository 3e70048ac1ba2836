"""Settings > API > Rules for all keys: the preview is what then happens, and nobody but the owner changes them."""

import asyncio

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.jobs.unused_keys import disable_unused_keys
from ari.keys.instance_policy import InstancePolicy
from tests.support.commands import clock_of, create_key
from tests.support.page_client import PageClient, field_errors, plain_text

RULES = "/settings/rules"


def test_the_preview_counts_what_the_rules_then_do(browser: PageClient) -> None:
    """Keys that would be disabled are named; nothing changes before the rules are saved."""
    instance = browser.instance
    old = create_key(instance, "Old <b>").key
    clock_of(instance).step(40 * DAY_MS / 1000)
    young = create_key(instance, "Young", expires="7d").key
    browser.sign_in()
    assert "No key is disabled because nobody uses it." in browser.get(RULES).text
    wanted = {"max_lifetime_days": "30", "disable_unused_days": "40"}
    part = browser.post(f"{RULES}/preview", wanted, hx_request="1").text
    assert "<h1" not in part
    text = plain_text(part)
    assert "1 active key that lives longer keeps its expiry" in text
    assert "1 active key that made no allowed request for 40 days is disabled within an hour" in text
    assert "Old &lt;b&gt;" in part
    assert "Young" not in part
    assert "Old &lt;b&gt;" in browser.post(f"{RULES}/preview", wanted).text
    assert browser.read(keys.get_instance_policy).max_lifetime_days is None
    assert browser.post(RULES, wanted).headers["location"] == RULES
    assert asyncio.run(disable_unused_keys(Deps(instance), instance.key_use, instance.now_ms())) == 1
    assert {key.id: key.disabled for key in browser.list_keys()} == {old.id: True, young.id: False}
    assert browser.post(RULES, {"max_lifetime_days": "", "disable_unused_days": ""}).status == 303
    assert browser.read(keys.get_instance_policy) == InstancePolicy()


def test_mistakes_are_at_their_fields(browser: PageClient) -> None:
    """Saved or previewed, with what was typed; nothing is saved."""
    for path in (RULES, f"{RULES}/preview"):
        for wrong in ("0", "x", "-1", "3651", "٣", "9" * 30):
            response = browser.post(path, {"max_lifetime_days": wrong, "disable_unused_days": "9"})
            assert (response.status, list(field_errors(response))) == (422, ["max_lifetime_days"])
    assert 'value="-1"' in browser.post(RULES, {"max_lifetime_days": "-1"}).text
    part = browser.post(f"{RULES}/preview", {"max_lifetime_days": "x"}, hx_request="1")
    assert "Enter whole numbers" in part.text
    assert "instance_policy_changed" not in browser.events()


def test_only_the_owner_changes_them(browser: PageClient) -> None:
    """After the password, if it was entered some time ago."""
    for path in (RULES, f"{RULES}/preview"):
        browser.assert_guarded(path, {"max_lifetime_days": "9"})
    clock_of(browser.instance).advance(16 * 60)
    asked = browser.post(RULES, {"max_lifetime_days": "9"})
    assert (asked.status, "Confirm it" in asked.text) == (403, True)
    assert "instance_policy_changed" not in browser.events()
