"""Variables that look like settings: misspelled ones are named, Kubernetes' own are known."""

import pytest

from ari.base.environment import kubernetes_variables, unknown_variables
from ari.base.settings import Settings, environment_name

OF_KUBERNETES = {
    "ARI_PORT": "tcp://10.0.0.1:3000",
    "ARI_PORT_3000_TCP": "tcp://10.0.0.1:3000",
    "ARI_PORT_3000_TCP_ADDR": "10.0.0.1",
    "ARI_PORT_3000_TCP_PORT": "3000",
    "ARI_PORT_3000_TCP_PROTO": "tcp",
    "ARI_SERVICE_HOST": "10.0.0.1",
    "ARI_SERVICE_PORT": "3000",
    "ARI_SERVICE_PORT_HTTP": "3000",
    "ARI_WEB_PORT": "tcp://10.0.0.2:80",
    "ARI_WEB_PORT_80_TCP": "tcp://10.0.0.2:80",
    "ARI_WEB_SERVICE_HOST": "10.0.0.2",
    "ARI_DATABASE_SERVICE_PORT": "5432",
    "ARI_DNS_PORT_53_UDP": "udp://10.0.0.3:53",
}


def test_every_setting_is_known() -> None:
    """In any case of letters, as it is read."""
    names = [environment_name(field) for field in Settings.model_fields]
    assert unknown_variables(dict.fromkeys([*names, *map(str.lower, names)], "x")) == []
    assert kubernetes_variables(dict.fromkeys(names, "3000")) == []


def test_other_variables_are_left_alone() -> None:
    """Other programs' variables, and those that callers of ARI use."""
    assert (
        unknown_variables({"PATH": "x", "ARIA_HOME": "x", "MARIADB_PORT": "x", "ARI_API_KEY": "x", "ARI_URL": "x"})
        == []
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ARI_PROT", "ARI_PORT"),
        ("ARI_DATADIR", "ARI_DATA_DIR"),
        ("ARI_PUBLICURL", "ARI_PUBLIC_URL"),
        ("ari_hots", "ARI_HOST"),
        ("ARI_DB_URL", "ARI_DATABASE_URL"),
        ("ARI_ADMIN_PASS", "ARI_ADMIN_PASSWORD"),
        ("ARI_", None),
        ("ARI_SOMETHING_ELSE_ALTOGETHER", None),
        ("ARI_WEB_PORT", "ARI_PORT"),
    ],
)
def test_a_misspelled_setting_is_named(name: str, meant: str | None) -> None:
    """With the setting that was meant, if one is similar; its value is not looked at."""
    [found] = unknown_variables({name: "hunter2"})
    assert (found.name, found.meant) == (name, meant)
    assert "hunter2" not in found.words
    assert found.words.startswith(f"{name} isn't an ARI setting and has no effect")


def test_what_kubernetes_sets_is_not_unknown() -> None:
    """For a Service named ari, and for those whose names begin so."""
    assert unknown_variables(OF_KUBERNETES) == []
    assert kubernetes_variables(OF_KUBERNETES) == sorted(OF_KUBERNETES)
