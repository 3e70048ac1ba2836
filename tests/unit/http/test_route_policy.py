"""Every endpoint declares who may call it."""

import pytest

from ari.http.route_policy import AuthMode, UndeclaredRoute, policy, policy_of


def test_an_endpoint_keeps_what_it_declared() -> None:
    """Mode, scope and the confirmed password, in one object."""

    @policy(AuthMode.KEY_OR_SESSION, scope="keys:write", sensitive=True)
    def write() -> None: ...

    @policy(AuthMode.SESSION)
    def show() -> None: ...

    declared = policy_of(write)
    assert (declared.auth, declared.scope, declared.sensitive) == (AuthMode.KEY_OR_SESSION, "keys:write", True)
    assert (policy_of(show).scope, policy_of(show).sensitive, policy_of(show).inline_styles) == (None, False, False)


@pytest.mark.parametrize("auth", [AuthMode.KEY, AuthMode.KEY_OR_SESSION])
def test_a_route_for_keys_must_name_its_scope(auth: AuthMode) -> None:
    """Forgetting it must not mean that any key will do; ``None`` says so."""
    with pytest.raises(UndeclaredRoute):
        policy(auth)

    @policy(auth, scope=None)
    def read() -> None: ...

    assert policy_of(read).scope is None


@pytest.mark.parametrize(
    ("auth", "scope"), [(AuthMode.KEY, "keys:write"), (AuthMode.KEY_OR_SESSION, None), (AuthMode.OPEN, None)]
)
def test_only_a_route_for_any_key_revokes_its_caller(auth: AuthMode, scope: str | None) -> None:
    """Its checks are fewer, so it can't also do something else for others."""
    with pytest.raises(UndeclaredRoute):
        policy(auth, scope=scope, revokes_self=True)


def test_an_endpoint_without_a_policy_is_refused() -> None:
    """Nothing is open by omission."""

    def silent() -> None: ...

    with pytest.raises(UndeclaredRoute, match="silent"):
        policy_of(silent)
