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
    ids = {key["name"]: key["id"] for key in ari.json("keys", "list")["items"]}
    assert ran.err.splitlines()[-3:] == [
        f"First ({ids['First']}): unchanged",
        f"Second ({ids['Second']}): unchanged",
        "Reported 2 keys as leaked (2 unchanged). The owner is notified.",
    ]
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
        assert f"Report 2 keys as leaked (2 {status})? Anything using a {status} key stops working" in ran.err
        assert "Nothing was changed, because this isn't a terminal. Pass --yes to confirm." in ran.err
    assert events(ari) == []
    monkeypatch.setattr("ari.cli.output.can_ask", lambda: True)
    assert scan(ari, leak, stdin="n\n").err.endswith("ari: Nothing was changed.\n")
    assert statuses(ari)["First"] == "active"
    last = scan(ari, leak, "--yes").err.splitlines()[-1]
    assert last == f"Reported 2 keys as leaked (2 {status}). The owner is notified."
    assert statuses(ari) == {"First": status, "Second": status, "Revoked": "revoked"}


def test_the_question_names_the_action_of_a_kind(ari: Ari, leak: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ``ARI_LEAK_ACTION`` says: the question and the result are about each key's own action."""
    ari("kinds", "add", "paid", "acme_live_", "--leak-action", "revoke")
    made, token = ari.create("Paid", "--kind", "paid")
    leak.write_text(f"{leak.read_text()}\n{token}")
    ran = scan(ari, leak)
    assert "Report 3 keys as leaked (1 revoked, 2 unchanged)? Anything using a revoked key" in ran.err
    assert events(ari) == []
    ran = scan(ari, leak, "--yes")
    assert f"Paid ({made['id']}): revoked" in ran.err
    assert ran.err.endswith("Reported 3 keys as leaked (1 revoked, 2 unchanged). The owner is notified.\n")
    assert statuses(ari) == {"First": "active", "Second": "active", "Revoked": "revoked", "Paid": "revoked"}
    ari("kinds", "add", "free", "acme_free_", "--leak-action", "notify")
    monkeypatch.setenv("ARI_LEAK_ACTION", "revoke")
    leak.write_text(ari.create("Free", "--kind", "free")[1])
    assert "Reported 1 key as leaked (1 unchanged)." in scan(ari, leak).err
    ari("keys", "rotate", ari.json("keys", "list")["items"][0]["id"], "--overlap", "0s", "--yes")
    assert "Nothing to report" in scan(ari, leak).err


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
        assert ran.err.startswith(f"ari: No ARI data in {tmp_path}/nowhere. ")
