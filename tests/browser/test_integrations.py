"""Settings > Integrations in a real browser: a provider key is put, tested, replaced, removed and never seen again."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.steps import SECRET, enter
from tests.support.owner import EMAIL, PASSWORD, Owner
from tests.support.processes import eventually
from tests.support.provider import Provider, provider
from tests.support.server import ServerProcess

PLACE = "/settings/integrations"
KEY = "sk-proj-0123456789abcdefABCDEFwxyz"
DEEP = "sk-0123456789abcdefABCDEFwxyz"
OTHER = "sk-proj-another-0123456789abcdABCD"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Provider]:
    """A stand-in for the providers."""
    with provider() as running:
        yield running


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, upstream: Provider) -> Iterator[Owner]:
    """An instance to which the environment gives one key and one address."""
    folder = tmp_path_factory.mktemp("instance") / "data"
    folder.mkdir(mode=0o700)
    given = {"GROQ_API_KEY": "gsk_0123456789abcdefABCDEF0123", "ANTHROPIC_BASE_URL": upstream.url}
    settings = {"ARI_ADMIN_EMAIL": EMAIL, "ARI_ADMIN_PASSWORD": PASSWORD, **given}
    found = Owner(ServerProcess(folder, settings=settings).start())
    found.make_keys_over_http()
    yield found
    found.close()
    found.server.kill()


@pytest.fixture(autouse=True)
def _as_new(owner: Owner, upstream: Provider) -> None:
    """Each test begins with nothing stored and a provider that takes every key."""
    upstream.status, upstream.body = 200, b"{}"
    maker = owner.api(owner.create_key("cleaner", scopes=["integrations:write"])[1])
    for name in ("openai", "anthropic", "deepseek", "openai_compatible"):
        maker.delete(f"/api/integrations/{name}")


@pytest.fixture
def board(owner: Owner, page: Any) -> Any:
    """A page at Settings > Integrations."""
    enter(page, owner, PLACE)
    return page


def card(page: Any, name: str) -> Any:
    """The card or line of one provider."""
    return page.locator(f"#integration-{name}")


def put(page: Any, owner: Owner, **fields: str) -> None:
    """Store something of OpenAI over the API, and look at it."""
    maker = owner.api(owner.create_key("maker of integrations", scopes=["integrations:write"])[1])
    answer = maker.put("/api/integrations/openai", json=fields)
    assert answer.status_code == 200, answer.text
    page.goto(f"{page.url.partition('#')[0]}")


def confirm_address(owner: Owner, upstream: Provider) -> None:
    """As the owner: without it the owner can't store a key for an address that an API key set."""
    owner.cli("integrations", "set-url", "openai", upstream.url, check=True)


def test_a_key_goes_in_and_is_seen_no_more(board: Any, owner: Owner, upstream: Provider) -> None:
    """Paste errors are explained before anything is stored; afterwards only four and four characters are left."""
    put(board, owner, base_url=upstream.url)
    confirm_address(owner, upstream)
    card(board, "openai").get_by_role("link", name="Add key for OpenAI").click()
    dialog = board.get_by_role("dialog")
    field = dialog.get_by_label("Key", exact=True)
    expect(field).to_be_focused()
    assert field.get_attribute("autocomplete") == "off"
    assert field.get_attribute("spellcheck") == "false"
    for wrong, said in (
        (f"Bearer {KEY}", "without the header"),
        (f'"{KEY}"', "without quotes"),
    ):
        field.fill(wrong)
        dialog.get_by_role("button", name="Save key").click()
        expect(dialog.get_by_text(said)).to_be_visible()
        expect(field).to_be_focused()
        assert wrong not in board.content()
        assert field.input_value() == ""
    field.fill(f"  {KEY}\n")
    dialog.get_by_role("button", name="Save key").click()
    expect(card(board, "openai").get_by_text("sk-p…wxyz")).to_be_visible()
    expect(card(board, "openai").get_by_text("just now by you")).to_be_visible()
    expect(board.locator(".toast")).to_contain_text("Key saved.")
    assert KEY not in board.content()


