"""The right to change an integration."""

from ari.base.caller import Caller
from ari.base.errors import Forbidden
from ari.integrations.model import Provider


def require_may_change(caller: Caller, provider: Provider) -> None:
    """Refuse API keys, whatever their scopes, for the provider that sends password reset emails."""
    if provider.sends_mail and caller.key_id is not None:
        raise Forbidden(
            f"API keys can't change {provider.title}, because ARI sends its own email through it. Sign in as the owner "
            "or use the command line."
        )
