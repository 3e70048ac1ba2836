"""Seeds of random tests: a new one in each run, printed, so that a failure can be repeated."""

import os


def new_seed() -> int:
    """A new seed, or that of ``ARI_TEST_SEED``; printed, which pytest shows of a test that fails."""
    seed = int(os.environ.get("ARI_TEST_SEED") or int.from_bytes(os.urandom(4)))
    print(f"To repeat: ARI_TEST_SEED={seed}")
    return seed
