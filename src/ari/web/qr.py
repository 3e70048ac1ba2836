"""A QR code as the path of an SVG, which the page draws itself: no image, no markup from elsewhere."""

from dataclasses import dataclass

_QUIET = 4
"""The light margin that readers need, in modules (ISO/IEC 18004 §9.1)."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """``path`` draws the dark modules in a square of ``size`` units."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """The code of a text, with the error correction M."""
    import segno  # noqa: PLC0415 - needed once in a while

    rows = [bytes(row) for row in segno.make_qr(text, error="m", boost_error=False).matrix]
    path = "".join(_row(number, row) for number, row in enumerate(rows))
    return QrCode(len(rows) + 2 * _QUIET, path)


def _row(number: int, row: bytes) -> str:
    drawn, column = "", 0
    while column < len(row):
        length = 1
        while column + length < len(row) and row[column + length] == row[column]:
            length += 1
        if row[column]:
            drawn += f"M{column + _QUIET} {number + _QUIET}h{length}v1h-{length}z"
        column += length
    return drawn
