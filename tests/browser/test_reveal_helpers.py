"""Next to the key, the reveal offers lines for three languages that work, a file, a word about the name."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.steps import create_in_dialog, open_create
from tests.support.missing import skip_missing

NODE = Path(sys.executable).with_name("node")


def test_tabs_by_mouse_and_keyboard(home: Any) -> None:
    """One language at a time; the arrow keys go round."""
    create_in_dialog(home, "Tabbed")
    dialog = home.get_by_role("dialog")
    curl, python, script = (dialog.get_by_role("tab", name=name) for name in ("curl", "Python", "JavaScript"))
    expect(curl).to_have_attribute("aria-selected", "true")
    expect(dialog.get_by_role("tabpanel")).to_have_count(1)
    python.click()
    expect(dialog.get_by_role("tabpanel", name="Python")).to_contain_text("urlopen")
    home.keyboard.press("ArrowRight")
    expect(script).to_be_focused()
    expect(script).to_have_attribute("aria-selected", "true")
    home.keyboard.press("ArrowRight")
    expect(curl).to_be_focused()
    expect(dialog.get_by_role("tabpanel")).to_have_count(1)


def _run(command: list[str], code: str, secret: str) -> str:
    environment = {"ARI_API_KEY": secret, "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp")}
    done = subprocess.run([*command, code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ready_lines_run(home: Any) -> None:
    """Unchanged, with the key in the environment alone; the key is in none of them."""
    secret = create_in_dialog(home, "Runs")
    lines = {name: home.locator(f"#{name}").text_content() for name in ("curl", "python", "javascript")}
    assert all(secret not in line for line in lines.values())
    assert json.loads(_run(["sh", "-c"], lines["curl"], secret))["key"]["name"] == "Runs"
    assert json.loads(_run([sys.executable, "-c"], lines["python"], secret))["key"]["name"] == "Runs"
    node = str(NODE) if NODE.exists() else shutil.which("node")
    if node is None:
        skip_missing("no Node: make assets brings one")
    assert "Runs" in _run([node, "--input-type=module", "--eval"], lines["javascript"], secret)


def test_the_env_file_is_made_in_the_browser(owner: Any, home: Any) -> None:
    """Key and address; no request is made for it, and closing doesn't warn after the download."""
    secret = create_in_dialog(home, "In a file")
    requests: list[str] = []
    home.on("request", lambda request: requests.append(request.url))
    with home.expect_download() as caught:
        home.get_by_role("button", name="Download as .env").click()
    assert caught.value.suggested_filename == "ari.env"
    assert Path(caught.value.path()).read_text() == f"ARI_API_KEY={secret}\nARI_URL={owner.url}\n"
    assert [url for url in requests if not url.startswith("blob:")] == []
    home.keyboard.press("Escape")
    expect(home.get_by_role("dialog")).to_have_count(0)


def test_a_name_that_says_nothing_is_pointed_out(home: Any) -> None:
    """While it is typed, and at the reveal; it hinders nothing."""
    dialog = open_create(home)
    home.keyboard.type("test")
    advice = dialog.get_by_text("A more descriptive name will help you recognize this key later.")
    expect(advice).to_be_visible()
    home.keyboard.type(" bench of the plant")
    expect(advice).to_have_count(0)
    dialog.get_by_label("Name", exact=True).fill("new key")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog).to_contain_text("“new key” isn't very descriptive.")


def test_a_field_works_the_moment_it_appears(home: Any) -> None:
    """Text typed before the dialog is ready counts too."""
    home.evaluate("""() => new MutationObserver((_, watch) => {
        const field = document.querySelector("#dialog-body #name");
        if (!field) return;
        watch.disconnect();
        field.value = "test";
        field.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }).observe(document.body, { childList: true, subtree: true })""")
    dialog = open_create(home)
    expect(dialog.get_by_text("A more descriptive name will help you recognize this key later.")).to_be_visible()
