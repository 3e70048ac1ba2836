"""The dashboard and the alert rules: a real Prometheus reads ARI, runs every query and evaluates every rule."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.package.conftest import ROOT
from tests.support.owner import start_owner
from tests.support.ports import free_port
from tests.support.processes import eventually
from tests.support.prometheus import Prometheus, run_promtool, running_prometheus
from tests.support.server import ServerProcess

RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "ari.json"
RUNBOOK = "docs/guides/when-an-alert-fires.md"
_ALERT = re.compile(r"- alert: (\w+)\n(.*?)(?=\n      - alert:|\Z)", re.DOTALL)
_METRIC = re.compile(r"\bari_\w+")
ALERTS = dict(_ALERT.findall(RULES.read_text(encoding="utf-8")))

FIRING = {
    "AriDown": {"up": "0x60"},
    "AriDatabaseDown": {"ari_database_up": "0x60"},
    "AriUsageLogFails": {"ari_commit_errors_total": "0+1x60"},
    "AriWorkersMissing": {"ari_workers_serving": "0x60"},
    "AriProcessesRestart": {'ari_process_restarts_total{process="worker"}': "0+1x60"},
    "AriDatabaseErrors": {"ari_database_errors_total": "0+30x60"},
    "AriSlowVerifications": {
        'ari_request_duration_seconds_bucket{door="verify",le="0.25"}': "0x60",
        'ari_request_duration_seconds_bucket{door="verify",le="0.5"}': "0+60x60",
        'ari_request_duration_seconds_bucket{door="verify",le="+Inf"}': "0+60x60",
    },
    "AriSlowCommits": {
        'ari_commit_duration_seconds_bucket{le="0.5"}': "0x60",
        'ari_commit_duration_seconds_bucket{le="1.0"}': "0+60x60",
        'ari_commit_duration_seconds_bucket{le="+Inf"}': "0+60x60",
    },
    "AriReportsLate": {"ari_staged_age_seconds": "0+60x60"},
    "AriRowsSetAside": {"ari_set_aside_rows": "1x60"},
    "AriJobFails": {'ari_job_failures{job_name="watch usage"}': "2x60"},
    "AriFoldFails": {"ari_fold_failures": "5x60"},
    "AriManyRefusals": {'ari_verifications_total{result="expired",source="verify"}': "0+120x60"},
    "AriLowDisk": {"ari_low_disk": "1x60"},
    "AriEmailsLate": {'ari_emails_total{result="failed"}': "0x20 0+1x40"},
    "AriWebhooksFail": {'ari_webhooks_total{result="failed"}': "0x20 0+1x40"},
    "AriLogRowsReduced": {"ari_log_rows_reduced_total": "0x20 0+1x40"},
    "AriBackupsFail": {"ari_backup_failures": "2x60"},
    "AriBackupsNotRemoved": {"ari_backup_unremoved": "1x60"},
    "AriBackupOld": {"ari_backup_last_success_time_seconds": "-200000x60", "ari_backup_period_seconds": "86400x60"},
    "AriWatchLate": {"ari_watch_lag_seconds": "0+60x60"},
    "AriAuditCopyLate": {'ari_audit_copy_lag_seconds{copy="file"}': "0+60x60"},
}
"""What makes each alert fire within an hour: the series that differ from those of a healthy instance."""


class Monitored:
    """A running instance with its metrics, and a Prometheus that reads them and evaluates the rules at once."""

    def __init__(self, owner: Any, address: str, prometheus: Prometheus) -> None:
        self.owner = owner
        self.address = address
        self.prometheus = prometheus
        self.text = httpx2.get(f"http://{address}/metrics", timeout=30, trust_env=False).text

    @property
    def series(self) -> list[str]:
        """The series that the instance exports, as ``name{labels}``."""
        return re.findall(r"^(ari_\w+(?:\{[^}]*\})?) \S+$", self.text, re.MULTILINE)


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    """One for all tests of this file; the last ones stop parts of it."""
    folder = tmp_path_factory.mktemp("monitored")
    rules = folder / "alerts.yml"
    rules.write_text(re.sub(r"^ +for: .*\n", "", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE))
    address = f"127.0.0.1:{free_port()}"
    data_dir = folder / "data"
    data_dir.mkdir(mode=0o700)
    backups = folder / "backups"
    backups.mkdir()
    settings = {"ARI_METRICS_ADDRESS": address, "ARI_BACKUP_TO": str(backups)}
    settings["ARI_AUDIT_FILE"] = str(folder / "audit.jsonl")
    owner = start_owner(ServerProcess(data_dir, settings=settings))
    try:
        owner.make_keys_over_http()
        _, secret = owner.create_key("service", scopes=["keys:verify"])
        with owner.api(secret) as client, running_prometheus(folder, address, rules) as prometheus:
            for _ in range(3):
                assert client.post("/api/verify", json={"key": secret}).status_code == 200
            eventually(lambda: prometheus.query("count_over_time(ari_verifications_total[1m]) > 3"))
            eventually(lambda: prometheus.query("ari_backup_last_duration_seconds"), 60)
            yield Monitored(owner, address, prometheus)
    finally:
        owner.close()
        owner.server.kill()


def test_the_dashboard_is_complete() -> None:
    """Grafana imports it anywhere: it asks which data source to use, and no two panels share an ID."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 15
    sources = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
    assert sources == {"${datasource}"}
    assert [one["name"] for one in dashboard["templating"]["list"]] == ["datasource", "instance"]


