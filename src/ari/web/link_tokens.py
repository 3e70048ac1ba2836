"""The token of a setup or email link: pasted as the whole link or only its code, or kept from the try before.

No response body has it. A form with other problems keeps it in a cookie that scripts can't read.
"""

from starlette.requests import Request

from ari.base.settings import Settings
from ari.http.cookies import link_cookie_name, read_cookie
from ari.web.forms import Form


def link_token(pasted: str) -> str:
    """The part after ``#token=``, or the text itself where it has none."""
    return pasted.strip().rpartition("#token=")[2]


def find_link_token(request: Request, settings: Settings, form: Form) -> str:
    """The token that was pasted, or the one that was kept; empty without any."""
    kept = read_cookie(request.headers.getlist("cookie"), link_cookie_name(settings))
    return link_token(form.value("token")) or kept or ""
