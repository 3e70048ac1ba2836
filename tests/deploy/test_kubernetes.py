"""The Kubernetes manifests: valid by the published schemas, and with settings that start real servers."""

from pathlib import Path
from secrets import token_hex
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ari.base.settings import load_settings
from tests.package.conftest import ROOT
from tests.support.dockerfile import parse
from tests.support.server import ServerProcess

FOLDER = ROOT / "deploy/kubernetes"
FILES = ("sqlite.yaml", "postgresql.yaml")
VERSIONS = ("1.29", "1.37")
SECRETS = "/run/secrets/ari"


def _read(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def _find_workload(name: str) -> dict[str, Any]:
    (found,) = [one for one in _read(name) if one["kind"] in ("Deployment", "StatefulSet")]
    return found


def _find_pod(name: str) -> dict[str, Any]:
    pod: dict[str, Any] = _find_workload(name)["spec"]["template"]["spec"]
    return pod


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_each_object_is_valid(name: str, version: str) -> None:
    """By the strict schema of the oldest and the newest version, which knows no other fields."""
    for one in _read(name):
        assert kubernetes_validate.validate(one, version, strict=True)


def test_a_wrong_field_is_noticed() -> None:
    """The schema that the test above relies on is strict, also deep in a pod."""
    workload = _find_workload("sqlite.yaml")
    workload["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(workload, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", FILES)
def test_what_a_manifest_names_is_in_it(name: str) -> None:
    """Selectors choose the pods, ports and volumes exist, and the secret's files are mounted where settings look."""
    workload, pod = _find_workload(name), _find_pod(name)
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert workload["spec"]["selector"]["matchLabels"] == labels
    for other in _read(name):
        selector = other["spec"].get("selector")
        assert selector in (labels, {"matchLabels": labels})
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    (service,) = [one for one in _read(name) if one["kind"] == "Service"]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {service["spec"]["ports"][0]["targetPort"], *(probe["port"] for probe in probes)} == {"http"} == set(ports)
    assert ports["http"] == 3000
    assert [probe["path"] for probe in probes] == ["/api/health", "/api/health", "/api/ready"]
    claims = workload["spec"].get("volumeClaimTemplates", [])
    volumes = {one["name"] for one in pod["volumes"]} | {claim["metadata"]["name"] for claim in claims}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounts) == volumes
    named = [one["value"] for one in container["env"] if one["name"].endswith("_FILE")]
    assert all(value.startswith(f"{mounts['secrets']}/") for value in named)


@pytest.mark.parametrize("name", FILES)
def test_pods_may_do_little(name: str) -> None:
    """No rights in the cluster or on the node, read-only files, time to stop, and no variables of other services."""
    pod = _find_pod(name)
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["terminationGracePeriodSeconds"] > 28


def test_versions_never_run_at_once() -> None:
    """SQLite has one pod, and PostgreSQL's pods change only when all are stopped."""
    assert _find_workload("sqlite.yaml")["kind"] == "StatefulSet"
    assert _find_workload("sqlite.yaml")["spec"]["replicas"] == 1
    assert _find_workload("postgresql.yaml")["spec"]["updateStrategy"] == {"type": "OnDelete"}


@pytest.mark.parametrize("name", FILES)
def test_what_a_pod_has_seen_outlives_it(name: str) -> None:
    """A new pod gets the data directory of the old one, by which it notices lost revokes (promise 1)."""
    claims = {one["metadata"]["name"] for one in _find_workload(name)["spec"]["volumeClaimTemplates"]}
    (container,) = _find_pod(name)["containers"]
    assert {one["mountPath"] for one in container["volumeMounts"] if one["name"] in claims} == {"/data"}


def _settings_of(name: str, secrets: Path) -> dict[str, str | None]:
    """The variables of the pod and of the image, with the secrets of a folder."""
    image = parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))[-1].environment
    own = {one["name"]: one["value"] for one in _find_pod(name)["containers"][0]["env"]}
    merged = {name: value for name, value in (image | own).items() if name.startswith("ARI_")}
    changed = {name: value.replace(SECRETS, str(secrets)) for name, value in merged.items()}
    return {**changed, "ARI_HOST": None, "ARI_DATA_DIR": None}


def _check_start(server: ServerProcess) -> None:
    try:
        server.start()
        assert server.setup_link.startswith("https://ari.example.net/setup#")
        assert server.stop() == 0
    finally:
        server.kill()


def test_the_pod_with_sqlite_starts(data_dir: Path, tmp_path: Path) -> None:
    """With its settings."""
    _check_start(ServerProcess(data_dir, settings=_settings_of("sqlite.yaml", tmp_path)))


def test_a_pod_with_postgresql_starts(data_dir: Path, tmp_path: Path, postgres_url: str) -> None:
    """With its settings, and a Secret as Kubernetes mounts one: links to a folder that is exchanged as a whole."""
    folder = tmp_path / "..2026_11_30"
    folder.mkdir()
    for name, text in (("database_url", postgres_url), ("master_key", f"{token_hex(32)}\n")):
        (folder / name).write_text(text)
        (tmp_path / name).symlink_to(Path("..data") / name)
    (tmp_path / "..data").symlink_to(folder.name)
    _check_start(ServerProcess(data_dir, settings=_settings_of("postgresql.yaml", tmp_path)))


def _merge(base: Any, patch: Any) -> Any:
    """As ``kubectl patch`` does: objects by field, lists of named things by name, other lists as a whole."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {name: _merge(base.get(name), value) for name, value in patch.items()}
    if isinstance(base, list) and isinstance(patch, list) and all("name" in one for one in (*base, *patch)):
        changed = {one["name"]: one for one in base}
        return list((changed | {one["name"]: _merge(changed.get(one["name"]), one) for one in patch}).values())
    return patch


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_the_patch_for_backups_fits_each_manifest(name: str, version: str) -> None:
    """By the schema; the work directory is a volume, and nothing that the manifest has is lost."""
    (patch,) = _read("backups.yaml")
    before = _find_workload(name)
    workload = _merge(before, patch)
    assert kubernetes_validate.validate(workload, version, strict=True)
    pod = workload["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {one["name"] for one in pod["volumes"]} <= set(mounts)
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables["ARI_BACKUP_WORK_DIR"] == mounts["backup-work"]
    (old,) = before["spec"]["template"]["spec"]["containers"]
    assert {one["name"] for one in old["env"]} < set(variables)
    assert container["securityContext"] == old["securityContext"]


def test_settings_of_the_patch_are_accepted(tmp_path: Path) -> None:
    """A place that ARI doesn't know would stop the pod."""
    (patch,) = _read("backups.yaml")
    (container,) = patch["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    found = load_settings(
        data_dir=tmp_path, **{name.removeprefix("ARI_").lower(): value for name, value in variables.items()}
    )
    assert (found.backup_to, str(found.backup_work_dir)) == ("s3://your-bucket/ari", "/backup-work")


def test_the_guide_shows_the_patch() -> None:
    """The whole of it."""
    guide = (ROOT / "docs/guides/kubernetes.md").read_text(encoding="utf-8")
    assert (FOLDER / "backups.yaml").read_text(encoding="utf-8") in guide
