"""A created key can be logged: its secret isn't."""

import msgspec
import pytest
from rich.pretty import pretty_repr

from ari.client.generated import models
from ari.client.masked_struct import MaskedStruct

MASKED = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, MaskedStruct)]


def test_every_model_with_a_secret_masks_it() -> None:
    """Those with a field named ``secret``, ``token`` or ``password``."""
    named = {
        one
        for one in vars(models).values()
        if isinstance(one, type)
        and issubclass(one, msgspec.Struct)
        and {"secret", "token", "password"} & set(one.__struct_fields__)
    }
    assert named == set(MASKED) - {MaskedStruct}
    assert {models.CreatedOut, models.RotatedOut} <= named


@pytest.mark.parametrize("show", [repr, str, pretty_repr, "{}".format])
def test_no_form_of_it_shows_the_secret(show: type[str]) -> None:
    """``repr``, logs, tracebacks and rich terminals; the attribute has it."""
    values = {"key": None, "secret": "ari_k_secret", "secret_number": 2, "old_hint": "a…b", "old_retires_at": None}
    made = models.RotatedOut(**values)  # type: ignore[arg-type]  # the others don't matter here
    assert "ari_k_secret" not in show(made)
    assert "secret_number=2" in show(made)
    assert made.secret == "ari_k_secret"