def test_every_query_of_the_dashboard_returns_data(monitored: Monitored) -> None:
    """A panel whose query is wrong, or names a metric that doesn't exist, stays empty without an error."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    empty = []
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$instance", ".+").replace("$__rate_interval", "1m")
            if not monitored.prometheus.query(query):
                empty.append((panel["title"], query))
    assert empty == []


def test_every_metric_is_on_the_dashboard_or_in_a_rule(monitored: Monitored) -> None:
    """A figure that nobody looks at is not worth its memory."""
    shown = set(_METRIC.findall(DASHBOARD.read_text(encoding="utf-8") + RULES.read_text(encoding="utf-8")))
    families = set(re.findall(r"^# TYPE (ari_\w+) ", monitored.text, re.MULTILINE))
    assert families == {re.sub(r"_(bucket|total|info)\Z", "", name) for name in shown}


def test_the_rules_are_valid() -> None:
    """promtool reads them as Prometheus would."""
    checked = run_promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(ALERTS)} rules found" in checked.stdout


def test_every_alert_has_a_case() -> None:
    """A new rule needs one below."""
    assert set(ALERTS) == set(FIRING)


@pytest.mark.parametrize("name", ["", *FIRING])
def test_alerts_fire_when_they_should_and_only_then(name: str, monitored: Monitored, tmp_path: Path) -> None:
    """With the series of a healthy instance none fires; with one figure changed, the alert about it does."""
    changed = FIRING.get(name, {})
    assert changed.keys() <= {*monitored.series, "up"}, "the instance exports no such series"
    case = tmp_path / "case.yml"
    case.write_text(json.dumps(_make_case(name, monitored, changed)))
    tested = run_promtool("test", "rules", case)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def _make_case(name: str, monitored: Monitored, changed: dict[str, str]) -> dict[str, Any]:
    """A promtool test: the exported series as they are, an hour of them, with those in ``changed`` instead."""
    values = {series: f"{value}x60" for series, value in re.findall(r"^(ari_\S+) (\S+)$", monitored.text, re.MULTILINE)}
    values = {**values, "up": "1x60", **changed}
    series = [{"series": _label(one), "values": steps} for one, steps in values.items()]
    count = f'count(ALERTS{{alertstate="firing", alertname="{name}"}}) > bool 0'
    expected = {"expr": count, "eval_time": "50m", "exp_samples": [{"labels": "{}", "value": 1}]}
    if not name:
        expected = {"expr": 'count(ALERTS{alertstate="firing"})', "eval_time": "50m", "exp_samples": []}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected]}
    return {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}


def _label(series: str) -> str:
    """The series as Prometheus stores it, with the labels of its target."""
    name, _, labels = series.removesuffix("}").partition("{")
    return f'{name}{{{labels}{"," if labels else ""}job="ari",instance="a:1"}}'


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_its_section_in_the_runbook(name: str) -> None:
    """The person on call follows one link."""
    assert re.search(rf"runbook_url: {re.escape(RUNBOOK)}#{name.lower()}$", ALERTS[name], re.MULTILINE)
    assert re.search(rf"^## {name}\n\n\S", (ROOT / RUNBOOK).read_text(encoding="utf-8"), re.MULTILINE)


def test_the_runbook_has_no_other_alerts() -> None:
    """A section about an alert that is gone misleads."""
    found = re.findall(r"^## (Ari\w+)$", (ROOT / RUNBOOK).read_text(encoding="utf-8"), re.MULTILINE)
    assert found == list(ALERTS)


def test_real_alerts_fire_in_a_real_prometheus(monitored: Monitored) -> None:
    """None while all is well; then the database is taken away; then the server ends."""
    prometheus, server = monitored.prometheus, monitored.owner.server
    assert prometheus.list_firing() == set()
    server.data_dir.rename(server.data_dir.with_name("gone"))
    eventually(lambda: "AriDatabaseDown" in prometheus.list_firing())
    server.kill()
    eventually(lambda: "AriDown" in prometheus.list_firing())
