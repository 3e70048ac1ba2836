"""Read the values of the forms for access and expiry."""

from ari.base.errors import Invalid, Problem
from ari.keys.expiry import expiry_of
from ari.keys.scopes import PRESETS, SCOPES
from ari.web.forms import Form
from ari.web.pages.key_options.option_fields import read_day

CUSTOM = "own"
ON_DATE = "on"
_RESOURCES = sorted({scope.partition(":")[0] for scope in SCOPES})
SCOPE_CHOICES = SCOPES | {f"{name}:*": f"All {name} scopes, including ones added later." for name in _RESOURCES}


def preset_id(scopes: tuple[str, ...]) -> str:
    """The preset with exactly these scopes, or ``CUSTOM``."""
    return next((word for word, (_, listed) in PRESETS.items() if set(listed) == set(scopes)), CUSTOM)


def read_scopes(access: str, ticked: list[str]) -> tuple[str, ...]:
    """The scopes of the form; the command validates them."""
    if access == CUSTOM:
        return tuple(ticked)
    return PRESETS.get(access, ("", ()))[1]


def read_expiry(form: Form, now_ms: int) -> int | None:
    """The expiry in the form, ``None`` = never. Raises ``Invalid`` naming its field."""
    word = form.value("expires")
    if word != ON_DATE:
        if not word:
            raise Invalid(Problem("expires", "Choose an expiry."))
        return expiry_of(word, None, now_ms)
    return read_day(form.value("day"), now_ms)
