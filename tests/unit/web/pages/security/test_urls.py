"""URLs of Settings > Security."""

from ari.web.pages.security import urls
from ari.web.urls import return_url


def test_forms_of_the_page_are_led_back_to_but_none_that_acts() -> None:
    """After the password is entered again, two-factor setup goes on; ending a session is never a page."""
    for known in (urls.SECURITY, urls.PASSWORD, urls.ADDRESS, urls.TWO_FACTOR, urls.TURN_OFF, urls.BACKUP_CODES):
        assert return_url(known) == known
    for other in (urls.end_session("abc"), urls.CONFIRM_ADDRESS, f"{urls.SECURITY}?next=x", f"{urls.SECURITY}/"):
        assert return_url(other) != other
