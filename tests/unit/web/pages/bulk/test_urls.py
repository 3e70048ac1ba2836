"""URLs of the forms that act on many keys."""

from urllib.parse import parse_qs, urlsplit

from ari.web.pages.bulk import urls
from ari.web.pages.settings_api.urls import KeysView


def test_the_form_for_all_matching_keys_has_the_tables_search_and_filter() -> None:
    """A search with ``&`` or ``#`` must not widen what is revoked."""
    built = urlsplit(urls.build_matching_url("revoke", KeysView("a&b=c #d", "unused", tag="t")))
    assert (built.path, built.fragment) == (urls.BULK, "")
    filters = {"do": ["revoke"], "q": ["a&b=c #d"], "show": ["unused"], "tag": ["t"]}
    assert parse_qs(built.query) == filters | {"pick": ["shown"]}
    built = urlsplit(urls.build_matching_url("revoke", KeysView("a&b=c #d", "soon", tag="t")))
    assert (built.path, parse_qs(built.query)) == (urls.MATCHING, filters | {"show": ["soon"]})
