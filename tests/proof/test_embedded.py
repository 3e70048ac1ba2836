"""Limits are exact through services that embed the guard, the short form of ``make limits ARGS=--embedded``."""

import asyncio
from pathlib import Path

import pytest

from tests.proof.embedded import prove, serve_embedded

pytestmark = pytest.mark.slow


def test_every_decision_of_several_services_keeps_the_rules(tmp_path: Path) -> None:
    """Workers of uvicorn and granian on one data directory, through kill -9 of a worker and of a whole service."""
    with serve_embedded(tmp_path, None) as (instance, services):
        assert asyncio.run(prove(instance, services, requests=1_200, kills=2, seed=1)) == []
