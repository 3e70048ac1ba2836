"""Rule 28: whatever sends the browser on names one of ARI's own pages, else the settings."""

from typing import Any

import pytest

from ari.web.pages.settings_api.urls import HOME
from ari.web.urls import page_behind, return_url
from tests.support.owner import csrf_of

KEY = "key_01JD7WZ2ABCDEFGHJKMNPQRSTV"
OURS = [
    HOME,
    "/settings",
    "/settings?tab=api&show=inactive",
    f"/settings?tab=api&q=caf%C3%A9+bar&show=active&sort=-used&after=1800000000000.{KEY}",
    "/settings?tab=api&q=&show=all&sort=name",
    "/settings/keys/new",
    f"/settings/keys/{KEY}",
    f"/settings/keys/{KEY}/revoke",
    "/settings/security",
    "/settings/security/two-factor/off",
    f"/settings/keys/{KEY}/access",
    f"/settings/keys/new?like={KEY}",
    "/settings/keys/new?ai=openai",
    "/settings/integrations",
    "/settings/integrations/openai_compatible/key",
    "/shortcuts",
    "/api-docs",
]
NOT_OURS = [
    None,
    "",
    "https://evil.example/",
    "//evil.example/settings",
    "/\\evil.example",
    "\\\\evil.example",
    "/settings/../../evil",
    "/settings?tab=api\r\nSet-Cookie: a=b",
    "/settings?tab=api\n",
    "javascript:alert(1)",
    " /settings",
    "/settings?tab=api#@evil.example",
    "/settings?tab=api&next=https://evil.example",
    "/settings/keys/../../../api/keys",
    f"/settings/keys/{KEY.lower()}",
    "/settings?tab=api&q=<script>",
    f"/settings/keys/new?like={KEY}&next=//evil.example",
    "/api/keys",
    "/api-docs/",
    "/api-docs?next=https://evil.example",
    "/sign-out",
    "/settings/keys/new?ai=openai&next=//evil.example",
    "/settings/integrations/openai/test",
    "/settings/integrations/../../evil/key",
]


@pytest.mark.parametrize("place", OURS)
def test_our_pages_are_known(place: str) -> None:
    """The sign-in leads back to every page that can be asked for."""
    assert return_url(place) == place
    assert page_behind(f"https://ari.example{place}") == place


@pytest.mark.parametrize("place", NOT_OURS)
def test_everything_else_becomes_the_settings(place: str | None) -> None:
    """Other sites, other schemes, other paths and smuggled lines lead home."""
    assert return_url(place) == HOME


def test_sign_in_goes_only_where_we_live(owner: Any) -> None:
    """A crafted ``next`` in the link or the form is ignored."""
    for wanted in (text for text in NOT_OURS if text):
        client = owner.api(headers={"Origin": owner.url, "Sec-Fetch-Site": "same-origin"})
        shown = client.get("/sign-in", params={"next": wanted})
        assert "evil" not in shown.text
        form = {"email": owner.email, "password": owner.password, "csrf": csrf_of(shown.text), "next": wanted}
        answer = client.post("/sign-in", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, HOME)


def test_dialogs_go_back_only_to_our_pages(owner: Any) -> None:
    """``HX-Redirect`` never repeats what ``HX-Current-URL`` claims unless it is one of ARI's pages."""
    client = owner.session()
    for current, expected in (
        ("https://evil.example/phish", HOME),
        (f"{owner.url}/settings?tab=api&show=inactive", "/settings?tab=api&show=inactive"),
    ):
        key, _ = owner.create_key("Sent back")
        page = client.get(f"/settings/keys/{key['id']}/revoke")
        headers = {"HX-Request": "true", "HX-Current-URL": current}
        answer = client.post(f"/settings/keys/{key['id']}/revoke", data={"csrf": csrf_of(page.text)}, headers=headers)
        assert (answer.status_code, answer.headers["hx-redirect"]) == (204, expected)


def test_preferences_go_back_only_to_our_pages(owner: Any) -> None:
    """The theme form's ``next`` is checked as well."""
    client = owner.session()
    form = {"csrf": csrf_of(client.get(HOME).text), "theme": "dark", "next": "https://evil.example/"}
    assert client.post("/preferences", data=form).headers["location"] == HOME
