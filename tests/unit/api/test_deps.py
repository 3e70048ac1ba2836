"""What endpoints ask of their caller."""

from typing import Any

import pytest

from ari.api.deps import require_scope
from ari.base.caller import Caller
from ari.base.errors import Forbidden
from ari.base.events import Origin
from ari.deps import Deps


def test_a_missing_scope_is_named() -> None:
    """The error says which one, so that the caller can ask for it."""
    instance: Any = None
    deps = Deps(instance, Caller("key_1", Origin("api"), scopes=("keys:read", "usage:*")))
    require_scope(deps, "keys:read")
    require_scope(deps, "usage:read")
    with pytest.raises(Forbidden) as refused:
        require_scope(deps, "keys:write")
    assert refused.value.scope == "keys:write"
