"""Settings > API > Kinds: add, change and remove kinds, create keys of them, and get the scanners' rules."""

import re

import pytest

from ari import keys
from ari.base.clock import DAY_MS
from ari.deps import Deps
from ari.keys import InstancePolicyChange, KindChange
from ari.keys.kinds import KindDefaults
from tests.support.commands import create_key
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, field_errors, plain_text

KINDS = "/settings/kinds"
NEW = "/settings/keys/new"
ACME = {
    "name": "acme-live",
    "prefix": "acme_live_",
    "description": "Keys of <b>customers</b>",
    "expires": "7d",
    "max_lifetime_days": "30",
    "environment": "test",
    "leak_action": "revoke",
    "access": "own",
    "scope": ["usage:read"],
    "limits": "100/1m\ndaily=5000/1d",
    "credits": "1000",
    "refill": "1000/day",
    "budgets": "monthly=25usd/month Europe/Berlin\nburst=5000tokens/1h?",
    "models": "openai/gpt-5*",
    "denied_models": "openai/gpt-5-pro*",
}


def add_acme(browser: PageClient) -> None:
    wanted = KindChange(expires="7d", max_lifetime_days=30, scopes=("usage:read",), environment="test")
    Deps(browser.instance).do_sync(keys.add_kind, "acme-live", "acme_live_", wanted)


def read_form_id(browser: PageClient) -> str:
    return str(re.findall(r'name="form" value="([^"]+)"', browser.get(NEW).text)[0])


def test_a_default_expiry_of_another_duration_is_offered(browser: PageClient) -> None:
    """The command line or the API set it: the forms show it and keep it, and a new key gets it."""
    Deps(browser.instance).do_sync(keys.add_kind, "acme-live", "acme_live_", KindChange(expires="14d"))
    assert "New keys expire after 14 days" in plain_text(browser.get(KINDS).text)
    assert '<option value="14d" selected>14 days</option>' in browser.get(f"{KINDS}/acme-live/edit").text
    form = browser.get("/settings/keys/new?kind=acme-live").text
    assert 'value="14d" checked' in form


def test_a_kind_is_added_changed_and_removed(browser: PageClient) -> None:
    """The page shows its prefix, defaults and keys, escaped; a kind with keys stays."""
    assert browser.post(f"{KINDS}/new", ACME).headers["location"] == KINDS
    page = browser.get(KINDS).text
    assert "Keys of &lt;b&gt;customers&lt;/b&gt;" in page
    text = plain_text(page)
    assert "0 keys. New keys expire after 7 days; the longest lifetime is 30 days. Leaked keys: revoked." in text
    assert "Limits: 100 requests per minute, daily: 5,000 requests per day." in text
    assert "Credits: 1,000, refilled to 1,000 daily at 00:00 UTC." in text
    budgets = "Budgets: monthly: 25.00 US dollars per month (Europe/Berlin), burst: 5,000 tokens per hour (soft)."
    assert budgets in text
    assert "Allowed AI models: openai/gpt-5*. Denied AI models: openai/gpt-5-pro*." in " ".join(text.split()).replace(
        " .", "."
    )
    form = browser.get(f"{KINDS}/acme-live/edit").text
    assert "monthly=25.00usd/month Europe/Berlin\nburst=5000tokens/1h?" in form
    for shown in (
        'value="7d" selected',
        "openai/gpt-5*</textarea>",
        "openai/gpt-5-pro*</textarea>",
        'value="30"',
        'value="usage:read" checked',
        'value="revoke" selected',
    ):
        assert shown in form
    assert browser.post(f"{KINDS}/acme-live/edit", {"access": "none", "description": "Customers"}).status == 303
    changed = browser.read(lambda tx: keys.get_kind(tx, "acme-live"))
    assert (changed.description, changed.defaults, changed.prefix) == ("Customers", KindDefaults(), "acme_live_")
    create_key(browser.instance, "Globex", kind="acme-live")
    assert "1 key." in plain_text(browser.get(KINDS).text)
    assert "1 key has this kind. Revoke and delete them first." in browser.get(f"{KINDS}/acme-live/remove").text
    assert browser.post(f"{KINDS}/acme-live/remove").status == 409
    browser.post(f"{KINDS}/new", ACME | {"name": "other", "prefix": "other_"})
    assert browser.post(f"{KINDS}/other/remove").headers["location"] == KINDS
    assert [browser.get(f"{KINDS}/other/{verb}").status for verb in ("edit", "remove")] == [404, 404]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "Acme"}, "name"),
        ({"prefix": "sk_live_"}, "prefix"),
        ({"description": "x" * 201}, "description"),
        ({"expires": "1y"}, "expires"),
        ({"expires": "2m"}, "expires"),
        ({"max_lifetime_days": "0"}, "max_lifetime_days"),
        ({"max_lifetime_days": "x"}, "max_lifetime_days"),
        ({"environment": "staging"}, "environment"),
        ({"leak_action": "ignore"}, "leak_action"),
        ({"limits": "100"}, "limits"),
        ({"credits": ""}, "credits"),
        ({"refill": "1000"}, "refill"),
        ({"budgets": "25"}, "budgets"),
        ({"budgets": "25eur/month"}, "budgets"),
        ({"models": "x" * 300}, "models"),
        ({"scope": []}, "scopes"),
        ({"scope": ["no:scope"]}, "scopes"),
        ({"access": "same"}, "scopes"),
    ],
)
def test_mistakes_are_at_their_fields(browser: PageClient, sent: dict[str, str], field: str) -> None:
    """Nothing typed is lost, and nothing is added."""
    response = browser.post(f"{KINDS}/new", ACME | sent)
    assert (response.status, list(field_errors(response))) == (422, [field])
    assert "Keys of &lt;b&gt;" in response.text or field == "description"
    assert browser.read(keys.list_kinds) == []


