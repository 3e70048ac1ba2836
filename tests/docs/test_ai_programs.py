"""The guide to AI programs works: each section runs with the real program, against a stand-in for providers."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support import programs
from tests.support.gateway import AiGateway

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "ai-programs.md"
INSTANCE = "http://127.0.0.1:3000"
LIBRARIES = ("LangChain", "LlamaIndex", "LiteLLM as a library")
SDKS = ("OpenAI SDK for Node.js", "Anthropic SDK for Node.js")


def snippets(section: str, ai: AiGateway) -> list[str]:
    """The code blocks of a section, with the address of the running instance."""
    (text,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    return [block.replace(INSTANCE, ai.url) for block in re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)]


def run(command: Sequence[str], ai: AiGateway, folder: Path) -> str:
    """Run a command in an empty folder that is also its home, with the ARI key and no other; returns its output."""
    node = str(Path(programs.find_node()).parent)
    environment = {
        "PATH": os.pathsep.join([str(programs.PACKAGES / ".bin"), node, os.environ["PATH"]]),
        "HOME": str(folder),
        "ARI_API_KEY": ai.key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_section_with_a_snippet_is_run_here() -> None:
    """A new section without a test would rot."""
    text = GUIDE.read_text()
    sections = [part for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:] if "```" in part]
    titles = {part.partition("\n")[0] for part in sections}
    assert titles == {*LIBRARIES, *SDKS, "Claude Code", "Codex CLI", "Open WebUI"}


@pytest.mark.parametrize("section", LIBRARIES)
def test_python_libraries(section: str, ai: AiGateway, tmp_path: Path) -> None:
    """The two calls of each section work, and the provider gets its own key."""
    (program,) = snippets(section, ai)
    assert run([programs.find_python(), "-c", program], ai, tmp_path).count("Hello") == 2
    assert len(ai.provider.seen) == 2
    assert ai.key not in str(ai.provider.seen)


@pytest.mark.parametrize("section", SDKS)
def test_node_sdks(section: str, ai: AiGateway, tmp_path: Path) -> None:
    """The official SDKs on Node.js."""
    (program,) = snippets(section, ai)
    (tmp_path / "program.mjs").write_text(program)
    node = programs.find_node()
    (tmp_path / "node_modules").symlink_to(programs.PACKAGES)
    assert "Hello" in run([node, "program.mjs"], ai, tmp_path)
    assert ai.key not in str(ai.provider.seen)


def test_claude_code(ai: AiGateway, tmp_path: Path) -> None:
    """Its output is the text of the provider, through the gateway."""
    programs.find_program("claude")
    (script,) = snippets("Claude Code", ai)
    assert "Hello" in run(["sh", "-euc", script], ai, tmp_path)
    assert ai.provider.last.headers["x-api-key"] == ai.provider.key
    assert ai.key not in str(ai.provider.seen)


def test_codex(ai: AiGateway, tmp_path: Path) -> None:
    """The settings of the guide, then one question."""
    programs.find_program("codex")
    settings, script = snippets("Codex CLI", ai)
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(settings)
    assert "Hello" in run(["sh", "-euc", script], ai, tmp_path)
    assert ai.provider.last.path == "/v1/responses"
    assert ai.key not in str(ai.provider.seen)


def test_open_webui_lists_models_and_streams(ai: AiGateway) -> None:
    """It asks the two paths below the base URL of the guide that every OpenAI client asks."""
    (settings,) = snippets("Open WebUI", ai)
    base = dict(line.split("=", 1) for line in settings.splitlines())["OPENAI_API_BASE_URL"]
    bearer = {"authorization": f"Bearer {ai.key}"}
    with ai.client() as client:
        models = client.get(f"{base}/models", headers=bearer)
        chat = {
            "model": models.json()["data"][0]["id"],
            "stream": True,
            "messages": [{"role": "user", "content": "Hi"}],
        }
        assert "[DONE]" in client.post(f"{base}/chat/completions", headers=bearer, json=chat).text