@pytest.mark.parametrize(
    ("status", "word", "badge"),
    [(200, "Works", "Configured"), (403, "Valid, but restricted", "Configured"), (401, "Rejected", "Failing")],
)
def test_a_test_ends_in_words(board: Any, owner: Owner, upstream: Provider, status: int, word: str, badge: str) -> None:
    """By keyboard: the button stays in focus, the result is on the card and said aloud, and no page was loaded."""
    put(board, owner, base_url=upstream.url, key=KEY)
    upstream.status = status
    board.evaluate("document.body.dataset.same = 'yes'")
    board.locator("#test-openai").focus()
    board.keyboard.press("Enter")
    expect(card(board, "openai").get_by_text(f"{word} · just now")).to_be_visible()
    expect(card(board, "openai").locator(".badge")).to_have_text(badge)
    expect(board.locator("#test-openai")).to_be_focused()
    expect(board.locator("[data-say]").first).to_contain_text("OpenAI" if status != 403 else "The key is valid")
    assert board.evaluate("document.body.dataset.same") == "yes"
    assert upstream.asked[-1][2]["authorization"] == f"Bearer {KEY}"
    if badge == "Failing":
        expect(card(board, "openai").get_by_text(re.compile("Failing since .*rejected the key"))).to_be_visible()


def test_what_cannot_be_reached_fails(board: Any, owner: Owner) -> None:
    """An address where nobody listens: unreachable, with since when; a good response clears it."""
    put(board, owner, base_url="http://127.0.0.1:9", key=KEY)
    board.locator("#test-openai").click()
    expect(card(board, "openai").get_by_text("Unreachable · just now")).to_be_visible()
    expect(card(board, "openai").get_by_text("Failing since")).to_be_visible()
    board.reload()
    assert board.locator("article").first.get_attribute("id") == "integration-openai", "what fails stands first"


def test_another_address_takes_the_key_away(board: Any, owner: Owner, upstream: Provider) -> None:
    """The form says so before; without a new key the provider is not configured any more."""
    put(board, owner, key=KEY)
    card(board, "openai").get_by_role("link", name="Base URL for OpenAI").click()
    dialog = board.get_by_role("dialog")
    expect(dialog.get_by_text("Changing the URL deletes the stored key")).to_be_visible()
    dialog.get_by_label("Base URL").fill("http://example.org")
    dialog.get_by_label("Key").fill(KEY)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("Plain http would send the key unencrypted")).to_be_visible()
    expect(dialog.get_by_label("Base URL")).to_have_value("http://example.org")
    assert dialog.get_by_label("Key").input_value() == ""
    assert KEY not in board.content()
    dialog.get_by_label("Base URL").fill(upstream.url)
    dialog.get_by_role("button", name="Save").click()
    expect(card(board, "openai").get_by_role("link", name="Add key for OpenAI")).to_be_visible()
    expect(card(board, "openai")).to_contain_text(upstream.url)


def test_replace_and_remove(board: Any, owner: Owner, upstream: Provider) -> None:
    """The new key replaces the old; removing asks first and Cancel changes nothing."""
    put(board, owner, base_url=upstream.url, key=KEY)
    confirm_address(owner, upstream)
    card(board, "openai").get_by_role("link", name="Replace key").click()
    dialog = board.get_by_role("dialog")
    expect(dialog.get_by_text("sk-p…wxyz")).to_be_visible()
    dialog.get_by_label("Key", exact=True).fill(OTHER)
    dialog.get_by_role("button", name="Save key").click()
    expect(card(board, "openai").get_by_text("sk-p…ABCD")).to_be_visible()
    for answer in ("Cancel", "Remove"):
        card(board, "openai").get_by_role("link", name="Remove").click()
        expect(dialog.get_by_text("stops working immediately")).to_be_visible()
        dialog.get_by_role("button" if answer == "Remove" else "link", name=answer).click()
        if answer == "Cancel":
            expect(board.locator("#remove-openai")).to_be_focused()
    expect(card(board, "openai").get_by_role("link", name="Add key for OpenAI")).to_be_visible()


