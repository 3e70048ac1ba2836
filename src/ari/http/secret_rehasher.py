"""Checks keys that are known by a salted hash only, and has ARI's own hash stored for them.

Such a check takes up to seconds of work, and everybody who knows the id in a key can cause one. So one is made at a
time, with low priority, and few wait for each id: wrong keys delay only the key with the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from ari import keys
from ari.base.errors import Unavailable
from ari.base.threads import lower_priority
from ari.deps import Deps
from ari.keys import token
from ari.keys.imports import foreign_tokens

MAX_TEXTS_PER_ID = 2
"""Different texts with one id that are checked or wait."""
CROWDED = "Too many keys are waiting to be checked. Try again in a moment."


class SecretRehasher:
    """Belongs to one event loop."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._thread = ThreadPoolExecutor(1, "ari-rehash", initializer=lower_priority)
        self._checks: dict[bytes, asyncio.Task[bool]] = {}
        self._texts: Counter[str] = Counter()

    async def rehash(self, text: bytes) -> bool:
        """Whether ``text`` has a salted hash; its digest is now stored. Raises ``Unavailable``.

        All requests with one text share a check.
        """
        digest = token.digest(text)
        check = self._checks.get(digest)
        if check is None:
            check = self._checks[digest] = asyncio.create_task(self._check(text))
            check.add_done_callback(lambda _: self._checks.pop(digest))
        return await asyncio.shield(check)

    async def _check(self, text: bytes) -> bool:
        loop = asyncio.get_running_loop()
        for secret in await self._deps.read(keys.list_salted, text):
            with self._count(secret.foreign_id):
                is_right = await loop.run_in_executor(self._thread, foreign_tokens.check_salted, text, secret)
            if is_right:
                await self._deps.do(keys.rehash, secret, text)
                return True
        return False

    @contextmanager
    def _count(self, foreign_id: str) -> Iterator[None]:
        """Raise ``Unavailable`` if too many texts with this id are checked or wait."""
        if self._texts[foreign_id] >= MAX_TEXTS_PER_ID:
            raise Unavailable(CROWDED)
        self._texts[foreign_id] += 1
        try:
            yield
        finally:
            self._texts[foreign_id] -= 1
            if not self._texts[foreign_id]:
                del self._texts[foreign_id]

    def close(self) -> None:
        """Forget what waits."""
        self._thread.shutdown(wait=False, cancel_futures=True)
