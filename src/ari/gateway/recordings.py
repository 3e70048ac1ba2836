"""How long a recording may last: by the header of a WAV file, and of any other format by its size. No I/O.

Only uncompressed WAV is read, since its rate is what decoders play it at, but not with 16 bits: FFmpeg looks there for
compressed frames. Other containers state a duration that their content need not have, so a caller could reserve less
than the provider charges.
"""

import struct

BYTES_PER_SECOND = 750
"""Of speech at 6 kbit/s, the least that codecs such as Opus write. Silence may take less."""
_FORM = struct.Struct("<4sI4s")
_CHUNK = struct.Struct("<4sI")
_FORMAT = struct.Struct("<HHIIHH")
_PCM = 1
_MAX_CHANNELS, _RATES, _BITS = 2, range(8_000, 48_001), (8, 24, 32)
_MAX_CHUNKS = 16
"""Before the samples: names and dates of the recording."""


def count_max_seconds(recording: bytes) -> int:
    """The most seconds that the recording may last, rounded up."""
    return -(-len(recording) // (_read_wav_rate(recording) or BYTES_PER_SECOND))


def _read_wav_rate(data: bytes) -> int | None:
    """The bytes per second of a WAV file without compression; ``None`` for any other file.

    http://soundfile.sapp.org/doc/WaveFormat. One with two formats is none: readers take the first or the last.
    """
    if len(data) < _FORM.size or _FORM.unpack_from(data)[::2] != (b"RIFF", b"WAVE"):
        return None
    rate, at = None, _FORM.size
    for _ in range(_MAX_CHUNKS):
        if len(data) < at + _CHUNK.size:
            return None
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"data":
            return rate
        if name == b"fmt ":
            if rate is not None or size < _FORMAT.size or len(data) < at + _FORMAT.size:
                return None
            rate = _read_format(*_FORMAT.unpack_from(data, at))
            if rate is None:
                return None
        at += size + size % 2
    return None


def _read_format(tag: int, channels: int, sample_rate: int, rate: int, block_bytes: int, bits: int) -> int | None:
    if tag != _PCM or not 1 <= channels <= _MAX_CHANNELS or sample_rate not in _RATES or bits not in _BITS:
        return None
    is_consistent = block_bytes == channels * bits // 8 and rate == sample_rate * block_bytes
    return rate if is_consistent else None