def test_a_key_of_a_pool_is_tested_right_away(board: Any, owner: Owner, upstream: Provider) -> None:
    """As it is saved: the result is next to it and in the badge. The same key again is refused in the form."""
    owner.cli("integrations", "set-url", "openai", upstream.url, check=True)
    owner.cli("integrations", "set", "openai", stdin=KEY, check=True)
    board.reload()
    dialog, rows = board.get_by_role("dialog"), board.get_by_role("list", name="OpenAI keys").get_by_role("listitem")
    for number, (status, key, label, toast, result) in enumerate(
        [
            (401, OTHER, "US", "Its test failed", "Rejected just now"),
            (200, DEEP, "EU", "The provider accepted it", "Works · just now"),
        ],
        1,
    ):
        upstream.status = status
        board.get_by_role("link", name="Add another key for OpenAI").click()
        dialog.get_by_label("Key", exact=True).fill(key)
        dialog.get_by_label("Label").fill(label)
        dialog.get_by_role("button", name="Save key").click()
        expect(board.locator(".toast")).to_contain_text(toast)
        expect(rows.nth(number)).to_contain_text(label)
        expect(rows.nth(number)).to_contain_text(result)
        assert upstream.asked[-1][2]["authorization"] == f"Bearer {key}"
    expect(card(board, "openai").locator(".badge")).to_have_text("1 of 3 keys rejected")
    board.get_by_role("link", name="Add another key for OpenAI").click()
    dialog.get_by_label("Key", exact=True).fill(OTHER)
    dialog.get_by_role("button", name="Save key").click()
    expect(dialog.get_by_text("This OpenAI key is stored already as US.")).to_be_visible()
    assert dialog.get_by_label("Key", exact=True).input_value() == ""


def test_the_environment_wins_and_says_so(board: Any) -> None:
    """A key of the environment has no way to be changed here; an address of it is named, and the form has none."""
    groq = card(board, "groq")
    expect(groq.get_by_text("Environment variable GROQ_API_KEY", exact=False).first).to_be_visible()
    expect(groq.get_by_text("To store a key here instead, unset GROQ_API_KEY")).to_be_visible()
    assert groq.get_by_role("link").count() == 1, "nothing to change, only how to use it"
    card(board, "anthropic").get_by_role("link", name="Add key").click()
    board.get_by_role("dialog").get_by_label("Key", exact=True).fill("sk-ant-0123456789abcdefABCDEFwxyz")
    board.get_by_role("button", name="Save key").click()
    expect(
        card(board, "anthropic").get_by_text("The base URL is set by the environment variable ANTHROPIC_BASE_URL")
    ).to_be_visible()
    assert board.locator("#address-anthropic").count() == 0


def test_the_lines_and_the_key_for_them(board: Any, owner: Owner) -> None:
    """Base URL, lines that name ARI_API_KEY alone, and a key that may use this provider and nothing else."""
    put(board, owner, key=KEY)
    card(board, "openai").get_by_role("link", name="How to use it").click()
    dialog = board.get_by_role("dialog")
    lines = dialog.locator(".line-code code")
    expect(lines.first).to_have_text(f"{owner.url}/api/ai/openai/v1")
    expect(lines.nth(1)).to_contain_text(f'base_url="{owner.url}/api/ai/openai/v1"')
    dialog.get_by_role("tab", name="curl").click()
    expect(lines.last).to_have_text(f'curl -H "x-api-key: $ARI_API_KEY" {owner.url}/api/ai/openai/v1/models')
    dialog.get_by_role("link", name="Create an ARI key").click()
    board.wait_for_url("**/settings/keys/new?ai=openai")
    dialog = board.get_by_role("main")
    expect(dialog.get_by_role("radio", name="AI gateway")).to_be_checked()
    expect(dialog.get_by_role("checkbox", name="OpenAI", exact=True)).to_be_checked()
    assert dialog.get_by_role("checkbox", checked=True).count() == 1
    dialog.get_by_label("Name", exact=True).fill("Chat of the shop")
    dialog.get_by_role("checkbox", name="OpenAI", exact=True).uncheck()
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_text("Select at least one provider.").last).to_be_visible()
    dialog.get_by_role("checkbox", name="OpenAI", exact=True).check()
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog.get_by_role("heading", name="Copy your key now")).to_be_visible()
    [secret] = SECRET.findall(dialog.inner_text())
    assert owner.api(secret).get("/api/me").json()["key"]["scopes"] == ["ai:openai"]


