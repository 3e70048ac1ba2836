"""QR codes as SVG paths."""

import re

from ari.web.qr import qr_code

_STRIP = re.compile(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z")


def test_a_qr_code_has_its_margin_and_finders() -> None:
    """Four light modules around, and the dark corner that readers look for."""
    code = qr_code("otpauth://totp/ARI:a?secret=B")
    assert code.size >= 21 + 8
    assert code.path.startswith("M4 4h7v1h-7z")
    assert "M0 " not in code.path


def test_the_path_draws_the_code_that_scanners_read() -> None:
    """Module by module what ISO/IEC 18004 makes of the text, so no dark strip is lost, doubled or too long."""
    import segno

    text = "otpauth://totp/ARI:owner%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=ARI"
    code = qr_code(text)
    drawn = {
        (int(column) + offset, int(row))
        for column, row, length, _ in _STRIP.findall(code.path)
        for offset in range(int(length))
    }
    wanted = {
        (column + 4, row + 4)
        for row, modules in enumerate(segno.make_qr(text, error="m", boost_error=False).matrix)
        for column, dark in enumerate(modules)
        if dark
    }
    assert drawn == wanted
    assert "".join(found.group() for found in _STRIP.finditer(code.path)) == code.path
