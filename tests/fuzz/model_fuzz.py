"""Fuzz the reading of a request's model: ``make fuzz`` or ``--seconds N``.

Each body is also read by parsers as servers have them: strict and lenient ones, those that take the first or the last
of equal members, and those that ignore the case of names. All must find the model that ARI found, or ARI must refuse.
"""

import argparse
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec

from ari.gateway.request_facts import read_facts
from ari.gateway.route import Target
from ari.http.request_head import read_head
from ari.integrations.providers import get_provider
from ari.keys.model_rules import ModelRules
from tests.support.asgi import scope_of

_TARGET = Target(get_provider("openai"), "/v1/chat/completions")
_HEAD = read_head(scope_of("POST", b"/api/ai/openai/v1/chat/completions", [(b"content-type", b"application/json")]), 0)
_RULES = ModelRules(deny=("never",))
_NAMES = (
    '"model"',
    '"Model"',
    '"mod\\u0065l"',
    '"MODEL"',
    '"model\\u0000"',
    '" model"',
    '"mode\\ud800l"',
    "model",
    "'model'",
)
_VALUES = (
    '"good"',
    '"bad"',
    '"b\\u0061d"',
    "null",
    '["bad"]',
    '{"model": "bad"}',
    "'bad'",
    '"bad\\u0000"',
    "NaN",
    "1e999",
)
_NOISE = (
    " ",
    "\n",
    ",",
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ":",
    "/*",
    "*/",
    "//",
    "\x00",
    "\ufeff",
    "\u2028",
    "é",
    "#",
    "'",
)
_MEMBERS = (
    '"messages": [{"role": "user", "model": "bad"}]',
    '"n": 1',
    '"x": "\\"model\\": \\"bad\\""',
    '"stream": true',
)
_BROKEN = (b"\xe0", b"\xc0\x80", b"\xff", b"\xed\xa0\x80")


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _fold_last(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.casefold(): value for name, value in pairs}


def _fold_first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.casefold(): value for name, value in reversed(pairs)}


def _stop_at_nul(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.partition("\0")[0].strip(): value for name, value in pairs}


def _drop_surrogates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name.encode("ascii", "ignore").decode(): value for name, value in pairs}


def _load(body: bytes, hook: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> Any:
    return json.JSONDecoder(object_pairs_hook=hook, strict=False).raw_decode(
        body.decode("utf-8", "ignore").lstrip("\ufeff \n")
    )[0]


def _load_relaxed(body: bytes) -> Any:
    """As a server with a relaxed parser: comments, single quotes, bare names and trailing commas."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", body.decode("latin-1"), flags=re.DOTALL)
    text = re.sub(r"'([^'\"]*)'", r'"\1"', text)
    text = re.sub(r"([{,]\s*)model(\s*:)", r'\1"model"\2', text)
    return json.loads(re.sub(r",(\s*[}\]])", r"\1", text))


_PARSERS: tuple[Callable[[bytes], Any], ...] = (
    msgspec.json.decode,
    json.loads,
    *(partial(_load, hook=hook) for hook in (None, _first, _fold_last, _fold_first, _stop_at_nul, _drop_surrogates)),
    _load_relaxed,
)


def read_models(body: bytes) -> Iterator[object]:
    """The model in a body, once for each kind of parser that can read it."""
    for parse in _PARSERS:
        try:
            found = parse(body)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and found.get("model") is not None:
            yield found["model"]


def _make(source: random.Random) -> bytes:
    members = [source.choice(_MEMBERS) for _ in range(source.randrange(3))]
    members += [f"{source.choice(_NAMES)}: {source.choice(_VALUES)}" for _ in range(source.choice((0, 0, 1, 1, 2, 3)))]
    if source.random() < 0.7:
        members.append('"model": "good"')
    source.shuffle(members)
    text = "{" + ", ".join(members) + "}"
    for _ in range(source.choice((0, 0, 0, 1, 2))):
        at = source.randrange(len(text) + 1)
        text = text[:at] + source.choice(_NOISE) + text[at + source.randrange(2) :]
    body = text.encode("utf-8", "surrogatepass")
    if source.random() < 0.1:
        at = source.randrange(len(body))
        body = body[:at] + source.choice(_BROKEN) + body[at:]
    return body


def fuzz(seed: int, rounds: int | None = None, seconds: float = 60) -> tuple[int, int]:
    """Run so many rounds, or until the time is over; gives their number and that of bodies that ARI would forward."""
    source = random.Random(seed)
    ends = time.monotonic() + seconds
    done = determined = 0
    while time.monotonic() < ends and (rounds is None or done < rounds):
        body = _make(source)
        facts = read_facts(_TARGET, _HEAD, body)
        done += 1
        if facts.is_determined and all(_RULES.allows("openai", model) for model in facts.models):
            determined += 1
            found = set(read_models(body))
            # ARI also reads models that members unknown to it name.
            assert found <= set(facts.models), f"servers could read another model: {body!r}"
    return done, determined


def main() -> None:
    """Run until the time is over; an exception is a finding and ends the run with its seed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    done, determined = fuzz(arguments.seed, seconds=arguments.seconds)
    print(f"{done} rounds, {determined} forwarded, nothing found")


if __name__ == "__main__":
    main()
