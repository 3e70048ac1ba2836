"""The line on scheduled backups in the settings, and the warning when they fail or are late."""

from dataclasses import replace
from pathlib import Path

from ari.backups.state import KEY, BackupState
from ari.base.clock import DAY_MS, MINUTE_MS
from ari.deps import Deps
from tests.support.instances import START_MS
from tests.support.page_client import PageClient, plain_text

SECURITY, HOME = "/settings/security", "/settings?tab=api"
KEPT = BackupState(began_ms=START_MS - 60 * MINUTE_MS, verified_ms=START_MS - 50 * MINUTE_MS, size_bytes=1, name="a")


def _set(browser: PageClient, place: Path, state: BackupState | None) -> None:
    """Schedule backups, whose state is this one."""
    browser.instance.settings = browser.instance.settings.model_copy(update={"backup_to": str(place)})
    if state is not None:
        Deps(browser.instance).do_sync(lambda tx: tx.key_value.put(KEY, str(state)))


def _read(html: str) -> str:
    """The text, without the spaces between tags and full stops."""
    return plain_text(html).replace(" .", ".")


def _show(browser: PageClient) -> tuple[str, bool]:
    """The text of the card, and whether the first page of the settings warns."""
    card = browser.get(SECURITY).text.partition('aria-labelledby="backups-title"')[2].partition("</section>")[0]
    return _read(card), 'id="backup-warning"' in browser.get(HOME).text


def test_a_backup_of_an_earlier_master_key_is_a_warning(browser: PageClient, tmp_path: Path) -> None:
    """It can't be restored with the present one."""
    _set(browser, tmp_path, replace(KEPT, signing_key="0123456789abcdef"))
    shown, warned = _show(browser)
    assert "The last verified backup needs an earlier master key." in shown
    assert "Make a new one now: ari backup now" in shown
    assert warned


def test_without_a_place_backups_are_off(browser: PageClient) -> None:
    """It is no warning: an operator may schedule ``ari backup``."""
    shown, warned = _show(browser)
    assert "Scheduled backups are off. Set ARI_BACKUP_TO" in shown
    assert not warned


def test_the_line_shows_the_last_backup_and_the_next(browser: PageClient, tmp_path: Path) -> None:
    """Before the first one, after it, and while one is written."""
    _set(browser, tmp_path, None)
    shown, warned = _show(browser)
    assert "No backup was written yet. The next one is due now." in shown
    assert not warned
    _set(browser, tmp_path, KEPT)
    shown, warned = _show(browser)
    assert "The last verified backup is of 1 hour ago. The next one is due in 23 hours." in shown
    assert str(tmp_path) in shown
    assert not warned
    _set(browser, tmp_path, replace(KEPT, holder="job_1", lease_ends_ms=START_MS + MINUTE_MS))
    assert "One is being written now." in _show(browser)[0]


def test_old_backups_that_cannot_be_removed_are_shown(browser: PageClient, tmp_path: Path) -> None:
    """With the reason, which can't write HTML; the new ones are good, so the first page doesn't warn."""
    _set(browser, tmp_path, replace(KEPT, unremoved=2, removal_error="ari-1: <b>frozen</b>."))
    shown, warned = _show(browser)
    assert "2 old backups couldn't be removed. ari-1: <b>frozen</b>." in shown
    assert not warned


def test_backups_that_fail_or_are_late_are_a_warning(browser: PageClient, tmp_path: Path) -> None:
    """One failure shows its reason, two in a row warn on the first page; the reason can't write HTML."""
    failed = replace(KEPT, failures=1, error="Can't write to <b>/srv</b>: full.", tried_ms=START_MS)
    _set(browser, tmp_path, failed)
    shown, warned = _show(browser)
    assert "The last attempt failed. Can't write to <b>/srv</b>: full." in shown
    assert not warned
    _set(browser, tmp_path, replace(failed, failures=2))
    shown, warned = _show(browser)
    assert "The last 2 attempts failed." in shown
    assert warned
    assert "Scheduled backups fail. The last verified backup is of 1 hour ago." in _read(browser.get(HOME).text)
    assert 'id="backup-warning"' not in browser.get(HOME, hx_request="true").text
    _set(browser, tmp_path, replace(KEPT, began_ms=START_MS - 2 * DAY_MS - MINUTE_MS))
    shown, warned = _show(browser)
    assert "The next one is due now." in shown
    assert warned
    assert "Scheduled backups are late." in plain_text(browser.get(HOME).text)
    _set(browser, tmp_path, replace(KEPT, began_ms=START_MS - 2 * DAY_MS))
    assert not _show(browser)[1]
