"""What the documents claim about the code: links, names of tests, generated parts."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from proofs.pages import sequencer as sequencer_diagram

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LESSONS = 38


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there."""
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_are_named_exist(page: Path) -> None:
    """`tests/….py` is a file, `tests/….py::name` a function or a class's test of it."""
    for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", page.read_text("utf-8")):
        file = ROOT / path
        assert file.exists(), f"{page.name} names {path}"
        assert not name or name in _names(file), f"{page.name} names {path}::{name}"


def _names(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_is_left_to_be_filled_in(page: Path) -> None:
    """No marker of a figure or a text that was to come."""
    assert re.findall(r"@@\w+@@|\bTODO\b|\bTBD\b", page.read_text("utf-8")) == []


def test_every_lesson_is_covered_once() -> None:
    """Rows 1 to 38, each with a test or the reason why there is none."""
    text = (ROOT / "docs" / "lessons-covered.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", text, re.MULTILINE)

    assert [int(number) for number, _ in rows] == list(range(1, LESSONS + 1))
    for number, row in rows:
        assert "tests/" in row or "cannot be a test" in row, f"lesson {number} names no test"


def test_the_sequencers_page_is_what_the_code_makes() -> None:
    """`python -m proofs.pages.sequencer` writes it."""
    page = sequencer_diagram.PAGE.read_text("utf-8")

    assert sequencer_diagram.filled(page) == page


def test_every_page_is_listed_in_the_readme() -> None:
    """A page that nobody finds is not there."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"](docs/{page.name})" not in text] == []
