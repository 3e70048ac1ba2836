"""The words of the tree: no marks of the old dialect, and one class per name (``docs/glossary.md``)."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ari"
TESTS = ROOT / "tests"
ASSETS = SOURCE / "web" / "assets"
GENERATED = SOURCE / "client" / "generated"
"""Classes and words of the API once more, for its client; the words are checked where they are written."""
MIRRORED = ("client/exceptions.py",)
"""Exceptions of the client that are also the ones of the same name, from which they inherit."""
DOCS = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]

MARKS = re.compile(
    r"\b(?:tells?|told|telling|anew|amiss|meanwhile|whoever|beside|for good|at the stroke|a good many|so long"
    r"|lets? go|come to|comes to|came to|may it|(?:is|are) made of|by itself|stands?|shall|(?<!be )asked for"
    r"|who (?:gave|has|asks)|answer(?:s|ed|ing)?|of ours|presented|seal(?:s|ed|ing)?|mails?|mailed)\b",
    re.IGNORECASE,
)
NOUN_CLAUSE = re.compile(r"(?:What|Who|Where|Which) (?:is|was|are|were|has|may|can|an?|the|one|it)\b")
"""The beginning of a docstring or comment that names no noun, such as "What is stored of a code"."""
ALLOWED = re.compile(
    r"stand-ins?|stand-alone|answer (?:a|every) question|answer (?:isn't|is) yes"
    r"|mail (?:service|server|key|client|proxy)s?"
    r'|@mail\.|"mail"|answered/s',
    re.IGNORECASE,
)
"""Standard terms, and ``answer`` as a verb of people."""
PARTICIPLE = re.compile(
    r"(?!(?:need|embed|feed|exceed|proceed|ping|string)$)(?:\w+ed|\w+ing|told|made|sent|held|seen|kept|given|found|written"
    r"|known|shown|taken|drawn|lost|begun|hidden|chosen|said|had|saw|gone|left)"
)
SPECIFIED = ("ari seal 1",)
"""Labels of stored formats, which can't change."""
CODE = re.compile(r"```.*?```|``[^`]+``|`[^`]+`|\]\([^)]*\)|https?://\S+", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'])//[^\n]*|\{#.*?#\}|<!--.*?-->", re.DOTALL)
TAG = re.compile(r"\{[{%].*?[%}]\}|<[^>]+>", re.DOTALL)


ROLES = {"routes", "urls", "view", "model", "ports", "deps", "env", "openapi", "context", "checks", "facts", "listing"}
"""Modules with the same part in each folder: routes and URLs of a page, the model of a concept."""
SUBJECTS = (
    {"keys", "events", "audit", "usage", "usage_export", "integrations", "notifications", "watch", "verify", "bulk"}
    | {"two_factor", "second_step", "master_key", "health", "migrate", "mail", "export", "retention", "ai"}
    | {"addresses", "cookies", "credentials", "environment", "queries", "resend", "responses", "search", "sqlite"}
    | {"transaction", "event_export", "import_keys", "kinds", "scopes", "consumers", "policy", "instance_policy"}
    | {"presets", "apply", "scope_use", "rotation", "ai_rules", "models", "model_aliases", "upstreams", "prices"}
    | {"budgets", "provider_keys", "webhooks"}
)
"""Modules about the same subject on several floors, such as a command at each door and its table in storage."""


def find_marks(text: str) -> list[str]:
    """The marks in prose; code, links and allowed terms don't count."""
    return MARKS.findall(ALLOWED.sub(" ", CODE.sub(" ", text)))


def python_prose(path: Path) -> Iterator[tuple[int, str]]:
    """Docstrings and comments, by line."""
    source = path.read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.removeprefix("#").strip()


def messages(path: Path) -> Iterator[tuple[int, str]]:
    """String literals of several words, which may be shown on pages, in the terminal or in the log."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Says anew what whoever asks is told.", ["anew", "whoever", "told"]),
        ("A page of ours answers.", ["of ours", "answers"]),
        ("The stand-in takes ``anew``; see [32](gateway-answers.md).", []),
    ],
)
def test_the_search_finds_marks(text: str, marks: list[str]) -> None:
    """The search itself works, or the tests below would pass on anything."""
    assert find_marks(text) == marks


@pytest.mark.parametrize("folder", [SOURCE, TESTS], ids=lambda folder: folder.name)
def test_docstrings_and_comments_are_plain(folder: Path) -> None:
    """A newcomer reads them once: no private words, and a noun where one exists."""
    paths = [path for path in sorted(folder.rglob("*.py")) if path.parent != GENERATED]
    texts = [(path, line, text) for path in paths for line, text in python_prose(path)]
    assert len(texts) > 1000
    assert not [
        f"{path.relative_to(ROOT)}:{line} {find_marks(text) or text[:60]}"
        for path, line, text in texts
        if find_marks(text) or NOUN_CLAUSE.match(text)
    ]


def test_names_of_tests_are_plain() -> None:
    """A failing test is known by its name first."""
    found = [
        (path, node.name)
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(found) > 1000
    assert [f"{path.relative_to(ROOT)} {name}" for path, name in found if find_marks(name.replace("_", " "))] == []


def test_messages_are_plain() -> None:
    """What people read on pages, in the terminal and in the log uses the glossary's words."""
    texts = [(path, line, text) for path in sorted(SOURCE.rglob("*.py")) for line, text in messages(path)]
    assert len(texts) > 1000
    assert not [
        f"{path.relative_to(ROOT)}:{line} {find_marks(text)}"
        for path, line, text in texts
        if find_marks(text) and text not in SPECIFIED
    ]


def test_templates_styles_and_scripts_are_plain() -> None:
    """The text of the pages, and the comments next to it."""
    pages = sorted(SOURCE.rglob("*.html"))
    assets = [path for path in sorted(ASSETS.rglob("*")) if path.suffix in (".css", ".js")]
    assert pages
    assert assets
    texts = [(path, TAG.sub(" ", path.read_text())) for path in pages]
    texts += [(path, comment) for path in [*pages, *assets] for comment in COMMENT.findall(path.read_text())]
    assert not [
        f"{path.relative_to(ROOT)} {find_marks(text)}: {text[:60] if path.suffix != '.html' else ''}"
        for path, text in texts
        if find_marks(text) or NOUN_CLAUSE.match(text.lstrip("/*{# "))
    ]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_docs_are_plain(path: Path) -> None:
    """The docs use the same words as the product."""
    assert find_marks(path.read_text()) == []


def test_a_class_name_has_one_meaning() -> None:
    """No two classes share a name, in any module."""
    places = defaultdict(list)
    for path in SOURCE.rglob("*.py"):
        place = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())) if path.parent != GENERATED else ():
            if isinstance(node, ast.ClassDef) and not _inherits_from(node, f"errors.{node.name}", place):
                places[node.name].append(place)
    assert len(places) > 200
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def _inherits_from(node: ast.ClassDef, base: str, place: str) -> bool:
    return place in MIRRORED and base in map(ast.unparse, node.bases)


