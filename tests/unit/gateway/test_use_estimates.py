"""Estimates of tokens: near what requests use, also for images, embeddings and batches, and learned for each key."""

import base64
import dataclasses
import os
from typing import Any

from ari.gateway.request_facts import RequestFacts
from ari.gateway.use_estimates import RequestSize, UseEstimates, measure_request
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage
from ari.usage.cleaning import MAX_TOKENS

FACTS = RequestFacts(("gpt-5-mini",), True, None, 400, 1, 1, False)
CHAT = "/v1/chat/completions"
MODEL = ("key_1", "openai", "gpt-5-mini")


def measure(path: str = CHAT, body: bytes = b"", **changes: Any) -> RequestSize:
    facts = dataclasses.replace(FACTS, input_bytes=len(body) or 400, **changes)
    return measure_request(path, facts, body)


def test_the_first_request_is_estimated_by_its_size() -> None:
    """And never with more output than the caller allows."""
    expected = UseEstimates().estimate(*MODEL, measure())
    assert (expected.input_tokens, expected.output_tokens) == (100, 500)
    assert UseEstimates().estimate(*MODEL, measure(max_output_tokens=20)).output_tokens == 20
    assert UseEstimates().estimate(*MODEL, measure(choice_count=3, max_output_tokens=20)).output_tokens == 60


def test_an_estimate_is_bounded() -> None:
    """Whatever a caller asks for and a provider has reported before."""
    estimates = UseEstimates()
    estimates.learn(*MODEL, measure(), TokenUsage(None, 10**9, 10**9))
    expected = estimates.estimate(*MODEL, measure(body=b"x" * 10**6, item_count=100_000, choice_count=128))
    assert (expected.input_tokens, expected.output_tokens) == (MAX_TOKENS, MAX_TOKENS)


def test_an_image_counts_as_tokens_not_as_bytes() -> None:
    """A photo of 600 kB would otherwise be taken for 200,000 tokens."""
    image = base64.b64encode(os.urandom(600_000))
    body = b'{"content": [{"image_url": {"url": "data:image/png;base64,' + image + b'"}}], "text": "what is this?"}'
    assert 1_000 < measure(body=body).input_tokens < 1_100
    plain = b'{"source": {"type": "base64", "data": "' + image + b'"}}'
    assert 1_000 < measure(body=plain).input_tokens < 1_100


def test_long_text_without_spaces_takes_linear_time() -> None:
    """Text that nearly looks like an attachment must not stop the event loop."""
    body = b'"' + b" ".join([b"a" * 3_999] * 200) + b'"'
    assert measure(body=body).input_tokens == len(body) // 4


def test_embeddings_have_no_output() -> None:
    """However many texts are sent."""
    size = measure("/v1/embeddings", item_count=1_000)
    assert UseEstimates().estimate(*MODEL, size).output_tokens == 0


def test_recent_use_replaces_the_start_values() -> None:
    """Of the same key and model only; unknown use teaches nothing."""
    estimates, size = UseEstimates(), measure()
    estimates.learn(*MODEL, size, UNKNOWN_USAGE)
    for _ in range(20):
        estimates.learn(*MODEL, size, TokenUsage(None, 150, 80))
    expected = estimates.estimate(*MODEL, measure(body=b"x" * 800))
    assert (expected.input_tokens, expected.output_tokens) == (300, 80)
    for _ in range(20):
        estimates.learn(*MODEL, size, TokenUsage(None, 150, 900))
    changed = estimates.estimate(*MODEL, size).output_tokens
    assert changed is not None
    assert 880 < changed <= 900
    assert estimates.estimate("key_2", *MODEL[1:], size).output_tokens == 500


def test_an_embedding_teaches_its_input() -> None:
    """Providers report no output for one."""
    estimates, size = UseEstimates(), measure("/v1/embeddings")
    estimates.learn(*MODEL, size, TokenUsage(None, 50, None))
    assert estimates.estimate(*MODEL, size).input_tokens == 50


def test_responses_cut_short_by_the_caller_do_not_lower_the_estimate() -> None:
    """Five calls with a limit of 2 tokens would make the next long response almost free."""
    estimates = UseEstimates()
    for _ in range(5):
        estimates.learn(*MODEL, measure(max_output_tokens=2), TokenUsage(None, 100, 2))
    assert estimates.estimate(*MODEL, measure()).output_tokens == 500
