"""Rules with which other scanners find ARI keys, generated from the token format.

A rule matches the shape only. No regex can check the checksum, so a rule also matches text that isn't a key;
``ari scan paths`` checks it.
"""

from collections.abc import Callable, Iterable

from ari.base.errors import Invalid, Problem
from ari.base.token_shape import BODY_LENGTH, PREFIX, is_prefix

NOTE = (
    "The regex matches the shape of an ARI key. It can't check the checksum, the last 6 characters, so it also "
    "matches text that isn't a key; ari scan paths checks it too."
)


def write_rules(scanner: str, prefixes: Iterable[str] = ()) -> str:
    """A rule for this scanner (one of ``SCANNERS``), for the default prefix and these.

    Raises ``Invalid`` for anything that no kind of keys may have as its prefix.
    """
    wanted = tuple(dict.fromkeys((PREFIX, *prefixes)))
    if not all(map(is_prefix, wanted)):
        sentence = "A prefix has 2–20 lowercase letters, digits and _, begins with a letter and ends in _."
        raise Invalid(Problem("prefix", sentence))
    return SCANNERS[scanner](wanted)


def secret_format(prefixes: Iterable[str]) -> str:
    """A regex for the whole token and nothing around it, in the subset that RE2, Hyperscan and Python share."""
    return rf"(?:{'|'.join(prefixes)})[0-9A-Za-z]{{{BODY_LENGTH}}}"


def _write_gitleaks(prefixes: tuple[str, ...]) -> str:
    return f"""\
# Rules for gitleaks: save as .gitleaks.toml, or copy the rule into yours.
# {NOTE}
[extend]
useDefault = true

[[rules]]
id = "ari-api-key"
description = "ARI API key"
regex = '''({secret_format(prefixes)})(?:[^0-9A-Za-z]|$)'''
secretGroup = 1
keywords = [{", ".join(f'"{prefix}"' for prefix in prefixes)}]
"""


def _write_trufflehog(prefixes: tuple[str, ...]) -> str:
    keywords = "".join(f"      - {prefix}\n" for prefix in prefixes)
    return f"""\
# A custom detector for TruffleHog: trufflehog filesystem PATH --config=FILE
# {NOTE}
detectors:
  - name: ARI API key
    keywords:
{keywords}    regex:
      key: '({secret_format(prefixes)})(?:[^0-9A-Za-z]|$)'
"""


def _write_github(prefixes: tuple[str, ...]) -> str:
    return f"""\
# A custom pattern for GitHub secret scanning: enter each value in the field with this name.
# {NOTE}
Pattern name: ARI API key
Secret format: {secret_format(prefixes)}
Before secret: \\A|[^0-9A-Za-z]
After secret: \\z|[^0-9A-Za-z]
"""


SCANNERS: dict[str, Callable[[tuple[str, ...]], str]] = {
    "gitleaks": _write_gitleaks,
    "trufflehog": _write_trufflehog,
    "github": _write_github,
}
FILE_NAMES = {"gitleaks": "gitleaks.toml", "trufflehog": "trufflehog.yaml", "github": "github-custom-pattern.txt"}
"""The names under which the rules are saved."""
