"""What commands print: cleaned, in the form that the reader needs."""

import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ari.base.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from ari.base.errors import AriError
from ari.cli import output
from ari.keys import token
from tests.unit.cli.conftest import Ari

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – Ünïcode 日本 🔑", "plain – Ünïcode 日本 🔑"),
        ("family 👨\u200d👩\u200d👧, \u0645\u06cc\u200c\u062e", "family 👨\u200d👩\u200d👧, \u0645\u06cc\u200c\u062e"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("two\r\nlines\ttab", "two\\x0d\\x0alines\\x09tab"),
        ("csi \x9b31m", "csi \\x9b31m"),
        ("\u202egnp.exe\u2069", "\\u202egnp.exe\\u2069"),
        ("mark \u200e\u200f\u061c \ufeff", "mark \\u200e\\u200f\\u061c \\ufeff"),
        ("line\u2028para\u2029", "line\\u2028para\\u2029"),
        ("lone \ud800", "lone \\ud800"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("[red]markup[/red] :warning:", "[red]markup[/red] :warning:"),
    ],
)
def test_clean_shows_what_could_act(text: str, shown: str) -> None:
    """Whatever could colour, move or reverse the terminal is an escape; scripts and emoji stay."""
    assert output.clean(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_clean_leaves_nothing_that_acts(text: str) -> None:
    """No input leaves a control, a line break, a surrogate or a direction mark."""
    cleaned = output.clean(text)
    assert cleaned.isprintable() or all(
        unicodedata.category(letter) not in ("Cc", "Cs", "Zl", "Zp") for letter in cleaned
    )
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def test_a_piped_table_is_tab_separated_and_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe gets every cell uncut, one row a line, whatever is in it."""
    output.table(("A", "B"), [("x" * 500, "tab\there"), (1, "line\nbreak")], "none")
    assert capsys.readouterr().out.splitlines() == ["A\tB", f"{'x' * 500}\ttab\\x09here", "1\tline\\x0abreak"]


def test_an_empty_piped_table_has_its_headers(capsys: pytest.CaptureFixture[str]) -> None:
    """A script reading columns by name finds them also where there are no rows."""
    output.table(("A", "B"), [], "none")
    assert capsys.readouterr().out == "A\tB\n"


def test_a_terminal_table_says_that_it_is_empty(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person reads a sentence rather than empty columns."""
    monkeypatch.setattr(output, "at_terminal", lambda: True)
    output.table(("A",), [], "There is nothing yet.")
    assert capsys.readouterr().out == "There is nothing yet.\n"


def test_a_terminal_table_takes_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with rich's markup, links or emoji codes is shown letter by letter."""
    monkeypatch.setattr(output, "at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    name = "[link=https://evil.example]click[/link] [bold]:skull:"
    output.table(("NAME",), [(name,)], "none")
    output.panel(name, "body")
    printed = capsys.readouterr().out
    assert printed.count(name) == 2


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON cannot act on a terminal either, and loses nothing."""
    value = {"name": "\u202eא\x9b"}
    output.as_json(value)
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert json.loads(printed) == value


@pytest.mark.parametrize(
    ("distance_ms", "words"),
    [
        (0, "now"),
        (999, "now"),
        (-SECOND_MS, "1 second ago"),
        (90 * SECOND_MS, "in 2 minutes"),
        (-5 * MINUTE_MS, "5 minutes ago"),
        (HOUR_MS, "in 1 hour"),
        (90 * DAY_MS - 40, "in 90 days"),
        (365 * DAY_MS, "in 1 year"),
        (-800 * DAY_MS, "2 years ago"),
    ],
)
def test_distances_in_words(distance_ms: int, words: str) -> None:
    """People read how far away an instant is."""
    assert output.relative(NOW_MS + distance_ms, NOW_MS) == words


def test_pipes_get_exact_times(capsys: pytest.CaptureFixture[str]) -> None:
    """No relative words where a program reads."""
    assert output.when(NOW_MS, NOW_MS) == output.exactly(NOW_MS, NOW_MS) == "2027-01-15T08:00:00.000Z"
    assert output.when(None, NOW_MS) == "never"


@pytest.mark.parametrize(
    "text", ["", "two words", "a\x1b[2J", "a\r\nrm -rf ~", "\x9b", "schlüssel", "a\u202e", 5, None, []]
)
def test_a_secret_is_one_word(capsys: pytest.CaptureFixture[str], text: object) -> None:
    """A hostile server can't reach the terminal, or a script's next line, through the one value that isn't escaped."""
    for show in (output.secret, lambda secret: output.panel("Key", secret)):
        with pytest.raises(AriError, match="doesn't respond like ARI"):
            show(text)
    assert capsys.readouterr().out == ""


def test_names_of_facts_are_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    """A limit's name comes from the server too."""
    output.facts([("a\x1b[2J", "b")])
    assert capsys.readouterr().out == "a\\x1b[2J\tb\n"


def test_messages_never_show_a_whole_key(capsys: pytest.CaptureFixture[str]) -> None:
    """A key in the wrong place of the command line is repeated in no message."""
    secret = token.mint()
    output.tell(f"Can't read the key file {secret}.")
    shown = capsys.readouterr().err
    assert secret not in shown
    assert "ari_k_" in shown


def test_an_exported_line_end_may_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two pieces of the file."""
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, write_through=True))
    output.write_file([b"a\r", b"\nb\r\n", b"c\r", b"d\r"])
    assert raw.getvalue() == b"a\nb\nc\rd\r"


LISTS = (
    *("keys list", "consumers list", "events list", "integrations list", "scopes list", "presets list", "kinds list"),
    *(
        "upstreams list",
        "budgets list",
        "notifications list",
        "webhooks list",
        "usage",
        "usage attempts",
        "usage summary",
    ),
)


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_every_list_fits_into_the_terminal(ari: Ari, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """One line for each row, of a terminal without any abilities, too."""
    ari("consumers", "create", "Acme Inc.", "--external-id", "customer_4711")
    ari("budgets", "set", "--budget", "monthly=500usd/month")
    key, _ = ari.create("A long name of a key of a service", "--scope", "keys:read", "--consumer", "customer_4711")
    monkeypatch.setattr(output, "at_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")
    shown = {words: ari(*words.split()).out for words in LISTS}
    wide = [line for text in shown.values() for line in text.splitlines() if not line.startswith("No ")]
    assert [line for line in wide if len(line) > columns] == []
    assert key["id"] in shown["keys list"]
    assert "EVENT" in shown["events list"]
