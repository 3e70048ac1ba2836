"""Signing in with an email address and a password."""

from ari.http.cookies import half_cookie_name, session_cookie_name
from tests.support.owner import EMAIL, PASSWORD
from tests.support.page_client import PageClient, plain_text


def test_a_right_password_opens_a_session_and_the_page_that_was_wanted(visitor: PageClient) -> None:
    """The token of the session is new, and the visitor's cookie is not used for it."""
    before = dict(visitor.cookies)
    response = visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "next": "/settings/security"})
    assert (response.status, response.headers["location"]) == (303, "/settings/security")
    token = visitor.cookies[session_cookie_name(visitor.instance.settings)]
    assert token not in before.values()
    assert visitor.is_signed_in()
    assert visitor.events()[0] == "signed_in"


def test_a_wrong_password_and_an_unknown_address_look_alike(visitor: PageClient) -> None:
    """The page doesn't reveal which accounts exist; nobody is signed in."""
    shown = []
    for email in (EMAIL, "nobody@example.org"):
        response = visitor.post("/sign-in", {"email": email, "password": "wrong"})
        assert response.status == 422
        assert "Incorrect email or password." in response.text
        shown.append(plain_text(response.text))
    assert shown[0] == shown[1]
    assert not visitor.is_signed_in()


def test_what_may_be_a_password_is_not_shown_again(visitor: PageClient) -> None:
    """The address comes back; text without an @ may be the password, typed one field too early."""
    early = visitor.post("/sign-in", {"email": "seven-quiet-herons", "password": "x"})
    assert "seven-quiet-herons" not in early.text
    wrong = visitor.post("/sign-in", {"email": EMAIL, "password": "herons-wrong"})
    assert f'value="{EMAIL}"' in wrong.text
    assert "herons-wrong" not in wrong.text


def test_guessing_is_slowed_down(visitor: PageClient) -> None:
    """After five attempts the right password has to wait too, and the page says how long (security.md 25)."""
    for _ in range(5):
        assert visitor.post("/sign-in", {"email": EMAIL, "password": "wrong"}).status == 422
    response = visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD})
    assert response.status == 429
    assert int(response.headers["retry-after"]) > 0
    assert "Too many sign-in attempts. Try again in" in response.text
    assert not visitor.is_signed_in()


def test_the_first_visitor_is_led_to_setup(first_visitor: PageClient) -> None:
    """Without an owner there is nobody to sign in."""
    assert first_visitor.get("/sign-in").headers["location"] == "/setup"


def test_who_is_signed_in_goes_on(browser: PageClient) -> None:
    """An old bookmark of the sign-in doesn't ask again."""
    assert browser.get("/sign-in?next=%2Fsettings%2Fusage").headers["location"] == "/settings/usage"


def test_a_forged_sign_in_is_refused(visitor: PageClient) -> None:
    """Another site can't sign the browser in to an account of its own (login CSRF)."""
    fields = {"email": EMAIL, "password": PASSWORD}
    for forged in ("", "x" * 43):
        assert visitor.post("/sign-in", fields, csrf=forged).status == 403
    assert not visitor.is_signed_in()


def test_with_two_factor_the_password_alone_opens_nothing(visitor: PageClient, app_secret: bytes) -> None:
    """The browser gets five minutes for the code, and no session."""
    response = visitor.post("/sign-in", {"email": EMAIL, "password": PASSWORD, "next": "/shortcuts"})
    assert response.headers["location"] == "/sign-in/code?next=%2Fshortcuts"
    settings = visitor.instance.settings
    assert half_cookie_name(settings) in visitor.cookies
    assert session_cookie_name(settings) not in visitor.cookies
    assert not visitor.is_signed_in()
