"""A transaction over many deliveries keeps others waiting for a twentieth of a second, on slow and fast databases."""

from itertools import pairwise

from ari.webhooks.chunks import AIM_SECONDS, MAX_SIZE, MIN_SIZE, ChunkSize


def _run(seconds_each: float, chunks: int) -> list[int]:
    """The sizes of chunks on a database that takes ``seconds_each`` for each delivery."""
    now, sizes = 0.0, list[int]()
    chunk = ChunkSize(lambda: now)
    for _ in range(chunks):
        sizes.append(chunk.size)
        with chunk.measure():
            now += chunk.size * seconds_each
    return sizes


def test_a_chunk_takes_as_long_as_it_should() -> None:
    """From the second one on."""
    for seconds_each in (0.0002, 0.001, 0.004):
        assert all(one * seconds_each <= 1.01 * AIM_SECONDS for one in _run(seconds_each, 20)[1:])


def test_a_fast_database_gets_large_chunks_step_by_step() -> None:
    """At most twice as many each time, up to a bound."""
    sizes = _run(0.000001, 10)
    assert all(after <= 2 * before for before, after in pairwise(sizes))
    assert sizes[-1] == MAX_SIZE


def test_a_very_slow_database_still_advances() -> None:
    """Some deliveries are in every chunk."""
    assert _run(1.0, 5)[1:] == [MIN_SIZE] * 4
