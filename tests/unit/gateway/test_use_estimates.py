"""Estimates of tokens: near what requests use, also for images, embeddings and batches, and learned for each key."""

from typing import Any

import pytest
from msgspec.structs import replace

from ari.gateway.content_size import ContentSize
from ari.gateway.request_facts import RequestFacts
from ari.gateway.use_estimates import RequestSize, UseEstimates, measure_request
from ari.usage.ai import UNKNOWN_USAGE, TokenUsage
from ari.usage.cleaning import MAX_TOKENS

FACTS = RequestFacts(("gpt-5-mini",), True, None, 400, 1, 1, False)
CHAT = "/v1/chat/completions"
MODEL = ("key_1", "openai", "gpt-5-mini")


def measure(
    path: str = CHAT, text_bytes: int = 400, attachments: int = 0, *, names_more: bool = False, **changes: Any
) -> RequestSize:
    content = ContentSize(text_bytes, attachments, attachments * 10**6, has_references=names_more)
    facts = replace(FACTS, content=content, **changes)
    return measure_request(path, facts)


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
    expected = estimates.estimate(*MODEL, measure(text_bytes=10**6, item_count=100_000, choice_count=128))
    assert (expected.input_tokens, expected.output_tokens) == (1_000_000, MAX_TOKENS)


def test_an_attachment_counts_as_tokens_not_as_bytes() -> None:
    """A photo of 1 MB would otherwise be taken for 250,000 tokens; of a recording, the length counts."""
    assert measure(attachments=1).input_tokens == 1_100
    assert measure("/v1/audio/transcriptions", attachments=1).input_tokens == 13_433
    wav = replace(FACTS, content=ContentSize(400, 1, 10**6, 32))
    assert measure_request("/v1/audio/transcriptions", wav).input_tokens == 1_100
    assert (
        measure_request("/v1/audio/transcriptions", replace(wav, content=ContentSize(400, 1, 10**7, 313))).input_tokens
        == 3_230
    )


@pytest.mark.parametrize("real_tokens", [0, 1, 40])
def test_blanks_do_not_make_later_text_cheap(real_tokens: int) -> None:
    """However few tokens the requests before had."""
    estimates = UseEstimates()
    for _ in range(20):
        estimates.learn(*MODEL, measure(text_bytes=40_000), TokenUsage(None, real_tokens, 10))
    assert estimates.estimate(*MODEL, measure(text_bytes=400_000)).input_tokens == 50_000


def test_cheap_images_do_not_make_text_cheap() -> None:
    """Images of 85 tokens lower the estimate of other images only."""
    estimates = UseEstimates()
    for _ in range(20):
        estimates.learn(*MODEL, measure(attachments=10), TokenUsage(None, 950, 10))
    assert (estimates.estimate(*MODEL, measure(attachments=10)).input_tokens or 0) < 1_100
    assert estimates.estimate(*MODEL, measure(text_bytes=400_000)).input_tokens == 50_000


@pytest.mark.parametrize("has_references", [True, False])
def test_input_that_a_request_only_names_does_not_make_text_dear(has_references: bool) -> None:
    """One uploaded file of 150,000 tokens would make each later text look thousands of times as long."""
    estimates, text = UseEstimates(), measure(text_bytes=10_000)
    file = measure(text_bytes=100, names_more=has_references)
    estimates.learn(*MODEL, file, TokenUsage(None, 150_000, 10))
    most = 2_500 if has_references else 10_000
    assert (estimates.estimate(*MODEL, text).input_tokens or 0) <= most
    if has_references:
        assert estimates.estimate(*MODEL, file).input_tokens == 150_000


def test_a_long_document_does_not_make_text_dear() -> None:
    """Later documents are estimated by it."""
    estimates, document = UseEstimates(), measure(attachments=1)
    estimates.learn(*MODEL, document, TokenUsage(None, 150_000, 10))
    assert (estimates.estimate(*MODEL, measure(text_bytes=10_000)).input_tokens or 0) <= 10_000
    assert estimates.estimate(*MODEL, document).input_tokens == 150_000


def test_a_wrong_estimate_does_not_last_by_its_refusals() -> None:
    """They measure nothing, so that each brings the estimate nearer to that of a first request."""
    estimates, size = UseEstimates(), measure(names_more=True)
    estimates.learn(*MODEL, size, TokenUsage(None, 150_000, 100_000))
    for _ in range(60):
        estimates.note_refused(*MODEL)
    expected = estimates.estimate(*MODEL, size)
    assert (expected.input_tokens, expected.output_tokens) == (100, 500)
    estimates.learn(*MODEL, size, TokenUsage(None, 100, 20))
    before = estimates.estimate(*MODEL, size).output_tokens
    estimates.note_refused(*MODEL)
    assert estimates.estimate(*MODEL, size).output_tokens == before


def test_all_first_requests_but_one_reserve_their_limits() -> None:
    """Many at once could exceed a budget many times over. The one is not refused for a limit that it won't use."""
    estimates = UseEstimates()
    sizes = [measure(max_output_tokens=limit) for limit in (40_000, 40_000, None)]
    assert [estimates.begin(*MODEL, size) for size in sizes] == [None, 40_000, 16_000]
    estimates.end(*MODEL, sizes[1])
    assert estimates.begin(*MODEL, sizes[1]) == 40_000
    estimates.end(*MODEL, sizes[0])
    assert estimates.begin(*MODEL, sizes[1]) is None
    del sizes[1]  # refused, so that it never ends
    assert estimates.begin(*MODEL, sizes[0]) is None
    estimates.learn(*MODEL, sizes[0], TokenUsage(None, 100, 20))
    assert estimates.begin(*MODEL, sizes[1]) is None
    assert UseEstimates().begin(*MODEL, measure("/v1/embeddings")) is None


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
    expected = estimates.estimate(*MODEL, measure(text_bytes=800))
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
