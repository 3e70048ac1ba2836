"""Tables of a terminal: one line for each row, IDs and numbers whole, the least important columns left out first."""

import pytest

from ari.cli.table_layout import cut, lay_out, measure

KEY, REQUEST = "key_" + "B" * 26, "req_" + "A" * 26
USAGE = ("TIME", "STATUS", "METHOD", "PATH", "KEY", "VERDICT", "ADDRESS", "MS", "COUNT", "SOURCE", "ID")
REQUEST_ROW = (
    *("2026-11-28 18:10:14 CET", "200", "DELETE", "/api/keys/key_01ABC/usage", "ari_k_Ab3x…9fQz", "ok"),
    *("203.0.113.250", "12.5", "1", "api", REQUEST),
)
EVENTS = ("TIME", "EVENT", "BY", "SUBJECT", "DETAIL")
EVENT = ("2026-11-28 18:10:14 CET", "budget_threshold_reached", KEY, KEY, 'name: a "long" name, scopes: keys:read')
KEYS = ("NAME", "PREFIX", "STATUS", "ACCESS", "EXPIRES", "LAST USED", "REQUESTS", "ID")
KEY_ROW = ("Nightly export of orders", "ari_k_Ab3x…9fQz", "active", "custom (3 scopes)", "in 3 months", "now", "7", KEY)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 300])
@pytest.mark.parametrize(
    ("headers", "row", "droppable"), [(USAGE, REQUEST_ROW, 7), (EVENTS, EVENT, 3), (KEYS, KEY_ROW, 5)]
)
def test_one_line_for_each_row(headers: tuple[str, ...], row: tuple[str, ...], droppable: int, width: int) -> None:
    """Headers are whole, the ID can be copied, and a wide terminal shows everything."""
    layout = lay_out(headers, [row, row], width, droppable)
    [head, *lines] = layout.lines
    assert layout.hides_columns == any(header not in head for header in headers)
    assert len(lines) == 2
    assert max(map(measure, (head, *lines))) <= width
    left = head
    for header in headers:
        left = left.replace(header, "", 1)
    assert left.split() == []
    assert row[-1 if headers is not EVENTS else 3] in lines[0]
    assert head.startswith(headers[0])
    if width == 300:
        assert all(cell in lines[0] for cell in row)


def test_the_last_columns_go_first() -> None:
    """As many as must."""
    shown = [lay_out(USAGE, [REQUEST_ROW], width, 7).lines[0].split() for width in (80, 100, 120)]
    assert shown[0] == ["TIME", "STATUS", "METHOD", "PATH", "ID"]
    assert shown[1] == ["TIME", "STATUS", "METHOD", "PATH", "KEY", "ID"]
    assert shown[2] == ["TIME", "STATUS", "METHOD", "PATH", "KEY", "VERDICT", "ID"]
    assert lay_out(EVENTS, [EVENT], 80, 3).lines[0].split() == ["TIME", "EVENT", "SUBJECT"]


def test_numbers_and_costs_stay_whole() -> None:
    """They are at the right; a header of two words takes two lines, times lose their zone, and text is cut."""
    headers = ("DAY", "MODEL", "COST", "REQUESTS", "FAILED", "INPUT TOKENS", "OUTPUT TOKENS")
    rows = [
        ("2026-11-28 18:10:14 CET", "openrouter: meta-llama/llama-4", "$1,204.50+", "7", "0", "1,234,567", "89"),
        ("2026-11-29 18:10:14 CET", "openai: gpt-5-mini", "unknown", "12", "3", "5", "1,234,567"),
    ]
    *heads, first, second = lay_out(headers, rows, 80).lines
    assert [line.split()[-2:] for line in heads] == [["INPUT", "OUTPUT"], ["TOKENS", "TOKENS"]]
    assert max(map(len, (first, second))) <= 80
    assert all(
        cell in line for row, line in zip(rows, (first, second), strict=True) for cell in (row[0][:16], *row[2:])
    )
    assert first.index("$1,204.50+") + len("$1,204.50+") == second.index("unknown") + len("unknown")


def test_ids_stay_whole_in_any_terminal() -> None:
    """They are copied into the next command."""
    ids = [KEY, "ari-20270115T030000Z-ins_" + "C" * 26 + ".backup"]
    lines = lay_out(("NAME", "WHEN", "ID"), [("a word " * 9, "now", one) for one in ids], 30).lines
    assert all(one in line for one, line in zip(ids, lines[1:], strict=True))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("/orders/1234/items", "/orders…ems"),
        ("a name of many words", "a name of…"),
        ("日本語のとても長い名前", "日本語…前"),
    ],
)
def test_text_is_cut_at_its_end_and_words_in_their_middle(text: str, shown: str) -> None:
    """The end of a path says as much as its start; wide letters take two columns."""
    assert cut(text, 11) == shown
