"""A QR code as an SVG path, which the page draws: no image and no third-party markup."""

from dataclasses import dataclass

_MARGIN = 4
"""The light margin that scanners need, in modules (ISO/IEC 18004 §9.1)."""


@dataclass(frozen=True, slots=True)
class QrCode:
    """``path`` draws the dark modules in a square of ``size`` units."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """The QR code of a text, at error correction level M."""
    import segno  # noqa: PLC0415 - rarely needed

    rows = [bytes(row) for row in segno.make_qr(text, error="m", boost_error=False).matrix]
    path = "".join(_draw_row(number, row) for number, row in enumerate(rows))
    return QrCode(len(rows) + 2 * _MARGIN, path)


def _draw_row(number: int, row: bytes) -> str:
    drawn, column = "", 0
    while column < len(row):
        length = 1
        while column + length < len(row) and row[column + length] == row[column]:
            length += 1
        if row[column]:
            drawn += f"M{column + _MARGIN} {number + _MARGIN}h{length}v1h-{length}z"
        column += length
    return drawn
