"""A key's page, and its forms: rename, disable, enable, revoke, delete."""

import pytest

from ari.deps import Deps
from ari.keys import LeakReport, report_leak
from ari.keys.model import ApiKey
from ari.keys.restored_keys import read_restored, remember_restored
from tests.support.commands import as_caller, change_key, create_key, delete_key, revoke_key
from tests.support.page_client import PageClient, field_errors, plain_text


@pytest.fixture
def key(browser: PageClient) -> ApiKey:
    """An active key."""
    return create_key(browser.instance, "Mobile App", scopes=("keys:read",)).key


def find_key(browser: PageClient, key: ApiKey) -> ApiKey | None:
    return browser.read(lambda tx: tx.keys.get(key.id))


def test_the_page_shows_the_key_and_never_its_secret(browser: PageClient) -> None:
    """Name, prefix, ID, access and its meaning; the secret was shown once, when it was created."""
    created = create_key(browser.instance, "Mobile App", scopes=("keys:read",))
    response = browser.get(f"/settings/keys/{created.key.id}")
    shown = plain_text(response.text)
    for text in ("Mobile App", created.key.hint, created.key.id, "List API keys and read their details", "Never"):
        assert text in shown
    assert created.secret not in response.text
    assert created.secret[-20:] not in response.text


def test_the_parts_that_refresh_are_parts_of_the_page(browser: PageClient, key: ApiKey) -> None:
    """htmx swaps the head or the side; neither has the log, nor the page around it."""
    page = f"/settings/keys/{key.id}"
    head = browser.get(page, hx_request="true").text
    side = browser.get(f"{page}?part=side", hx_request="true").text
    assert "Allowed" in head
    assert "Details" not in head
    assert "Details" in side
    assert 'id="log-title"' not in head + side


def test_renaming_goes_back_to_the_page_with_a_message(browser: PageClient, key: ApiKey) -> None:
    """The form shows the present name; the new one is stored, trimmed."""
    page = f"/settings/keys/{key.id}"
    assert 'value="Mobile App"' in browser.get(f"{page}/rename").text
    response = browser.post(f"{page}/rename", {"name": "  Billing  "})
    assert (response.status, response.headers["location"], browser.toast) == (303, page, "Key renamed.")
    assert "Billing" in browser.get(page).text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "Enter a name that says what uses the key."),
        ("x" * 101, "Use at most 100 characters."),
        ("a\x07b", "Use letters, digits, punctuation and spaces. Control characters aren't allowed."),
    ],
)
def test_a_wrong_name_is_a_message_at_its_field(browser: PageClient, key: ApiKey, name: str, message: str) -> None:
    """The form comes back with what was typed, and the key keeps its name."""
    response = browser.post(f"/settings/keys/{key.id}/rename", {"name": name})
    assert (response.status, field_errors(response)) == (422, {"name": message})
    assert "Mobile App" in browser.get(f"/settings/keys/{key.id}").text


def test_a_key_is_disabled_and_enabled(browser: PageClient, key: ApiKey) -> None:
    """The page offers the opposite of what the key is."""
    page = f"/settings/keys/{key.id}"
    assert f'href="{page}/disable"' in browser.get(page).text
    question = browser.get(f"{page}/disable").text
    assert "Disable this API key?" in question
    assert key.id in question
    assert browser.post(f"{page}/disable").headers["location"] == page
    assert browser.get(f"{page}/disable").headers["location"] == page
    assert "refused until you enable it" in (browser.toast or "")
    assert f'action="{page}/enable"' in browser.get(page).text
    assert browser.post(f"{page}/enable").headers["location"] == page
    assert browser.toast == "Key enabled."
    assert f'href="{page}/disable"' in browser.get(page).text


def test_revoking_keeps_the_reason_and_goes_back_to_the_table_view(browser: PageClient, key: ApiKey) -> None:
    """From a dialog, the table is shown with the same search; the key's page then offers only deletion."""
    behind = "/settings?tab=api&q=mobile"
    response = browser.post(
        f"/settings/keys/{key.id}/revoke",
        {"reason": "committed to git"},
        hx_request="true",
        hx_current_url=f"http://127.0.0.1:3000{behind}",
    )
    assert (response.headers["hx-redirect"], browser.toast) == (behind, "Key revoked. It no longer works.")
    page = browser.get(f"/settings/keys/{key.id}").text
    assert "committed to git" in page
    assert "act-delete" in page
    assert "act-revoke" not in page


def test_revoking_takes_the_made_keys_along_only_if_asked(browser: PageClient, key: ApiKey) -> None:
    """A key made by a leaked key may have leaked too; the owner decides."""
    maker = create_key(browser.instance, "Maker", scopes=("*",)).key
    spared = create_key(browser.instance, "Spared", as_caller(maker)).key
    question = plain_text(browser.get(f"/settings/keys/{maker.id}/revoke").text)
    assert "extended the access of 1 key that is still active" in question
    second = create_key(browser.instance, "Second", scopes=("*",)).key
    taken = create_key(browser.instance, "Taken", as_caller(second)).key
    browser.post(f"/settings/keys/{maker.id}/revoke")
    browser.post(f"/settings/keys/{second.id}/revoke", {"with_made": "yes"})
    found = {
        one.name: one.revoked_at_ms is not None for one in (find_key(browser, spared), find_key(browser, taken)) if one
    }
    assert found == {"Spared": False, "Taken": True}


