"""Read the values of the form for expiry."""

from ari.base.errors import Invalid, Problem
from ari.keys.expiry import expiry_of
from ari.web.forms import Form
from ari.web.pages.key_options.option_fields import read_day

ON_DATE = "on"


def read_expiry(form: Form, now_ms: int) -> int | None:
    """The expiry in the form, ``None`` = never. Raises ``Invalid`` naming its field."""
    word = form.value("expires")
    if word != ON_DATE:
        if not word:
            raise Invalid(Problem("expires", "Choose an expiry."))
        return expiry_of(word, None, now_ms)
    return read_day(form.value("day"), now_ms)
