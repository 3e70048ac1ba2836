"""Change all keys that match the table's filters: what was confirmed, and nothing else."""

import html
import re

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.keys import MAX_KEYS_AT_ONCE, NewConsumer, NewKey
from ari.storage.transaction import Transaction
from tests.support.commands import create_key
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, plain_text

MATCHING = "/settings/keys/matching"


@pytest.fixture
def acme(browser: PageClient) -> str:
    """The ID of a consumer with two keys that have a tag; a third key has neither."""
    consumer = Deps(browser.instance).do_sync(keys.create_consumer, NewConsumer("Acme", "acme")).id
    for name in ("a", "b"):
        create_key(browser.instance, name, consumer="acme", tags=("t",))
    create_key(browser.instance, "other")
    return consumer


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the question's form."""
    form = page[page.index(f'action="{MATCHING}"') :]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in found if name != "csrf"}


def states(browser: PageClient) -> dict[str, str]:
    return {key.name: key.status(browser.instance.now_ms()) for key in browser.list_keys()}


def test_the_question_lists_the_keys_and_changes_exactly_those(browser: PageClient, acme: str) -> None:
    """From the consumer's page and from the filtered table, to the same question."""
    for url in (f"/settings/consumers/{acme}", f"/settings?tab=api&consumer={acme}"):
        for verb in ("revoke", "disable", "expire"):
            assert f"{MATCHING}?do={verb}&amp;consumer={acme}" in browser.get(url).text
    question = browser.get(f"{MATCHING}?do=disable&consumer=acme&tag=t").text
    assert "Disable 2 keys? These are all keys of Acme with the tag t that work." in plain_text(question)
    browser.post(MATCHING, fields(question))
    assert browser.toast == "Keys disabled. They don't work until you enable them again."
    assert states(browser) == {"a": "disabled", "b": "disabled", "other": "active"}
    question = browser.get(f"{MATCHING}?do=expire&tag=t").text
    browser.post(MATCHING, {**fields(question), "expires": "7d"})
    found = {key.name: key.expires_at_ms for key in browser.list_keys()}
    assert found == {"a": START_MS + 7 * DAY_MS, "b": START_MS + 7 * DAY_MS, "other": None}
    question = browser.get(f"{MATCHING}?do=revoke&consumer={acme}").text
    browser.post(MATCHING, {**fields(question), "reason": "over"})
    assert states(browser) == {"a": "revoked", "b": "revoked", "other": "active"}
    assert "No active key matches." in plain_text(browser.get(f"{MATCHING}?do=revoke&consumer={acme}").text)


def test_a_set_that_changed_in_the_meantime_changes_nothing(browser: PageClient, acme: str) -> None:
    """A key more, a key less, a forged list: the question comes back with the list of now, and says so."""
    confirmed = fields(browser.get(f"{MATCHING}?do=revoke&consumer=acme").text)
    new = create_key(browser.instance, "new", consumer="acme").key
    before = states(browser)
    refused = browser.post(MATCHING, confirmed)
    assert refused.status == 409
    assert "changed in the meantime, so nothing was changed" in plain_text(refused.text)
    assert new.id in refused.text
    for key_ids in ("", new.id, "nonsense", f"{confirmed['keys']} {new.id} {new.id[:-1]}0"):
        assert browser.post(MATCHING, {**confirmed, "keys": key_ids}).status == 409
    assert states(browser) == before
    again = fields(refused.text)
    Deps(browser.instance).do_sync(keys.revoke, new.id)
    assert browser.post(MATCHING, again).status == 409
    Deps(browser.instance).do_sync(_forget, acme)
    assert "No such consumer." in plain_text(browser.post(MATCHING, {**again, "consumer": acme}).text)
    assert states(browser) == before | {"new": "revoked"}


def _forget(tx: Transaction, consumer_id: str) -> None:
    tx.consumers.remove(consumer_id)


def _create_many(tx: Transaction) -> None:
    for number in range(MAX_KEYS_AT_ONCE):
        keys.create(tx, NewKey(f"n{number}", tags=("many",)))


def test_more_than_one_step_asks_again_for_the_rest(browser: PageClient, acme: str) -> None:
    """Also for an expiry, after which the keys still match: no step lists a key twice."""
    deps = Deps(browser.instance)
    oldest = create_key(browser.instance, "oldest", tags=("many",)).key
    deps.do_sync(_create_many)
    question = browser.get(f"{MATCHING}?do=expire&tag=many").text
    assert "the other 1 key will follow" in plain_text(question)
    step = browser.post(MATCHING, {**fields(question), "expires": "1h"})
    assert "200 keys changed." in plain_text(step.text)
    assert fields(step.text)["keys"] == oldest.id
    browser.post(MATCHING, {**fields(step.text), "expires": "never"})
    assert browser.toast == "Expiry updated."
    page = deps.read_sync(lambda tx: tx.keys.page(tx.now_ms, "all", None, 2 * MAX_KEYS_AT_ONCE))
    ends = [key.expires_at_ms for key in page if key.tags == ("many",)]
    assert (len(ends), ends.count(None)) == (MAX_KEYS_AT_ONCE + 1, 1)


def test_unknown_actions_and_filters_are_not_found(browser: PageClient, acme: str) -> None:
    """``unused`` asks the usage log, so it has a list of keys instead; a form needs the owner's session."""
    for query in ("do=enable", "do=delete&tag=t", "do=revoke&show=unused", "do=revoke&before=x", ""):
        assert browser.get(f"{MATCHING}?{query}").status == 404
        assert browser.post(MATCHING, dict(part.split("=") for part in query.split("&") if part)).status == 404
    confirmed = fields(browser.get(f"{MATCHING}?do=revoke&consumer=acme").text)
    browser.assert_guarded(MATCHING, confirmed)
    assert set(states(browser).values()) == {"active"}
