"""security.md 38, for the gateway: the address is checked at every connection, whoever set it."""

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
def test_metadata_services_are_no_provider(admin: Any, host: str) -> None:
    """Not even as the owner's base URL; the answer says so and nothing was sent."""
    assert admin.put(CARD, json={"base_url": host, "key": PROVIDER_KEY}).status_code == 200
    answer = admin.post(OWN, json={"model": "gpt-x"})
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_unreachable")
    assert "may not call" in answer.json()["detail"]


def test_a_link_local_address_is_no_base_url(admin: Any) -> None:
    """It is refused when it is given."""
    answer = admin.put(CARD, json={"base_url": "http://169.254.169.254", "key": PROVIDER_KEY})
    assert (answer.status_code, answer.json()["errors"][0]["location"]) == (422, "base_url")


def test_a_private_address_by_the_owners_word(ai: AiGateway, admin: Any) -> None:
    """This machine is reached where the owner named it."""
    assert admin.put(CARD, json={"base_url": ai.provider.url, "key": PROVIDER_KEY}).status_code == 200
    assert admin.post(OWN, json={"model": "gpt-x"}).status_code == 200
