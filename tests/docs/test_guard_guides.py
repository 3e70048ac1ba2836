"""The programs in the guides of guards run as they are copied, and so do the tests that follow them."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from litestar.testing import TestClient as LitestarClient
from starlette.testclient import TestClient

from ari.guard.testing import fake_keys

GUIDES = Path(__file__).parents[2] / "docs/guides"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def _read_blocks(guide: str) -> list[str]:
    return BLOCK.findall((GUIDES / f"guard-{guide}.md").read_text())


@pytest.fixture
def app() -> Iterator[ModuleType]:
    """The module ``app`` that readers save."""
    module = sys.modules["app"] = ModuleType("app")
    yield module
    del sys.modules["app"]


@pytest.mark.parametrize("guide", ["fastapi", "flask"])
def test_the_program_passes_the_test_of_its_guide(guide: str, app: ModuleType) -> None:
    """Both from the guide, in one directory."""
    first, *others = _read_blocks(guide)
    exec(first, vars(app))
    [test] = [block for block in others if "fake_keys" in block]
    found: dict[str, Any] = {}
    exec(test, found)
    assert len(found["keys"].requests) == 1


@pytest.mark.parametrize(("guide", "client"), [("starlette", TestClient), ("litestar", LitestarClient)])
def test_the_program_guards_its_route(guide: str, client: Any, app: ModuleType) -> None:
    """The guide has no test of its own."""
    exec(_read_blocks(guide)[0], vars(app))
    with fake_keys(vars(app)["ari"]) as keys, client(vars(app)["app"]) as opened:
        secret = keys.create("orders:read")
        assert opened.get("/orders").status_code == 401
        assert opened.get("/orders", headers={"x-api-key": secret}).status_code == 200


def test_the_django_view_is_complete() -> None:
    """It needs a project, so only its names are checked here; the example is a whole one."""
    [first, *_] = _read_blocks("django")
    view = first.partition("# views.py")[2].partition("# urls.py")[0]
    found: dict[str, Any] = {}
    exec(view, found)
    assert {"JsonResponse", "require_key", "read_order"} <= found.keys()
