"""The official SDKs, unchanged, with a base URL and an ARI key."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.gateway import AiGateway

if TYPE_CHECKING:  # the tests import them: each takes two seconds, in every process that collects tests
    import anthropic
    import openai

HELLO: Any = [{"role": "user", "content": "Hello"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
OPENAI_TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}
ANTHROPIC_TOOL: Any = {"name": "weather", "input_schema": PARAMETERS}


@pytest.fixture
def gpt(ai: AiGateway) -> Iterator["openai.OpenAI"]:
    import openai

    with openai.OpenAI(base_url=f"{ai.url}/api/ai/openai/v1", api_key=ai.key, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(ai: AiGateway) -> Iterator["anthropic.Anthropic"]:
    import anthropic

    with anthropic.Anthropic(base_url=f"{ai.url}/api/ai/anthropic", api_key=ai.key, max_retries=0) as client:
        yield client


def test_openai_chat(gpt: "openai.OpenAI") -> None:
    """Whole and streamed; a stream without the usage chunk that nobody requested."""
    whole = gpt.chat.completions.create(model="gpt-x", messages=HELLO)
    assert whole.choices[0].message.content == "Hello"
    assert whole.usage is not None
    assert whole.usage.prompt_tokens == 11
    chunks = list(gpt.chat.completions.create(model="gpt-x", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    asked: Any = {"include_usage": True}
    told = list(gpt.chat.completions.create(model="gpt-x", messages=HELLO, stream=True, stream_options=asked))
    assert told[-1].usage is not None
    assert told[-1].usage.completion_tokens == 7


def test_openai_tools(gpt: "openai.OpenAI") -> None:
    """Whole and streamed."""
    whole = gpt.chat.completions.create(model="gpt-x", messages=HELLO, tools=[OPENAI_TOOL])
    calls: Any = whole.choices[0].message.tool_calls
    assert (calls[0].function.name, calls[0].function.arguments) == ("weather", '{"city":"Oslo"}')
    stream = gpt.chat.completions.create(model="gpt-x", messages=HELLO, tools=[OPENAI_TOOL], stream=True)
    deltas: Any = [chunk.choices[0].delta.tool_calls for chunk in stream]
    assert next(found for found in deltas if found)[0].function.name == "weather"


def test_openai_responses_embeddings_and_models(gpt: "openai.OpenAI") -> None:
    """The rest of what most programs call."""
    assert gpt.responses.create(model="gpt-x", input="Hello").output_text == "Hello"
    events = list(gpt.responses.create(model="gpt-x", input="Hello", stream=True))
    assert [event.type for event in events][-1] == "response.completed"
    assert gpt.embeddings.create(model="e", input="x", encoding_format="float").data[0].embedding == [0.25, -0.5]
    assert [model.id for model in gpt.models.list()] == ["gpt-x"]


def test_openai_errors(ai: AiGateway, gpt: "openai.OpenAI") -> None:
    """The SDK's own classes; 429 with the header that its retries heed, and a refusal of our own with its words."""
    import openai

    with pytest.raises(openai.RateLimitError) as limited:
        gpt.chat.completions.create(model="429", messages=HELLO)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(openai.BadRequestError, match="Something about"):
        gpt.chat.completions.create(model="400-key", messages=HELLO)
    with pytest.raises(openai.InternalServerError, match="OpenAI rejected the API key"):
        gpt.chat.completions.create(model="401", messages=HELLO)
    with pytest.raises(openai.AuthenticationError, match="isn't a valid ARI API key"):
        gpt.with_options(api_key="ari_k_no").models.list()
    assert ai.provider.key not in str(limited.value)


def test_openai_retries_as_the_provider_says(ai: AiGateway, gpt: "openai.OpenAI") -> None:
    """``retry-after-ms`` passes, so the SDK tries again at once instead of guessing."""
    import openai

    with pytest.raises(openai.RateLimitError):
        gpt.with_options(max_retries=2).chat.completions.create(model="429", messages=HELLO)
    assert len(ai.provider.seen) == 3


def test_openai_does_not_repeat_what_cannot_get_better(ai: AiGateway, gpt: "openai.OpenAI") -> None:
    """A refused key stays refused: one call is one request."""
    import openai

    with pytest.raises(openai.InternalServerError, match="rejected the API key"):
        gpt.with_options(max_retries=2).chat.completions.create(model="401", messages=HELLO)
    assert len(ai.provider.seen) == 1


