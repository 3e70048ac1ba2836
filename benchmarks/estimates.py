"""The error of the AI gateway's estimates, for shapes of traffic: ``python benchmarks/estimates.py``.

Each shape has a log-normal distribution of input and output, with a fixed seed; its text has 3.6 to 4.4 bytes per
token. They are models of traffic, not recordings. The first request of a key is estimated by start values, later ones
by those before them. ``worst case`` is what
reserving the model's or the caller's largest output would reserve, in place of the estimate.
"""

import random
import statistics
from dataclasses import dataclass

from ari.gateway.use_estimates import RequestSize, UseEstimates
from ari.usage.ai import TokenUsage

REQUESTS = 2_000
MAX_OUTPUT_TOKENS = 16_000
"""Of typical models: the reservation of a request without a limit of its own."""


@dataclass(frozen=True)
class Shape:
    """Medians of tokens and the spreads (sigma) of their logarithms. ``max_tokens`` is the caller's limit."""

    name: str
    input_tokens: int
    input_spread: float
    output_tokens: int
    output_spread: float
    max_tokens: int | None = None
    images: int = 0
    image_tokens: int = 0


SHAPES = (
    Shape("chat, short", 150, 0.5, 180, 0.6),
    Shape("chat, long", 6_000, 0.7, 700, 0.5),
    Shape("chat, max_tokens 1,000", 800, 0.6, 350, 0.6, 1_000),
    Shape("reasoning", 1_200, 0.6, 3_500, 0.9),
    Shape("tools", 3_500, 0.4, 90, 0.7),
    Shape("images", 120, 0.4, 200, 0.5, images=1, image_tokens=765),
    Shape("embeddings", 400, 0.8, 0, 0.0),
)


@dataclass(frozen=True)
class Errors:
    """Relative errors of the estimates: the middle one, the 95th of 100 below and above, and that of their sum."""

    median: float
    low: float
    high: float
    total: float
    first: float
    worst_case: float


def measure(shape: Shape) -> Errors:
    """The errors over the requests of one key, without the first, which has its own."""
    chance, estimates = random.Random(16), UseEstimates()
    errors, estimated, real, reserved, first = list[float](), 0, 0, 0, 0.0
    for number in range(REQUESTS):
        input_tokens = max(1, round(chance.lognormvariate(0, shape.input_spread) * shape.input_tokens))
        output_tokens = round(chance.lognormvariate(0, shape.output_spread) * shape.output_tokens)
        output_tokens = min(output_tokens, shape.max_tokens or MAX_OUTPUT_TOKENS)
        text_tokens = max(1, round(input_tokens * chance.uniform(0.9, 1.1)))
        size = RequestSize(
            text_tokens + 1_000 * shape.images, 1, shape.max_tokens, shape.output_tokens > 0, text_tokens
        )
        expected = estimates.estimate("key", "openai", shape.name, size)
        used = TokenUsage(None, input_tokens + shape.images * shape.image_tokens, output_tokens)
        estimates.learn("key", "openai", shape.name, size, used)
        total, guess = sum_tokens(used), sum_tokens(expected)
        if number == 0:
            first = guess / total - 1
            continue
        errors.append(guess / total - 1)
        estimated, real = estimated + guess, real + total
        reserved += input_tokens + (shape.max_tokens or MAX_OUTPUT_TOKENS) * (shape.output_tokens > 0)
    parts = statistics.quantiles(errors, n=20)
    return Errors(statistics.median(errors), parts[0], parts[-1], estimated / real - 1, first, reserved / real)


def sum_tokens(used: TokenUsage) -> int:
    """All tokens, read and generated."""
    return (used.input_tokens or 0) + (used.output_tokens or 0)


def main() -> None:
    """Print a table for ``NOTES.md``."""
    print("| Shape | First request | Median | 5 % to 95 % | Sum | Worst case reserves |")
    print("|---|---|---|---|---|---|")
    for shape in SHAPES:
        found = measure(shape)
        spread = f"{found.low:+.0%} to {found.high:+.0%}"
        print(f"| {shape.name} | {found.first:+.0%} | {found.median:+.0%} | {spread} | {found.total:+.1%} |", end="")
        print(f" {found.worst_case:.1f} times |")


if __name__ == "__main__":
    main()
