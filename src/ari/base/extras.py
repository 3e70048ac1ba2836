"""What to install when a package is missing: ``ari-keys`` alone brings only what all its extras share (decision 52)."""


def explain_missing(error: ModuleNotFoundError, extra: str) -> str | None:
    """One sentence with the command that installs the missing package; None if a part of ARI itself is missing.

    ``extra`` is the extra of ``ari-keys`` that has the package, such as ``server``.
    """
    package = (error.name or "").partition(".")[0]
    if package in ("", "ari"):
        return None
    return f'The Python package {package} is missing. Run: pip install "ari-keys[{extra}]"'