def test_the_password_is_asked_again_without_keeping_the_key(owner: Owner, browser: Any) -> None:
    """After a quarter of an hour a form that lay open asks; its question holds no key, and the key is pasted again."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(15_000)
    enter(page, owner, PLACE)
    card(page, "deepseek").get_by_role("link", name="Add key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Key", exact=True).fill(DEEP)
    owner.server.clock.advance(16 * 60)
    dialog.get_by_role("button", name="Save key").click()
    expect(dialog.get_by_role("heading", name="Confirm it's you")).to_be_visible()
    assert DEEP not in page.content()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_text("Paste it again.")).to_be_visible()
    dialog.get_by_label("Key", exact=True).fill(DEEP)
    dialog.get_by_role("button", name="Save key").click()
    expect(card(page, "deepseek").get_by_text("sk-0…wxyz")).to_be_visible()
    context.close()


def test_nothing_stays_in_a_field_that_was_left(board: Any, owner: Owner) -> None:
    """A typed key is wiped when its page is sent or left, and the eye shows it only while asked to."""
    board.goto(f"{owner.url}{PLACE}/openai/key")
    field = board.get_by_label("Key", exact=True)
    field.fill(KEY)
    assert field.evaluate("one => getComputedStyle(one).webkitTextSecurity") == "disc"
    board.get_by_role("button", name="Show key").click()
    assert field.evaluate("one => getComputedStyle(one).webkitTextSecurity") == "none"
    board.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert field.input_value() == ""


def test_all_of_it_without_scripts(plain: Any, owner: Owner, upstream: Provider) -> None:
    """Set up with an address, refused and corrected, tested, replaced, removed."""
    plain.goto(f"{owner.url}{PLACE}/openai_compatible/address")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("Enter the base URL, such as").last).to_be_visible()
    plain.get_by_label("Base URL").fill(f"{upstream.url}/v1/")
    plain.get_by_label("Key").fill("two words")
    plain.get_by_role("button", name="Save").click()
    expect(plain.get_by_text("without spaces or line breaks").last).to_be_visible()
    assert "two words" not in plain.content()
    plain.get_by_label("Key").fill(KEY)
    plain.get_by_role("button", name="Save").click()
    assert plain.url.endswith("#integration-openai_compatible")
    upstream.status = 401
    card(plain, "openai_compatible").get_by_role("button", name="Test").click()
    expect(card(plain, "openai_compatible").get_by_text("Rejected · just now")).to_be_visible()
    card(plain, "openai_compatible").get_by_role("link", name="Replace key").click()
    plain.get_by_label("Key").fill(OTHER)
    plain.get_by_role("button", name="Save key").click()
    expect(card(plain, "openai_compatible").get_by_text("sk-p…ABCD")).to_be_visible()
    card(plain, "openai_compatible").get_by_role("link", name="How to use it").click()
    expect(plain.get_by_text("$ARI_API_KEY")).to_be_visible()
    plain.go_back()
    card(plain, "openai_compatible").get_by_role("link", name="Remove").click()
    plain.get_by_role("button", name="Remove").click()
    expect(plain.get_by_text("Provider removed.")).to_be_visible()
    expect(card(plain, "openai_compatible")).to_have_count(0)
    expect(plain.get_by_role("link", name="OpenAI-compatible service")).to_have_count(1)


def test_nothing_is_complained_of(watch_page: Any, owner: Owner, upstream: Provider) -> None:
    """No CSP report, dialog or script error on the page, in its dialogs and in a test."""
    page = watch_page()
    enter(page, owner, PLACE)
    put(page, owner, base_url=upstream.url, key=KEY)
    page.locator("#test-openai").click()
    expect(card(page, "openai").get_by_text("Works · just now")).to_be_visible()
    for name in ("key", "address", "remove", "use"):
        page.locator(f"#{name}-openai").click()
        expect(page.get_by_role("dialog").locator(".sheet:not([data-skeleton])")).to_be_visible()
        page.keyboard.press("Escape")
    assert page.complaints == []


def test_what_was_used_is_on_the_card(board: Any, owner: Owner, upstream: Provider) -> None:
    """Requests, failures and tokens of the last days, and the last use; never a number that nobody reported."""
    put(board, owner, base_url=upstream.url, key=KEY)
    facts = card(board, "openai").locator(".integration-facts")
    caller = owner.api(owner.create_key("chats", scopes=["ai:openai"])[1])
    upstream.headers["content-type"] = "application/json"
    upstream.body = b'{"model": "m", "usage": {"prompt_tokens": 1200, "completion_tokens": 34}}'
    for status in (200, 200, 500):
        upstream.status = status
        caller.post("/api/ai/openai/v1/chat/completions", json={"model": "m", "messages": []})
    upstream.headers.clear()

    def is_counted() -> bool:
        board.reload()
        return "3 requests" in facts.inner_text()

    eventually(is_counted)
    expect(facts).to_contain_text("1 failed")
    expect(facts).to_contain_text("2.4k tokens in, 68 out")
    expect(facts).to_contain_text("Last usedjust now")
