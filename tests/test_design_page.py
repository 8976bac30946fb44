"""docs/design.md against the code: sections that are referred to, paths and names, generated tables."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from proofs.pages import design
from shared.contract.keys import (
    ADMITTED,
    AUDIT,
    CALL_PARTS,
    CONFIG,
    COUNTED_BY,
    MODEL,
    SPEECH,
    WORKERS,
    Keys,
    caller_day,
    sound_key,
)
from shared.contract.streams import control

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "design.md").read_text("utf-8")
TITLES = (
    "What must be true", "Shape", "Words", "Keys", "The streams", "Control messages", "The card",
    "Reading and writing", "Ownership", "Admission", "A call's life", "A call from ring to end", "Barge-in",
    "Noise does not cut", "Sound of our own", "The response sequencer", "Sound is owed",
    "Framer, pacer, ledger", "A new egress",
    "What the caller notices", "Diagnosis", "Processes", "Who counts as dead",
    "Another model, another carrier", "Where modules moved",
)  # fmt: skip
"""Code refers to the page by them."""

SUFFIXES = (".py", ".lua", ".conf", ".md")
ITSELF = ("docs/design.md", "proofs/pages/design.py", "tests/test_design_page.py")
FOLDERS = "brain|console|deploy|docs|egress|ingress|proofs|shared|simulators|tests"


# References.


def bad_references(text: str) -> Iterator[str]:
    """Mentions of the page that are no `(docs/design.md, Title)`, no link, and not the page as a whole."""
    text = re.sub(r"\[[^\]]*\]\([^)#]*design\.md\)", "", text)
    # A reference may go over to the next line, in a comment too.
    text = re.sub(r"\s*\n\s*(?:--|[#;]|//)?\s*", " ", text)
    for found in re.finditer(r".?docs/design\.md(?P<rest>.{0,60})", text):
        rest = found["rest"]
        title = re.match(r", ([^)]*)\)", rest)
        is_section = found[0].startswith("(") and title is not None and title[1] in TITLES
        is_whole = re.match(r"(?:[`.)]|$| (?!section|§))", rest) and not re.match(r"\.?#", rest)
        if not (is_section or is_whole):
            yield found[0]


def test_the_sections_are_those_that_code_refers_to() -> None:
    """In this order."""
    assert tuple(re.findall(r"^## (.*)$", PAGE, re.MULTILINE)) == TITLES


def test_every_reference_names_a_section() -> None:
    """In all tracked files but the page itself, its maker and this test."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, check=False, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        if name.endswith(SUFFIXES) and name not in ITSELF and (ROOT / name).is_file():
            found = list(bad_references((ROOT / name).read_text("utf-8")))
            assert not found, f"{name}: {found}; expected (docs/design.md, Title) with one of its titles"


@pytest.mark.parametrize(
    "mention",
    [
        "Rules (docs/design.md, section 8).",
        "Rules (docs/design.md, Barge in).",
        'See docs/design.md, "Barge-in".',
        "docs/design.md, Barge-in",
        "as docs/design.md#barge-in says",
        "docs/design.md section 8",
        "-- as the page says (docs/design.md,\n-- The stream).",
    ],
)
def test_a_reference_to_no_section_is_found(mention: str) -> None:
    """The check above can fail."""
    assert len(list(bad_references(mention))) == 1


@pytest.mark.parametrize(
    "mention",
    [
        "Rules (docs/design.md, Barge-in).",
        "the limit (docs/design.md, A call's life); the rest",
        "-- fenced (docs/design.md, The\n--   streams)",
        "    # fenced (docs/design.md,\n    # Ownership).",
        "- [docs/design.md](docs/design.md): the contract.",
        "docs/design.md is its page.",
        "It has a page: docs/design.md",
    ],
)
def test_a_reference_to_a_section_and_a_link_pass(mention: str) -> None:
    """Over the end of a line too, and the page as a whole."""
    assert list(bad_references(mention)) == []


# Paths and names.


def named_paths(page: str) -> set[str]:
    """Every file and folder that a page names in a code span; of the moved ones only where they are now."""
    words, _, moves = page.partition("## Where modules moved")
    found = set(re.findall(rf"`((?:{FOLDERS})/[\w./-]*?)`", words))
    for folders, cell in re.findall(r"^\| (`[\w./]+/`.*?) \| (.*) \|$", moves, re.MULTILINE):
        rooms = re.findall(r"`([^`]+)`", folders)
        found.update(rooms)
        for move in cell.split("; "):
            new = re.findall(r"`([^`]+)`", move.partition(" → ")[2])
            found.update(span if "/" in span else rooms[0] + span for span in new)
    return found


