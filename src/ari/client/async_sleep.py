"""Waiting without blocking."""


async def sleep(seconds: float) -> None:
    """Let other tasks run for that long."""
    import asyncio  # noqa: PLC0415 - a fifth of the client's import time, which the blocking client doesn't need

    await asyncio.sleep(seconds)
