"""Seeds of random tests: fixed in the suite, so that a change never fails for another change's defect."""

import os

SUITE_SEED = 1


def choose_seed() -> int:
    """``SUITE_SEED``, that of ``ARI_TEST_SEED``, or a new one if this is ``random``; printed, to repeat a failure."""
    wanted = os.environ.get("ARI_TEST_SEED") or SUITE_SEED
    seed = int.from_bytes(os.urandom(4)) if wanted == "random" else int(wanted)
    print(f"To repeat: ARI_TEST_SEED={seed}")
    return seed
