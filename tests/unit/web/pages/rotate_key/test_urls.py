"""URLs of the forms that rotate a key."""

from ari.web.pages.rotate_key import urls
from ari.web.urls import return_url

KEY = "key_01KB5Q2W8Z6N4T0V9YRJXH3M7C"


def test_a_sign_in_leads_back_to_the_forms() -> None:
    """Of a key, and to nothing that only looks like it."""
    for known in (urls.rotate(KEY), urls.retire_old(KEY)):
        assert return_url(known) == known
    for other in (urls.rotate("key_1"), f"{urls.rotate(KEY)}/x"):
        assert return_url(other) != other