def named_in_modules(page: str) -> set[tuple[str, str]]:
    """What a page names in a module: `path.py` `Class.method`."""
    return set(re.findall(rf"`((?:{FOLDERS})/[\w/]+\.py)`\s+`([A-Za-z_][\w.]*)`", page))


@cache
def names_of(path: Path) -> frozenset[str]:
    """Functions, classes, and `Class.method` of a module."""
    names: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            members = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
            names |= {f"{node.name}.{each.name}" for each in members}
    return frozenset(names)


def test_every_path_exists() -> None:
    """Files and folders, those that modules moved to among them."""
    assert {path for path in named_paths(PAGE) if not (ROOT / path).exists()} == set()


def test_every_name_is_in_its_module() -> None:
    """Functions and methods of the walks."""
    named = named_in_modules(PAGE)
    assert len(named) > 30
    assert {(path, name) for path, name in named if name not in names_of(ROOT / path)} == set()


def test_every_method_is_one_of_some_class() -> None:
    """Also where the page does not repeat its module."""
    packages = ("brain", "console", "egress", "ingress", "proofs", "shared")
    known = {
        name for package in packages for path in (ROOT / package).rglob("*.py") for name in names_of(path)
    }
    assert set(re.findall(r"`([A-Z]\w+\.[a-z]\w+)`", PAGE)) - known == set()


def test_a_missing_path_is_found() -> None:
    """The checks above can fail: a path, a name, a module that moved nowhere."""
    moved = "## Where modules moved\n| `brain/call/`, `brain/x/` | `brain/x.py` → `y.py`, `shared/z.py` |"
    page = f"`egress/nowhere.py` and `egress/pacing/pacer.py`\n`Pacer.fly`\n{moved}\n"
    assert named_paths(page) == {
        "egress/nowhere.py", "egress/pacing/pacer.py", "brain/call/", "brain/x/", "brain/call/y.py",
        "shared/z.py",
    }  # fmt: skip
    assert named_in_modules(page) == {("egress/pacing/pacer.py", "Pacer.fly")}
    assert "Pacer.fly" not in names_of(ROOT / "egress" / "pacing" / "pacer.py")
    assert "Pacer.sent" in names_of(ROOT / "egress" / "pacing" / "pacer.py")


# Tables.


@pytest.mark.parametrize("name", design.PARTS)
def test_the_tables_are_what_the_code_makes(name: str) -> None:
    """`python -m proofs.pages.design` writes them."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    assert design.filled(name, page) == page


def test_a_table_that_is_not_current_is_made_again() -> None:
    """And a page without its markers is refused."""
    stale = PAGE.replace("| `hangup` | `operator` → brain |", "| `hang` | `operator` → brain |")
    assert stale != PAGE
    assert design.filled("design.md", stale) == PAGE
    with pytest.raises(ValueError, match="card:begin"):
        design.filled("design.md", PAGE.replace("<!-- card:begin -->", ""))


def test_every_control_message_says_from_whom_to_whom() -> None:
    """And no other."""
    assert set(design.WAYS) == set(control.KINDS.values())


def test_every_key_is_in_the_table() -> None:
    """By its name, with the call's, the worker's and the lane's put in."""
    keys, call, worker = Keys(1), "CA" + "0" * 32, "<worker>"
    made = {
        keys.calls(0), keys.live(0), keys.ended(0), keys.slots(0), keys.hooks(0), keys.tapes(0),
        keys.wake(0, worker),
        keys.owned(0, worker), keys.out("<ingress>"), keys.back("<egress>"), keys.worker(worker),
        keys.card(call), keys.spent("<day>"), AUDIT, CONFIG, SPEECH, WORKERS, sound_key("<id>"),
        ADMITTED, COUNTED_BY, MODEL, caller_day("<caller>"),
        *(f"…:{part}" for part in CALL_PARTS),
    }  # fmt: skip
    table = PAGE.partition("\n## Keys\n")[2].partition("\n## ")[0]
    listed = {name for row in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE) for name in row.split("`")}
    wanted = {key.replace("{0}", "{L}").replace(call, "CA…") for key in made}
    assert wanted - listed == set()
