"""Settings that don't fit together stop the start with one sentence."""

import base64
from pathlib import Path
from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.base.settings import load_settings


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"admin_email": "a@example.net"}, "ARI_ADMIN_EMAIL and ARI_ADMIN_PASSWORD must be set together"),
        ({"smtp_url": "smtps://host"}, "ARI_SMTP_URL requires ARI_MAIL_FROM"),
        ({"forward_auth": "nginx"}, "ARI_FORWARD_AUTH requires ARI_TRUSTED_PROXIES"),
        ({"display_currency": "EUR"}, "requires ARI_DISPLAY_CURRENCY_RATE"),
    ],
)
def test_a_pair_is_refused(data_dir: Path, given: dict[str, Any], sentence: str) -> None:
    """Half of a pair, which would have no effect."""
    with pytest.raises(ConfigurationError, match=sentence):
        load_settings(data_dir=data_dir, **given)


def test_two_places_for_one_thing_are_refused(data_dir: Path, tmp_path: Path) -> None:
    """It would be unclear which of them counts."""
    with pytest.raises(ConfigurationError, match="ARI_MASTER_KEY and ARI_MASTER_KEY_FILE can't both be set"):
        load_settings(
            data_dir=data_dir, master_key=base64.b64encode(bytes(range(32))).decode(), master_key_file=tmp_path / "key"
        )
