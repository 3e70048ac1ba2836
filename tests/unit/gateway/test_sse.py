"""Events are found wherever a stream is cut, and all that is not taken out passes byte by byte as soon as it can."""

from hypothesis import given
from hypothesis import strategies as st

from ari.gateway.json_members import SMALL_BYTES, JsonDocument
from ari.gateway.sse import EventReader

LINES = st.lists(
    st.sampled_from(
        [
            b"data: one",
            b"data:two",
            b"data",
            b"data:  x",
            b"data: OUT",
            b"datum: x",
            b"event: a",
            b"event:b",
            b"id: 7",
            b"retry: 5",
            b": ping",
            b":",
            b"x",
            b"",
            b"",
            b"",
        ]
    ),
    max_size=25,
)
ENDS = st.lists(st.sampled_from([b"\n", b"\r\n", b"\r"]), min_size=1, max_size=4)
CUTS = st.lists(st.integers(1, 9) | st.integers(10, 80), min_size=1, max_size=6)
"""Small ones cut events apart; large ones hold whole events."""


def stream_of(lines: list[bytes], ends: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Each line with its end; a lone carriage return before an empty line would be another line's end."""
    found: list[tuple[bytes, bytes]] = []
    for number, line in enumerate(lines):
        end = ends[number % len(ends)]
        if end == b"\n" and found and found[-1][1] == b"\r" and not line:
            end = b"\r"
        found.append((line, end))
    return found


def parse_by_specification(lines: list[tuple[bytes, bytes]]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """By the specification: the events, and the bytes of the stream without those whose data is OUT."""
    events, passed, block, name, data = [], b"", b"", b"", None
    for line, end in lines:
        is_field = line != b"" and not line.startswith(b":")
        if not is_field and not block:
            passed += line + end
            continue
        block += line + end
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data = value if data is None else data + b"\n" + value
        elif field == b"event":
            name = value
        if line == b"":
            events.append((name, data or b""))
            passed += b"" if data == b"OUT" else block
            block, name, data = b"", b"", None
    if block:
        events.append((name, data or b""))
        passed += b"" if data == b"OUT" else block
    return events, passed


def read(chunks: list[bytes], *, takes_out: bool) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    events: list[tuple[bytes, bytes]] = []

    def on_event(name: bytes, data: JsonDocument) -> bool:
        text = data.text
        assert text is not None
        events.append((name, text))
        return text == b"OUT"

    reader = EventReader(on_event, (lambda data: b"OUT".startswith(data.text or b"")) if takes_out else None)
    passed = [reader.feed(chunk) for chunk in chunks]
    return events, [*passed, reader.finish()]


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(data):
        size = sizes[len(found) % len(sizes)]
        found.append(data[at : at + size])
        at += size
    return found


@given(LINES, ENDS, CUTS)
def test_events_are_those_of_the_specification(lines: list[bytes], ends: list[bytes], sizes: list[int]) -> None:
    """And what passes is the stream, byte for byte, without the events that are taken out."""
    stream = stream_of(lines, ends)
    chunks = cut(b"".join(line + end for line, end in stream), sizes)
    events, kept = parse_by_specification(stream)
    assert read(chunks, takes_out=False)[0] == events
    found, passed = read(chunks, takes_out=True)
    assert found == events
    assert b"".join(passed) == kept


@given(LINES, ENDS, CUTS)
def test_nothing_waits_that_cannot_be_taken_out(lines: list[bytes], ends: list[bytes], sizes: list[int]) -> None:
    """After each chunk, only an event is held of which nothing but the beginning of OUT is known."""
    whole, passed, reader = b"", b"", EventReader(lambda *_: False, lambda data: b"OUT".startswith(data.text or b""))
    for chunk in cut(b"".join(line + end for line, end in stream_of(lines, ends)), sizes):
        whole += chunk
        passed += reader.feed(chunk)
        assert whole.startswith(passed)
        held = whole[len(passed) :]
        assert not held.startswith((b":", b"\n", b"\r"))
        assert b"one" not in held
        assert b"two" not in held


def test_keep_alives_pass_at_once() -> None:
    """Comments, single line feeds and parts of a line, each before its end."""
    pieces = [b":", b" pi", b"ng", b"\n", b"\n", b": OPENROUTER PROCESSING\n\n", b"\r", b"\n", b"\r", b":\r\n"]
    assert read(pieces, takes_out=True)[1] == [*pieces, b""]


def test_an_event_passes_as_soon_as_it_is_known_to_stay() -> None:
    """With all that was held of it, and then part by part."""
    pieces = [b"ev", b"ent: x\nda", b"ta: O", b"x", b"yz", b"\n", b"\n"]
    assert read(pieces, takes_out=True)[1] == [b"", b"", b"", b"event: x\ndata: Ox", b"yz", b"\n", b"\n", b""]


def test_the_end_of_what_was_taken_out_is_taken_out() -> None:
    """Its line feed may come later than its carriage return."""
    assert read([b"data: OUT\r\n\r", b"\n", b"\n"], takes_out=True)[1] == [b"", b"", b"\n", b""]
    assert read([b"data: OUT\r\r", b"data: one\r\r"], takes_out=True)[1] == [b"", b"data: one\r\r", b""]


def test_little_is_held_of_an_event_that_does_not_end() -> None:
    """Not of its data, nor of a line that is none, nor of its many lines."""
    for piece in (b"x" * 10_000, b"data: x\n" * 1_000, b"event: x\n" * 1_000, b": x\n" * 2_000):
        reader, passed = EventReader(lambda *_: False, lambda _: True), 0
        reader.feed(b"data: ")
        for _ in range(20):
            passed += len(reader.feed(piece))
        assert passed >= 20 * len(piece) - SMALL_BYTES - len(piece)


BLOCKS = st.lists(
    st.sampled_from(
        [
            b"data: one",
            b"data: two",
            b"data: OUT",
            b"event: a\ndata: two",
            b"data: x\ndata: two",
            b": ping",
            b"",
        ]
    ),
    max_size=12,
)


@given(
    st.lists(st.sampled_from([b"data: one", b"data: OUT", b": ping", b"x"]), max_size=4), st.lists(st.integers(1, 5))
)
def test_events_may_be_read_one_by_one(lines: list[bytes], feeds: list[int]) -> None:
    """With any number of line feeds between them, also where each decides whether the next one is needed."""
    chunk = b"".join(line + b"\n" * count for line, count in zip(lines, feeds, strict=False)) + b"data: two\n\n"
    events, kept = parse_by_specification([(line, b"\n") for line in chunk.split(b"\n")[:-1]])
    for more in (b"", b"\n", b"\n\n", b"\n\n\n"):
        found: list[tuple[bytes, bytes]] = []

        def on_event(name: bytes, data: JsonDocument, found: list[tuple[bytes, bytes]] = found) -> bool:
            found.append((name, data.text or b""))
            return data.text == b"OUT"

        reader = EventReader(on_event, lambda data: b"OUT".startswith(data.text or b""), lambda *_: None)
        assert reader.feed(chunk + more) + reader.finish() == kept + more
        assert found == events


@given(BLOCKS, st.integers(1, 12))
def test_events_that_are_not_needed_may_pass_unread(blocks: list[bytes], count: int) -> None:
    """Whole events come, ``count`` in a chunk: those marked with "two" or OUT are read, and only OUT is missing."""
    whole = [block + b"\n\n" for block in blocks]
    chunks = [b"".join(whole[at : at + count]) for at in range(0, len(whole), count)]
    events, kept = parse_by_specification([(line, b"\n") for line in b"".join(whole).split(b"\n")[:-1]])
    found: list[tuple[bytes, bytes]] = []

    def on_event(name: bytes, data: JsonDocument) -> bool:
        text = data.text or b""
        found.append((name, text))
        return text == b"OUT"

    def find_needed(chunk: bytes, at: int) -> int:
        marks = [place for mark in (b"two", b"OUT") if (place := chunk.find(mark, at)) >= 0]
        return min(marks, default=len(chunk))

    reader = EventReader(on_event, lambda data: b"OUT".startswith(data.text or b""), find_needed)
    assert b"".join(reader.feed(chunk) for chunk in chunks) + reader.finish() == kept
    needed = [event for event in events if event[1].endswith((b"two", b"OUT"))]
    assert [event for event in found if event in needed] == needed
