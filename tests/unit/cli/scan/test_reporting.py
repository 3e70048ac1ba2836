"""``ari scan paths --report``: found keys are reported to their instance, once, and not without a yes if they end."""

from pathlib import Path

import pytest

from ari.keys.token import mint
from tests.unit.cli.conftest import Ari, Ran


@pytest.fixture
def leak(ari: Ari, tmp_path: Path) -> Path:
    """A file with two active keys, one of them twice, a revoked one, and one of another instance."""
    first, second, revoked = ari.create("First"), ari.create("Second"), ari.create("Revoked")
    ari("keys", "revoke", "--yes", revoked[0]["id"])
    path = tmp_path / "leak.env"
    path.write_text("\n".join([first[1], second[1], first[1], revoked[1], mint()]))
    return path


def scan(ari: Ari, path: Path, *options: str, stdin: str = "") -> Ran:
    ran = ari("scan", "paths", str(path), "--report", *options, check=False, stdin=stdin)
    assert ran.code == 1
    return ran


def statuses(ari: Ari) -> dict[str, str]:
    return {key["name"]: key["status"] for key in ari.json("keys", "list")["items"]}


def events(ari: Ari) -> list[tuple[str, str]]:
    """The actor and the source of each report, oldest first."""
    reports = [event for event in ari.json("events")["items"] if event["name"] == "key_leaked"]
    return [(event["actor"].split(":")[0], event["detail"]["source"]) for event in reversed(reports)]


def test_reported_keys_keep_working_by_default(ari: Ari, leak: Path) -> None:
    """One event for each key that can be used, with its first place; no question, since nothing ends."""
    ran = scan(ari, leak)
    assert ran.err.splitlines()[-1] == (
        "Reported 2 keys as leaked. The owner is notified; the keys still work (ARI_LEAK_ACTION=notify)."
    )
    assert events(ari) == [("cli", f"Scan of {leak}:1"), ("cli", f"Scan of {leak}:2")]
    assert statuses(ari) == {"First": "active", "Second": "active", "Revoked": "revoked"}
    assert leak.read_text().split()[0] not in str(ari.json("events"))


@pytest.mark.parametrize(("action", "status"), [("disable", "disabled"), ("revoke", "revoked")])
def test_keys_end_only_after_a_yes(
    ari: Ari, leak: Path, monkeypatch: pytest.MonkeyPatch, action: str, status: str
) -> None:
    """The places are shown first. Without a terminal nothing is reported, and a piped yes does not count."""
    monkeypatch.setenv("ARI_LEAK_ACTION", action)
    for stdin in ("", "y\n", "yes\n"):
        ran = scan(ari, leak, stdin=stdin)
        assert ran.out.count("\n") == 6
        assert "Report 2 keys as leaked?" in ran.err
        assert "Nothing was changed, because this isn't a terminal. Pass --yes to confirm." in ran.err
    assert events(ari) == []
    monkeypatch.setattr("ari.cli.output.can_ask", lambda: True)
    assert scan(ari, leak, stdin="n\n").err.endswith("ari: Nothing was changed.\n")
    assert statuses(ari)["First"] == "active"
    assert scan(ari, leak, "--yes").err.endswith(f"Reported 2 keys as leaked. The keys are {status}.\n")
    assert statuses(ari) == {"First": status, "Second": status, "Revoked": "revoked"}


def test_there_may_be_nothing_to_report(ari: Ari, tmp_path: Path) -> None:
    """Keys of another instance are found and not reported."""
    path = tmp_path / "leak.env"
    path.write_text(mint())
    assert "Nothing to report" in scan(ari, path).err
    assert events(ari) == []
    path.write_text("")
    assert ari("scan", "paths", str(path), "--report").code == 0


def test_a_report_needs_an_instance(ari: Ari, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is reported silently to nobody, whether or not keys are found."""
    monkeypatch.setenv("ARI_DATA_DIR", str(tmp_path / "nowhere"))
    for text in ("", mint()):
        (tmp_path / "leak.env").write_text(text)
        ran = scan(ari, tmp_path / "leak.env")
        assert ran.err == f"ari: No ARI data in {tmp_path}/nowhere. Use --data-dir, or run ari serve to create it.\n"
