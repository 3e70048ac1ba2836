"""A FastAPI route behind keyshield on SQLite. MODE=documented follows its README; MODE=cached is its fastest form:
the cached service, no artificial delay, the table made once.

``python keyshield_app.py COUNT`` makes the database named by DB and prints the keys, one a line.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import aiocache
from fastapi import Depends, FastAPI
from keyshield import ApiKey, ApiKeyService
from keyshield.api import create_depends_api_key
from keyshield.hasher.argon2 import Argon2ApiKeyHasher
from keyshield.repositories.sql import SqlAlchemyApiKeyRepository
from keyshield.services.cached import CachedApiKeyService
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

CACHED = os.environ.get("MODE") == "cached"
engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['DB']}")
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
hasher = Argon2ApiKeyHasher(pepper="only for a benchmark, 32 characters")
memory = aiocache.SimpleMemoryCache()
app = FastAPI()


async def session() -> AsyncIterator[AsyncSession]:
    """One transaction for each request."""
    async with sessions() as opened, opened.begin():
        yield opened


async def service(opened: AsyncSession = Depends(session)) -> ApiKeyService:
    """The library's service."""
    repository = SqlAlchemyApiKeyRepository(opened)
    if CACHED:
        return CachedApiKeyService(repo=repository, hasher=hasher, cache=memory, min_delay=0, max_delay=0)
    await repository.ensure_table(async_engine=engine)
    return ApiKeyService(repo=repository, hasher=hasher)


require_key = create_depends_api_key(service)


@app.get("/api/things/{thing_id}")
async def read_thing(thing_id: str, _key: ApiKey = Depends(require_key)) -> dict:
    """The same five fields as everywhere."""
    return {"id": thing_id, "name": "a thing", "size": 3, "tags": ["x"], "ok": True}


async def fill(count: int) -> list[str]:
    """Make keys as the library makes them; their secrets."""
    async with sessions() as opened:
        repository = SqlAlchemyApiKeyRepository(opened)
        await repository.ensure_table(async_engine=engine)
        async with opened.begin():
            made = ApiKeyService(repo=repository, hasher=hasher)
            secrets = [(await made.create(name=f"key {number}"))[1] for number in range(count)]
    await engine.dispose()
    return secrets


if __name__ == "__main__":
    print("\n".join(asyncio.run(fill(int(sys.argv[1])))))