def test_a_module_name_has_one_meaning() -> None:
    """A module name repeats only if it is a role or a subject, which the path then places."""
    folders = defaultdict(set)
    for path in SOURCE.rglob("*.py"):
        if path.stem not in ("__init__", "__main__"):
            folders[path.stem].add(path.parent)
    repeated = {name for name, found in folders.items() if len(found) > 1}
    assert repeated == repeated & (ROLES | SUBJECTS)
    assert (ROLES | SUBJECTS) - repeated == set(), "names that no longer repeat"


def _is_value_or_context(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Properties and fixtures name a value (``refused``); context managers read as ``with database.writing()``."""
    nodes = [node for one in function.decorator_list for node in ast.walk(one)]
    names = {getattr(node, "id", getattr(node, "attr", "")) for node in nodes}
    return bool(names & {"property", "cached_property", "contextmanager", "asynccontextmanager", "fixture"})


@pytest.mark.parametrize("folder", [SOURCE, TESTS], ids=lambda folder: folder.name)
def test_functions_are_named_by_verbs(folder: Path) -> None:
    """A participle (``told``, ``checked_scope``) leaves open what a function does; a verb says it."""
    checked, wrong = 0, []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_value_or_context(node):
                checked += 1
                if PARTICIPLE.fullmatch(node.name.strip("_").partition("_")[0]):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert checked > 1000
    assert wrong == []