def test_a_key_is_created_with_the_defaults_of_its_kind(browser: PageClient) -> None:
    """Only where there is a choice; choosing fills in the defaults and keeps what was typed."""
    assert 'name="kind"' not in browser.get(NEW).text
    add_acme(browser)
    assert 'name="kind"' in browser.get(NEW).text
    sent = {"form": read_form_id(browser), "name": "Globex <b>", "kind": "acme-live", "expires": "90d", "access": "own"}
    form = browser.post(f"{NEW}/kind", sent).text
    checked = r'name="(expires|access)" value="([^"]+)" checked'
    assert re.findall(checked, form) == [("expires", "7d"), ("access", "of_kind")]
    assert 'value="Globex &lt;b&gt;"' in form
    assert 'value="test" selected' in form
    assert 'value="90d"' not in form
    assert re.findall(checked, browser.get(f"{NEW}?kind=acme-live").text) == re.findall(checked, form)
    late = browser.post(NEW, sent | {"access": "of_kind"})
    assert (late.status, list(field_errors(late))) == (422, ["expires"])
    sent |= {"expires": "7d", "access": "of_kind", "environment": "test"}
    created = browser.post(NEW, sent)
    assert created.status == 201
    assert "acme_live_" in created.text
    (key,) = browser.list_keys()
    assert (key.kind, key.scopes, key.environment) == ("acme-live", ("usage:read",), "test")
    assert key.expires_at_ms == START_MS + 7 * DAY_MS
    assert "acme-live" in plain_text(browser.get("/settings?tab=api").text)
    assert f'href="{KINDS}#kind-acme-live"' in browser.get(f"/settings/keys/{key.id}").text
    copy = browser.get(f"{NEW}?like={key.id}").text
    assert 'value="acme-live" selected' in copy
    assert 'value="same" checked' in copy


def test_the_form_shows_the_limits_of_the_kind(browser: PageClient) -> None:
    """An emptied field means none only where they were shown; another kind takes them away again."""
    limits = [{"name": "daily", "limit": 5, "window": "1d"}]
    wanted = KindChange(scopes=("usage:read",), limits=limits, credits={"amount": 7})
    Deps(browser.instance).do_sync(keys.add_kind, "acme-live", "acme_live_", wanted)
    form = browser.get(f"{NEW}?kind=acme-live").text
    assert 'name="filled" value="acme-live"' in form
    assert "daily=5/1d</textarea>" in form
    assert 'name="credits" value="7"' in form
    again = browser.post(
        f"{NEW}/kind", {"kind": "", "limits": "daily=5/1d", "credits": "7", "filled": "acme-live"}
    ).text
    assert "daily=5/1d" not in again
    assert 'name="filled" value=""' in again
    sent = {"kind": "acme-live", "expires": "7d", "access": "of_kind", "environment": "live"}
    for name, filled in (("unseen", ""), ("emptied", "acme-live")):
        given = sent | {"form": read_form_id(browser), "name": name, "filled": filled}
        assert browser.post(NEW, given).status == 201
    found = {key.name: key.policy.limits.names for key in browser.list_keys()}
    assert found == {"unseen": ("daily", "credits"), "emptied": ()}


