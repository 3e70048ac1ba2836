"""Keys of the environment: read once, checked, never printed."""

from pathlib import Path

import pytest

from ari.base.errors import ConfigurationError
from ari.integrations.environment import key_variables, read_environment

KEY = "sk-proj-0123456789abcdefABCDEF"


def test_what_is_given_is_read() -> None:
    """Keys and base URLs by provider; an empty variable counts as unset."""
    given = {
        "OPENAI_API_KEY": f" {KEY}\n",
        "OPENAI_BASE_URL": "https://proxy.example.net/openai/v1/",
        "ANTHROPIC_API_KEY": "",
        "OLLAMA_BASE_URL": "http://127.0.0.1:11434",
        "OTHER_API_KEY": "x",
    }
    found = read_environment(given)
    assert found.keys == {"openai": KEY}
    assert found.base_urls == {"openai": "https://proxy.example.net/openai", "ollama": "http://127.0.0.1:11434"}
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OPENAI_API_KEY", "'hunter2'"), ("GROQ_API_KEY", "a b"), ("OPENAI_BASE_URL", "http://user:hunter2@host")],
)
def test_a_bad_value_names_the_variable(variable: str, value: str) -> None:
    """And never the value."""
    with pytest.raises(ConfigurationError, match=f"^{variable}: ") as refused:
        read_environment({variable: value})
    assert value not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("more", [{}, {"OPENAI_BASE_URL": "http://127.0.0.1:4000"}])
def test_keys_of_any_look_are_taken(more: dict[str, str]) -> None:
    """A variable that is there for other programs does not keep ARI from starting."""
    assert read_environment({"OPENAI_API_KEY": "hunter2", "RESEND_API_KEY": "re_x", **more}).keys == {
        "openai": "hunter2",
        "resend": "re_x",
    }


def test_every_provider_has_a_variable_of_its_own() -> None:
    """Two with one variable would share a key."""
    assert len(set(key_variables())) == len(key_variables())


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    """Again when it changes, without a restart; other keys stay as they are."""
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    found = read_environment({"OPENAI_API_KEY_FILE": str(path), "GROQ_API_KEY": "gsk_x"})
    assert found.keys == {"openai": KEY, "groq": "gsk_x"}
    assert found.refresh() is found
    path.write_text(f"{KEY}2")
    assert found.refresh().keys == {"openai": f"{KEY}2", "groq": "gsk_x"}
    assert KEY not in repr(found)


@pytest.mark.parametrize("content", [None, "'hunter2'"])
def test_a_bad_file_names_its_variable(content: str | None, tmp_path: Path) -> None:
    """And never its content."""
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(ConfigurationError, match=r"^OPENAI_API_KEY_FILE: ") as refused:
        read_environment({"OPENAI_API_KEY_FILE": str(tmp_path / "key")})
    assert "hunter2" not in str(refused.value)
