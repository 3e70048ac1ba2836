"""The list of error codes and the page of each, which a problem's ``type`` names (RFC 9457 §3.1.1)."""

from ari.keys.reasons import REASONS, REQUEST_ERRORS
from tests.support.page_client import PageClient, plain_text


def test_every_code_has_a_page_that_explains_it(visitor: PageClient) -> None:
    """People who integrate an app have no session: the page is open, and has the code and its sentence."""
    for code, reason in (REASONS | REQUEST_ERRORS).items():
        response = visitor.get(f"/errors/{code}")
        assert response.status == 200, code
        shown = plain_text(response.text)
        assert code in shown
        assert reason.sentence in shown


def test_an_unknown_code_is_not_found(visitor: PageClient) -> None:
    """The page never explains a code that ARI doesn't use, nor repeats it."""
    response = visitor.get("/errors/no_such_code")
    assert (response.status, "no_such_code" in response.text) == (404, False)


def test_callers_learn_what_to_do(visitor: PageClient) -> None:
    """They can't sign in, so nothing leads to the settings."""
    page = plain_text(visitor.get("/errors/budget_exhausted").text)
    assert "waiting doesn't help: send a smaller request" in " ".join(page.split())
    assert "Go to Settings" not in page


def test_all_codes_are_listed_with_their_pages(visitor: PageClient) -> None:
    """From the same table, and open as well; the page of each code leads back."""
    page = visitor.get("/errors").text
    for code, reason in (REASONS | REQUEST_ERRORS).items():
        assert f'href="/errors/{code}"' in page
        assert reason.sentence in plain_text(page)
        assert 'href="/errors"' in visitor.get(f"/errors/{code}").text