def test_a_reason_that_holds_a_secret_is_refused(browser: PageClient) -> None:
    """A revocation's reason is kept for years; the key stays active until it is right."""
    created = create_key(browser.instance, "Leaked")
    response = browser.post(f"/settings/keys/{created.key.id}/revoke", {"reason": created.secret})
    assert field_errors(response) == {"reason": "This looks like a key. Don't enter secrets here."}
    found = find_key(browser, created.key)
    assert found is not None
    assert found.revoked_at_ms is None


def test_only_an_inactive_key_can_be_deleted(browser: PageClient, key: ApiKey) -> None:
    """Each question leads to the one that fits; a forged delete of an active key is refused."""
    page = f"/settings/keys/{key.id}"
    assert browser.get(f"{page}/delete").headers["location"] == f"{page}/revoke"
    assert browser.post(f"{page}/delete").status == 409
    revoke_key(browser.instance, key)
    assert browser.get(f"{page}/revoke").headers["location"] == f"{page}/delete"
    response = browser.post(f"{page}/delete", hx_request="true", hx_current_url=f"http://127.0.0.1:3000{page}")
    assert (response.headers["hx-redirect"], browser.toast) == (
        "/settings?tab=api",
        "Key deleted. Its usage and events are kept.",
    )


def test_a_deleted_key_keeps_a_page_for_its_log(browser: PageClient) -> None:
    """The reason why a script fails is found there: its refused requests. No form and no action is left."""
    made = create_key(browser.instance, "Old <i>script</i>")
    page = f"/settings/keys/{made.key.id}"
    revoke_key(browser.instance, made.key)
    delete_key(browser.instance, made.key)
    browser.another().get("/api/me", x_api_key=made.secret)
    left = browser.get(page)
    shown = plain_text(left.text)
    assert left.status == 200
    assert "Old &lt;i&gt;script&lt;/i&gt;" in left.text
    assert "It can't be used or restored." in shown
    assert "Refused 1" in shown
    assert "/api/me" in shown
    assert [browser.get(f"{page}{form}").status for form in ("/rename", "/revoke", "/delete")] == [404] * 3
    assert f'href="{page}"' in browser.get("/settings/usage").text


def test_no_form_works_for_others(browser: PageClient, key: ApiKey) -> None:
    """Every form of the page needs the owner's session and the page's token."""
    for verb in ("rename", "disable", "enable", "revoke", "delete"):
        browser.assert_guarded(f"/settings/keys/{key.id}/{verb}", {"name": "Stolen"})
    assert find_key(browser, key) == key


def test_an_unknown_key_is_not_found(browser: PageClient) -> None:
    """Neither its page nor its forms exist."""
    unknown = "/settings/keys/key_01J000000000000000000000ZZ"
    assert [browser.get(f"{unknown}{form}").status for form in ("", "/rename", "/revoke", "/delete")] == [404] * 4
    assert browser.post(f"{unknown}/disable").status == 404


def test_changing_a_dead_key_is_refused(browser: PageClient, key: ApiKey) -> None:
    """A revoked key cannot be enabled again, also by a form that was open before."""
    change_key(browser.instance, key, disabled=True)
    revoke_key(browser.instance, key)
    assert browser.post(f"/settings/keys/{key.id}/enable").status == 409


def test_a_reported_leak_is_on_the_page(browser: PageClient) -> None:
    """With the place as text, in the notice and in the events; not any longer once the key is revoked."""
    made = create_key(browser.instance, "Mobile App")
    page = f"/settings/keys/{made.key.id}"
    assert "reported as leaked" not in plain_text(browser.get(page).text)
    report = LeakReport(made.secret, url="https://git.example.com/<script>alert(1)</script>")
    Deps(browser.instance).do_sync(report_leak, report, "notify")
    text = browser.get(page).text
    assert "This key was reported as leaked" in plain_text(text)
    assert "It still works." in plain_text(text)
    assert plain_text(text).count("https://git.example.com/<script>alert(1)</script>") == 2
    assert "<script>alert" not in text
    change_key(browser.instance, made.key, disabled=True)
    assert "It is disabled." in plain_text(browser.get(page).text)
    revoke_key(browser.instance, made.key)
    assert "This key was reported as leaked" not in plain_text(browser.get(page).text)


def test_a_key_that_waits_since_a_restore_can_stay_disabled(browser: PageClient, key: ApiKey) -> None:
    """Then it isn't enabled with the others."""
    deps = Deps(browser.instance)
    change_key(browser.instance, key, disabled=True)
    page = f"/settings/keys/{key.id}"
    assert "since a restore" not in browser.get(page).text
    deps.do_sync(lambda tx: remember_restored(tx.key_value, [key.id], "2027-01-15T08:00:00.000Z"))
    assert "Keep disabled" in browser.get(page).text
    assert browser.post(f"{page}/disable").status == 303
    assert "since a restore" not in browser.get(page).text
    assert deps.read_sync(lambda tx: read_restored(tx.key_value)) is None
    left = find_key(browser, key)
    assert left
    assert left.disabled


def test_a_revoked_key_shows_when_it_was_revoked_and_no_expiry(browser: PageClient) -> None:
    """It works no more, so the time at which it would have expired says nothing."""
    key = create_key(browser.instance, "Mobile App", expires="90d").key
    assert "Expires" in plain_text(browser.get(f"/settings/keys/{key.id}").text)
    revoke_key(browser.instance, key)
    shown = plain_text(browser.get(f"/settings/keys/{key.id}").text)
    assert ("Expires" in shown, "Revoked" in shown) == (False, True)
