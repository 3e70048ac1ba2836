"""A place is named so that it can be found, and never by the key itself."""

import os

from ari.cli.scan.locations import UNREADABLE, ScanReport, TokenLocation, show_path
from ari.keys.token import hint, mint


def test_places_are_named_by_path_line_and_commit() -> None:
    """The four sources: a file, a version of a file, a commit's message, an object without a commit."""
    token, commit = mint(), "0123456789abcdef" * 2
    assert TokenLocation(token, "a/b.env", 3).describe() == "a/b.env:3"
    assert TokenLocation(token, "a/b.env", 3, commit, "feed").describe() == "0123456789ab:a/b.env:3"
    assert TokenLocation(token, None, 1, commit, commit).describe() == "0123456789ab:message:1"
    assert TokenLocation(token, None, 9, None, commit).describe() == "object 0123456789ab:9"


def test_a_key_is_in_no_text_about_its_place() -> None:
    """Neither in the text that Python shows for it, nor in a path that contains it."""
    token = mint()
    location = TokenLocation(token, f"keys/{token}.txt", 1)
    assert token not in repr(location).replace(location.path or "", "")
    assert location.describe() == f"keys/{hint(token)}.txt:1"


def test_any_path_can_be_shown() -> None:
    """A name that isn't UTF-8 is escaped."""
    assert show_path(os.fsdecode(b"caf\xe9/\xc3\xa9")) == "caf\\xe9/é"


def test_a_scan_is_complete_if_everything_was_read() -> None:
    """Links and special files are left out on purpose."""
    report = ScanReport()
    report.skipped["symbolic link"] += 1
    assert report.is_complete()
    report.skipped[UNREADABLE] += 1
    assert not report.is_complete()
    assert not ScanReport(problems=["git isn't installed"]).is_complete()
