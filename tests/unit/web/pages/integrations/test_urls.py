"""URLs of Settings > Integrations."""

from ari.integrations.providers import providers
from ari.web.pages.integrations import urls
from ari.web.urls import return_url


def test_the_pages_of_every_provider_are_led_back_to() -> None:
    """After the password is entered again the form is the same one; a test is no page."""
    for name in providers():
        for page in ("key", "address", "remove", "use", "keys/add"):
            assert return_url(urls.action(name, page)) == urls.action(name, page)
        assert return_url(urls.action(name, "test")) != urls.action(name, "test")
    key_id = "pky_01M8MDYRTT0PEK8YCGW0C68V92"
    for name, is_page in (("remove", True), ("first", False), ("test", False)):
        found = urls.key_action("vllm-a", key_id, name)
        assert (return_url(found) == found) is is_page
    assert return_url(urls.ADD_UPSTREAM) == urls.ADD_UPSTREAM
    assert urls.card("openai").partition("#")[0] == return_url(urls.INTEGRATIONS)
