"""Shell completion offers values of the instance, and nothing where it can't."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Ari


@pytest.fixture
def complete(ari: Ari, monkeypatch: pytest.MonkeyPatch) -> "Complete":
    return Complete(ari, monkeypatch)


class Complete:
    """Call it with a line; its last word, which may be empty, is completed as in bash."""

    def __init__(self, ari: Ari, environment: pytest.MonkeyPatch) -> None:
        self.ari = ari
        self._environment = environment

    def __call__(self, line: str) -> list[str]:
        with self._environment.context() as patched:
            patched.setenv("_ARI_COMPLETE", "complete_bash")
            patched.setenv("COMP_WORDS", f"ari {line}")
            patched.setenv("COMP_CWORD", str(len(f"ari {line}".split(" ")) - 1))
            ran = self.ari(check=False)
        assert ran.err == ""
        return ran.out.split()


def test_values_of_the_instance(complete: Complete) -> None:
    """Those that begin with what was typed; a consumer without an external ID by its ID."""
    ari = complete.ari
    key = ari.create("Nightly report")[0]["id"]
    ari("consumers", "create", "Acme Inc.", "--external-id", "acme")
    beta = ari.json("consumers", "create", "Beta")["id"]
    ari("kinds", "add", "acme-live", "acme_live_")
    ari("scopes", "add", "orders:read", "Read orders.")
    ari("upstreams", "add", "vllm-a", "https://vllm.example.net")
    assert complete("keys show ") == [key]
    assert complete("keys revoke key_") == [key]
    assert complete("usage ai --key key_") == [key]
    assert complete("keys create x --consumer ") == ["acme", beta]
    assert complete("consumers show a") == ["acme"]
    assert complete("keys create x --kind ") == ["acme-live"]
    assert complete("keys create x --scope o") == ["orders:read"]
    assert {"keys:read", "orders:read"} <= set(complete("keys create x --scope "))
    assert complete("budgets set --provider v") == ["vllm-a"]
    assert {"openai", "vllm-a"} <= set(complete("integrations show "))
    assert complete("keys show nothing") == []


def test_names_are_offered_once_one_is_typed(complete: Complete) -> None:
    """Those of one word, which a shell can't take for anything else; a name that several have, once."""
    for name in ("Ada", "Ada", "Albert Einstein", "A$(reboot)"):
        complete.ari("keys", "create", name)
    complete.ari("consumers", "create", "Acme", "--external-id", "customer_4711")
    assert complete("keys show A") == ["Ada"]
    assert complete("usage --key Ad") == ["Ada"]
    assert complete("consumers show A") == ["Acme"]
    assert complete("consumers show c") == ["customer_4711"]


def test_deleted_keys_are_not_offered(complete: Complete) -> None:
    """Most commands can't do anything with them."""
    key = complete.ari.create("Old")[0]["id"]
    complete.ari("keys", "revoke", key, "--yes")
    assert complete("keys delete ") == [key]
    complete.ari("keys", "delete", key, "--yes")
    assert complete("keys delete ") == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ARI_DATA_DIR", "/nonexistent"),
        ("ARI_URL", "http://127.0.0.1:9"),
        ("ARI_URL", ""),
        ("ARI_DATABASE_URL", "postgresql://127.0.0.1:9/none"),
    ],
)
def test_a_failure_offers_nothing(
    complete: Complete, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A message would land in the line that is being typed."""
    complete.ari.create("a")
    monkeypatch.setenv(variable, value)
    assert complete("keys show ") == []


def test_a_database_that_is_none(complete: Complete, tmp_path: Path) -> None:
    """Nor does completion create one."""
    (tmp_path / "ari.db").write_bytes(b"not a database" * 100)
    assert complete(f"keys show --data-dir {tmp_path} ") == []
    empty = tmp_path / "empty"
    empty.mkdir()
    assert complete(f"keys show --data-dir {empty} ") == []
    assert list(empty.iterdir()) == []
