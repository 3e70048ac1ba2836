"""Keys of the environment: read once, checked, never printed."""

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
