"""Links in the documentation lead to files and headings that exist, and its paths and modules are real."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""(?:\]\(|(?:src|srcset|href)=")([^)"\s]*)""")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FILE = re.compile(r"`((?:[\w-]+/)+[\w.-]*\.py|(?:src/ari|tests|benchmarks|docs|examples|frontend)/[\w./-]+)`")
MODULE = re.compile(r"`(ari(?:\.[a-z_]\w*)+)`")
DATA_FILES = {"ari.db", "ari.env", "ari.backup", "ari.service"}
SPAN_NAMES = re.compile(
    r"ari\.(?:"
    r"request_id|result|results|key_id|consumer_id|authenticate|lookup_key|commit_usage|database|"
    r"read_body|wait_for_turn|fold|send_email|send_webhook|webhook_id|delivery_id|event_type|backup|"
    r"copy_audit_log|hourly_jobs|queue_webhooks|remove_old_events|remove_old_usage|scan_usage)"
)
"""Spans and their attributes look like modules."""


def _pages() -> list[Path]:
    return [
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
        *sorted((ROOT / "benchmarks").glob("*.md")),
    ]


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    """The target file and the anchor of every relative link of a page."""
    for target in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if "://" not in target and not target.startswith(("mailto:", "{")):
            path, _, anchor = target.partition("#")
            yield (page.parent / path if path else page), anchor


def _anchors(page: Path) -> set[str]:
    """Anchors as GitHub makes them from headings: lower case, spaces as hyphens, punctuation dropped."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path) -> None:
    """Renaming a page or a heading breaks no link."""
    for target, anchor in _links(page):
        assert target.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in _anchors(target), f"{target.name} has no heading #{anchor}"


def test_every_page_is_reachable_from_the_index() -> None:
    """Following links from docs/README.md reaches every page under docs."""
    seen: set[Path] = set()
    queue = [ROOT / "docs" / "README.md"]
    while queue:
        page = queue.pop().resolve()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            queue += [target for target, _ in _links(page)]
    assert {page.resolve() for page in (ROOT / "docs").rglob("*.md")} <= seen


@pytest.mark.parametrize("page", _pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_file_and_module_exists(page: Path) -> None:
    """Files are named from the root of the repository or from ``src/ari``."""
    text = page.read_text(encoding="utf-8")
    for path in FILE.findall(text):
        assert (ROOT / path).exists() or (ROOT / "src/ari" / path).exists(), f"{path} does not exist"
    for module in MODULE.findall(text):
        assert module in DATA_FILES or SPAN_NAMES.fullmatch(module) or _module_exists(module), (
            f"{module} does not exist"
        )


def test_every_page_that_the_code_names_exists() -> None:
    """Docstrings and comments name pages of the documentation as docs/….md."""
    files = [ROOT / "Makefile", ROOT / "pyproject.toml"]
    for folder in ("src", "tests", "benchmarks", "docs"):
        files += (ROOT / folder).rglob("*.py")
    found = [(file, page) for file in files for page in re.findall(r"(?<![\w/.])docs/[\w/-]+\.md", file.read_text())]
    assert len(found) > 10
    for file, page in found:
        assert (ROOT / page).exists(), f"{file.relative_to(ROOT)} names {page}"


def test_every_file_that_the_code_names_exists() -> None:
    """Docstrings and comments name other files in double backticks, by name or by the end of their path."""
    folders = [ROOT / name for name in ("src", "tests", "benchmarks", "docs", "requirements", "frontend")]
    paths = [f"/{path.relative_to(ROOT)}" for folder in folders for path in folder.rglob("*") if path.is_file()]
    paths += [f"/{path.name}" for path in ROOT.iterdir()]
    files = [file for folder in ("src", "tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    name = re.compile(r"``([\w./-]+\.(?:py|html|js|css|md))``")
    found = [(file, named) for file in files for named in name.findall(file.read_text())]
    assert len(found) > 20
    for file, named in found:
        assert any(path.endswith(f"/{named}") for path in paths), f"{file.relative_to(ROOT)} names {named}"


def _module_exists(dotted: str) -> bool:
    """A package, a module, or a name inside a module."""
    here, *names = ROOT / "src", *dotted.split(".")
    for name in names:
        if (here / name).is_dir():
            here /= name
        elif (here / f"{name}.py").is_file():
            here /= f"{name}.py"
        else:
            source = here if here.is_file() else here / "__init__.py"
            return re.search(rf"\b{name}\b", source.read_text(encoding="utf-8")) is not None
    return True


def test_the_checks_find_what_is_wrong(tmp_path: Path) -> None:
    """A missing file, an anchor and a module are each recognized, so the tests above can fail."""
    page = tmp_path / "page.md"
    page.write_text("# A *first* `title`, twice\n[x](gone.md) [y](#a-first-title-twice)\n```\n# no heading\n```\n")
    assert [(target.exists(), anchor) for target, anchor in _links(page)] == [
        (False, ""),
        (True, "a-first-title-twice"),
    ]
    assert _anchors(page) == {"a-first-title-twice"}
    assert _module_exists("ari.base.clock")
    assert not _module_exists("ari.base.nothing")
