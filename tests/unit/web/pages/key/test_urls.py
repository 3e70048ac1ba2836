"""URLs of a key's page and of its forms."""

from ari.web.pages.key import urls
from ari.web.urls import return_url
from tests.support.usage import KEY


def test_a_dialog_leads_back_to_the_page_and_its_questions_but_not_to_a_part() -> None:
    """The side that refreshes alone, the live tail and the export are no pages of their own."""
    page = urls.page(KEY)
    for known in (page, f"{page}?range=30d&per=day", f"{page}/rename", f"{page}/revoke", f"{page}/delete"):
        assert return_url(known) == known
    for part in (urls.side(KEY), f"{page}/tail", f"{page}/export", f"{page}/enable"):
        assert return_url(part) != part