def test_a_kind_that_is_gone_or_has_no_scopes_grants_nothing(browser: PageClient) -> None:
    """Its choice of access is an error, never the default preset."""
    add_acme(browser)
    Deps(browser.instance).do_sync(keys.add_kind, "plain", "plain_", KindChange())
    base = {"name": "n", "expires": "7d", "access": "of_kind"}
    assert browser.post(NEW, base | {"form": read_form_id(browser), "kind": "none"}).status == 422
    assert browser.post(NEW, base | {"form": read_form_id(browser), "kind": "plain"}).status == 422
    gone = browser.post(NEW, base | {"form": read_form_id(browser), "kind": "none", "access": "read-only"})
    assert list(field_errors(gone)) == ["kind"]
    assert browser.list_keys() == []


def test_the_form_offers_no_expiry_that_the_rules_forbid(browser: PageClient) -> None:
    """The longest that fits is suggested."""
    Deps(browser.instance).do_sync(keys.change_instance_policy, InstancePolicyChange(max_lifetime_days=30))
    form = browser.get(NEW).text
    assert 'name="expires" value="30d" checked' in form
    assert 'value="never"' not in form
    assert "These keys live at most 30 days." in form


def test_scanner_rules_have_every_prefix(browser: PageClient) -> None:
    """On the page and as files; there is no other scanner."""
    add_acme(browser)
    page = browser.get("/settings/scanner-rules").text
    assert page.count("(?:ari_k_|acme_live_)[0-9A-Za-z]{49}") == 3
    for scanner, name in (("gitleaks", "gitleaks.toml"), ("trufflehog", "trufflehog.yaml")):
        found = browser.get(f"/settings/scanner-rules/{scanner}")
        assert "acme_live_" in found.text
        assert found.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert found.headers["content-type"].startswith("text/plain")
    assert browser.get("/settings/scanner-rules/other").status == 404


def test_only_the_owners_own_forms_change_kinds(browser: PageClient) -> None:
    """Forged forms and strangers change nothing."""
    add_acme(browser)
    for path in ("new", "acme-live/edit", "acme-live/remove"):
        browser.assert_guarded(f"{KINDS}/{path}", ACME | {"name": "other", "prefix": "other_"})
    browser.assert_guarded(f"{NEW}/kind", {"kind": "acme-live"})
    (kind,) = browser.read(keys.list_kinds)
    assert kind.defaults.scopes == ("usage:read",)


def test_a_new_key_has_the_budgets_and_models_of_its_kind(browser: PageClient) -> None:
    """The form shows them; where it didn't, an empty field means those of the kind, and an emptied one none."""
    budget = {"name": "monthly", "amount_usd": "25", "period": "month"}
    wanted = KindChange(scopes=("ai:openai",), budgets=[budget], models={"allow": ["openai/gpt-5*"], "deny": []})
    Deps(browser.instance).do_sync(keys.add_kind, "acme-live", "acme_live_", wanted)
    form = browser.get(f"{NEW}?kind=acme-live").text
    assert "25.00usd/month</textarea>" in form
    assert "openai/gpt-5*</textarea>" in form
    sent = {"kind": "acme-live", "expires": "7d", "access": "of_kind", "environment": "live"}
    for name, filled in (("unseen", ""), ("emptied", "acme-live")):
        given = sent | {"form": read_form_id(browser), "name": name, "filled": filled}
        assert browser.post(NEW, given).status == 201
    found = {key.name: (len(key.policy.limits.budgets), key.policy.models.allow) for key in browser.list_keys()}
    assert found == {"unseen": (1, ("openai/gpt-5*",)), "emptied": (0, ())}


def test_a_copy_keeps_what_another_kind_does_not_set(browser: PageClient) -> None:
    """A kind with limits alone takes no budgets and models from the copy of a key."""
    limits = [{"name": "daily", "limit": 5, "window": "1d"}]
    Deps(browser.instance).do_sync(keys.add_kind, "acme-live", "acme_live_", KindChange(limits=limits))
    key = create_key(browser.instance, budgets=[{"name": "monthly", "amount_usd": "25", "period": "month"}]).key
    own = {"like": key.id, "kind": "acme-live", "budgets": "25usd/month", "models": "openai/gpt-5*", "limits": "1/1m"}
    form = browser.post(f"{NEW}/kind", own).text
    assert "daily=5/1d</textarea>" in form
    assert "25usd/month</textarea>" in form
    assert "openai/gpt-5*</textarea>" in form
