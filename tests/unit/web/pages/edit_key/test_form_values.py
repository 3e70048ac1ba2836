"""Reading the form for expiry."""

import pytest

from ari.base.clock import DAY_MS, HOUR_MS
from ari.base.errors import Invalid
from ari.web.forms import Form
from ari.web.pages.edit_key.form_values import read_expiry
from tests.support.instances import START_MS


def problems(form: Form) -> dict[str, str]:
    """The messages of a form that is refused."""
    with pytest.raises(Invalid) as raised:
        read_expiry(form, START_MS)
    return {one.location: one.message for one in raised.value.problems}


def test_a_choice_counts_from_now() -> None:
    """A lifetime starts when the form is sent; never is no time at all."""
    assert read_expiry(Form({"expires": "1h"}), START_MS) == START_MS + HOUR_MS
    assert read_expiry(Form({"expires": "never"}), START_MS) is None


def test_a_date_lasts_to_the_end_of_its_day() -> None:
    """A key that expires on the 20th works on the 20th, in UTC; today is still ahead, yesterday is not."""
    today = Form({"expires": "on", "day": "2027-01-15"})
    found = read_expiry(today, START_MS)
    assert found is not None
    assert found % DAY_MS == 0
    assert 0 < found - START_MS <= DAY_MS
    yesterday = Form({"expires": "on", "day": "2027-01-14"})
    assert problems(yesterday) == {"expires_at": "This time is in the past. Choose a later one."}


@pytest.mark.parametrize("day", ["", "2027-02-30", "15.01.2027", "9999-12-31", "2027-01-15T00:00"])
def test_what_is_no_date_is_a_message_at_the_date(day: str) -> None:
    """Also a day whose end no calendar has."""
    assert problems(Form({"expires": "on", "day": day})) == {"expires_at": "Choose a date."}


def test_no_choice_is_not_never() -> None:
    """A form that lost its field must not make a key last forever."""
    assert problems(Form({})) == {"expires": "Choose an expiry."}
    assert list(problems(Form({"expires": "2 weeks"}))) == ["expires"]
