"""URLs of the form that creates a key."""

from ari.web.pages.create_key import urls
from ari.web.urls import return_url
from tests.support.usage import KEY


def test_the_form_is_led_back_to_with_what_it_was_opened_for() -> None:
    """After the password is entered again, the form still replaces the same key or uses the same provider."""
    for known in (urls.NEW_KEY, urls.like(KEY), urls.for_provider("openai_compatible")):
        assert return_url(known) == known
    for other in (urls.NAME_ADVICE, urls.like("key_1"), urls.for_provider("OpenAI"), f"{urls.like(KEY)}&ai=openai"):
        assert return_url(other) != other
