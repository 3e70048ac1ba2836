"""security.md 38, for the gateway: the address is checked at every connection, no matter who set it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gateway import PROVIDER_KEY, AiGateway

CARD = "/api/integrations/openai_compatible"
OWN = "/api/ai/openai_compatible/v1/chat/completions"


@pytest.fixture
def admin(ai: AiGateway) -> Iterator[Any]:
    client = ai.owner.api(ai.reader)
    yield client
    client.delete(CARD)


@pytest.mark.parametrize("host", ["http://[fd00:ec2::254]", "https://100.100.100.200"])
def test_metadata_services_are_no_provider(ai: AiGateway, admin: Any, host: str) -> None:
    """Not even as the owner's base URL: refused when it is given, at the command line too."""
    answer = admin.put(CARD, json={"base_url": host, "key": PROVIDER_KEY})
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "base_url")
    assert "ARI never calls this address" in ai.owner.cli("integrations", "set-url", "openai_compatible", host).stderr


def test_a_link_local_address_is_no_base_url(admin: Any) -> None:
    """It is refused when it is given."""
    answer = admin.put(CARD, json={"base_url": "http://169.254.169.254", "key": PROVIDER_KEY})
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "base_url")


def test_a_private_address_by_the_owners_word(ai: AiGateway, admin: Any) -> None:
    """This machine is reached where the owner named it."""
    assert admin.put(CARD, json={"base_url": ai.provider.url, "key": PROVIDER_KEY}).status_code == 200
    assert admin.post(OWN, json={"model": "gpt-x"}).status_code == 200