def test_what_the_sdks_say_of_themselves_arrives(ai: AiGateway) -> None:
    """Who pays, which features, and what is built into each SDK; never our key."""
    import anthropic
    import openai

    names = {"openai-organization": "org-a", "openai-project": "proj-a"}
    with openai.OpenAI(
        base_url=f"{ai.url}/api/ai/openai/v1", api_key=ai.key, organization="org-a", project="proj-a", max_retries=0
    ) as client:
        client.models.list(extra_headers={"HTTP-Referer": "https://app.example"})
    sent = ai.provider.last.headers
    assert {name: sent[name] for name in names} == names
    assert sent["http-referer"] == "https://app.example"
    assert sent["x-stainless-lang"] == "python"
    with anthropic.Anthropic(base_url=f"{ai.url}/api/ai/anthropic", api_key=ai.key, max_retries=0) as claude:
        betas = {"anthropic-beta": "a,b", "anthropic-workspace-id": "w"}
        claude.messages.create(model="c", max_tokens=9, messages=HELLO, extra_headers=betas)
    sent = ai.provider.last.headers
    assert (sent["anthropic-beta"], sent["anthropic-workspace-id"]) == ("a,b", "w")
    assert ai.key not in str(ai.provider.seen)


def test_openai_reads_what_it_began(ai: AiGateway, gpt: "openai.OpenAI") -> None:
    """A response in the background, and a model whose id has a slash, as the SDK writes it."""
    gpt.responses.retrieve("resp_1")
    assert ai.provider.last.path == "/v1/responses/resp_1"
    gpt.responses.cancel("resp_1")
    gpt.models.retrieve("openai/gpt-oss-120b")
    assert ai.provider.last.path == "/v1/models/openai%2Fgpt-oss-120b"


def test_anthropic_messages(claude: "anthropic.Anthropic") -> None:
    """Whole and streamed."""
    whole = claude.messages.create(model="c", max_tokens=9, messages=HELLO)
    assert whole.content[0].type == "text"
    assert whole.content[0].text == "Hello"
    with claude.messages.stream(model="c", max_tokens=9, messages=HELLO) as stream:
        assert "".join(stream.text_stream) == "Hello"
        assert stream.get_final_message().usage.output_tokens == 6


def test_anthropic_tools(claude: "anthropic.Anthropic") -> None:
    """A tool that the model wants used."""
    whole = claude.messages.create(model="c", max_tokens=9, messages=HELLO, tools=[ANTHROPIC_TOOL])
    assert whole.stop_reason == "tool_use"
    assert whole.content[0].type == "tool_use"
    assert whole.content[0].input == {"city": "Oslo"}


def test_anthropic_errors(ai: AiGateway, claude: "anthropic.Anthropic") -> None:
    """As with OpenAI's; the version header arrives, the caller's key does not."""
    import anthropic

    with pytest.raises(anthropic.RateLimitError) as limited:
        claude.messages.create(model="429", max_tokens=9, messages=HELLO)
    assert limited.value.response.headers["retry-after"] == "7"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", ai.provider.last.headers["anthropic-version"])
    assert ai.provider.last.headers["x-api-key"] == ai.provider.key
    assert ai.key not in str(ai.provider.last)
    with pytest.raises(anthropic.InternalServerError, match="Anthropic rejected the API key"):
        claude.messages.create(model="401", max_tokens=9, messages=HELLO)


async def _many(ai: AiGateway) -> list[str | None]:
    import openai

    async with openai.AsyncOpenAI(base_url=f"{ai.url}/api/ai/openai/v1", api_key=ai.key, max_retries=0) as client:
        stream = await client.chat.completions.create(model="gpt-x", messages=HELLO, stream=True)
        return [chunk.choices[0].delta.content async for chunk in stream]


def test_openai_asynchronous(ai: AiGateway) -> None:
    """The asynchronous client streams as well."""
    import asyncio

    assert "".join(text or "" for text in asyncio.run(_many(ai))) == "Hello"


def test_the_guides_snippets(ai: AiGateway) -> None:
    """The commands of docs/guides/call-ai-providers.md, against a stand-in."""
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "call-ai-providers.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    calls = [block for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL) if "/api/ai/openai" in block]
    assert (len(programs), len(calls)) == (2, 1)
    environment = {"PATH": os.environ["PATH"], "ARI_API_KEY": ai.key}
    for command in ([sys.executable, "-c", programs[0]], [sys.executable, "-c", programs[1]], ["sh", "-euc", calls[0]]):
        words = [word.replace("http://127.0.0.1:3000", ai.url) for word in command]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert "Hello" in done.stdout
