"""The values that a provider's response may put into the log."""

from typing import Any

from msgspec.structs import replace

from ari.usage.ai import AiUse
from ari.usage.cleaning import MODEL_LENGTH, clean_use

USE = AiUse("req_1", 1, "key_1", "openai", "m", 1, 2, 3, 200, 1.0, 2.0, "complete")


def _with(**more: Any) -> AiUse:
    return clean_use(replace(USE, **more))


def test_a_models_name_is_cleaned() -> None:
    """It is a provider's text: bounded, printable, without a key."""
    assert clean_use(USE) is USE
    assert _with(model="a\x00b").model == "a\ufffdb"
    assert len(_with(model="m" * 10_000).model or "") == MODEL_LENGTH
    secret = "sk-proj-0123456789abcdefghij0123456789"
    assert secret not in (_with(model=secret).model or "")
    assert _with(model="").model is None


def test_a_number_that_is_none_is_unknown() -> None:
    """No database is asked to keep what it cannot."""
    assert (_with(input_tokens=-1).input_tokens, _with(output_tokens=2**80).output_tokens) == (None, None)
    assert _with(cached_tokens=0).cached_tokens == 0
    assert (_with(audio_tokens=-1).audio_tokens, _with(reasoning_tokens=2**33).reasoning_tokens) == (None, None)
    assert (_with(cost_micros=-1).cost_micros, _with(cost_micros=2**43).cost_micros) == (None, None)
    assert _with(cost_micros=2**42).cost_micros == 2**42
