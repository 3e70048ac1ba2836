"""The documentation uses plain English, and the glossary is complete and in order."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "benchmarks" / "NOTES.md"]
CODE = re.compile(r"```.*?```|`[^`]*`|<!--.*?-->|\]\([^)]*\)", re.DOTALL)
MARKS = re.compile(
    r"\b(tells?|told|anew|comes? to (?:a|be|nothing)|let go|lets go|meanwhile|whoever|by itself|at the stroke|may it|"
    r"made of|so long|beside|amiss|a good many|for good|for ever|e-mails?|sealed|shall|somebody)\b",
    re.IGNORECASE,
)
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_use_the_usual_words(page: Path) -> None:
    """The marks of the old dialect, which readers had to decode, don't come back."""
    text = CODE.sub(" ", page.read_text(encoding="utf-8"))
    assert not MARKS.findall(text)


def test_the_glossary_has_one_sentence_for_each_term() -> None:
    """Terms are in alphabetical order, each once, so that a reader finds them and a new one has one place."""
    rows = ROW.findall((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))[2:]
    terms = [term for term, _ in rows]
    assert len(terms) > 30
    assert terms == sorted(set(terms), key=str.lower)
    for term, meaning in rows:
        first, *more = meaning.removesuffix(".").split(". ")
        assert first, term
        assert all(sentence.startswith("Planned") for sentence in more), term
