"""The length of a recording, which decides what a request reserves of a budget."""

import io
import struct
import wave

import pytest

from ari.gateway.recordings import count_max_seconds


def _make_wav(seconds: int, rate: int = 16_000, channels: int = 1, bits: int = 24) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(bits // 8)
        recording.setframerate(rate)
        recording.writeframes(bytes(seconds * rate * channels * bits // 8))
    return file.getvalue()


@pytest.mark.parametrize(
    ("rate", "channels", "bits"), [(8_000, 1, 8), (16_000, 1, 24), (44_100, 2, 24), (48_000, 2, 32)]
)
def test_a_wav_file_has_the_length_of_its_samples(rate: int, channels: int, bits: int) -> None:
    """A minute of it would otherwise be taken for an hour, and refused by a budget that has room for it."""
    assert count_max_seconds(_make_wav(60, rate, channels, bits)) == 61


def test_samples_of_16_bits_count_by_their_size() -> None:
    """FFmpeg decodes MPEG frames that it finds in them, so hours of sound could look like seconds."""
    file = _make_wav(60, 48_000, 2, 16)
    assert count_max_seconds(file) == -(-len(file) // 750)


def test_chunks_before_the_samples_are_skipped() -> None:
    """Recorders write names and dates there, with a byte of padding after an odd size."""
    plain = _make_wav(10)
    listed = plain[:36] + b"LIST" + struct.pack("<I", 5) + b"INFOx\0" + plain[36:]
    assert count_max_seconds(listed) == 11


def test_the_samples_count_not_the_size_that_a_header_states() -> None:
    """A caller writes the header; decoders read on to the end of the file."""
    short = bytearray(_make_wav(30))
    short[40:44] = struct.pack("<I", 2)
    assert count_max_seconds(bytes(short)) == 31


@pytest.mark.parametrize(
    ("at", "field"),
    [
        (20, struct.pack("<H", 3)),
        (20, struct.pack("<H", 0x55)),
        (22, struct.pack("<H", 8)),
        (24, struct.pack("<I", 1_000_000)),
        (28, struct.pack("<I", 10**9)),
        (32, struct.pack("<H", 1)),
        (34, struct.pack("<H", 12)),
        (36, b"fmt "),
        (36, b"fact"),
        (0, b"RIFX"),
        (8, b"AVI "),
    ],
)
def test_any_other_file_counts_by_its_size(at: int, field: bytes) -> None:
    """Compressed sound, and headers that readers could understand differently."""
    file = bytearray(_make_wav(10))
    file[at : at + len(field)] = field
    assert count_max_seconds(bytes(file)) == -(-len(file) // 750)


@pytest.mark.parametrize("size", [0, 3, 12, 20, 30, 36, 43])
def test_a_header_that_breaks_off_is_no_error(size: int) -> None:
    """The provider refuses such a file; until then it counts by its size."""
    assert count_max_seconds(_make_wav(1)[:size]) == min(size, 1)
