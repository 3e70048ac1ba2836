"""URLs of the sign-in and its second step."""

from urllib.parse import parse_qs, urlsplit

from ari.web.pages.sign_in import urls

WANTED = "/settings?tab=api&q=a%26b&show=active"


def test_the_requested_page_survives_both_steps() -> None:
    """Its own query must not end up as parameters of the sign-in."""
    for built, path in ((urls.sign_in(WANTED), urls.SIGN_IN), (urls.code(WANTED), urls.CODE)):
        parts = urlsplit(built)
        assert (parts.path, parse_qs(parts.query)) == (path, {"next": [WANTED]})
    assert parse_qs(urlsplit(urls.code(WANTED, backup=True)).query) == {"next": [WANTED], "with": ["backup"]}
