"""docs/operating.md and docs/console.md against the code: exit codes, the journal, commands, screens."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import typer

from console.app import app
from console.top.state import ORDERS
from console.top.view import HELP
from proofs.pages import captures
from shared.contract.streams.journal import Kind
from shared.contract.worker import ROLES
from shared.exit_codes import Exit

ROOT = Path(__file__).parent.parent
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
CONSOLE = (ROOT / "docs" / "console.md").read_text("utf-8")
KINDS = ROOT / "shared" / "contract" / "streams" / "journal.py"
WRITERS = frozenset({"journal", "note"})
"""Methods that write a line of the journal: its kind is the first text among their arguments."""


def table(page: str, head: str) -> list[list[str]]:
    """Cells of the table that begins with this head."""
    _, _, rest = page.partition(f"| {head} |")
    lines = rest.splitlines()[2:]
    cells = []
    for line in lines:
        if not line.startswith("|"):
            break
        cells.append([cell.strip() for cell in line.strip("|").split("|")])
    return cells


def test_every_exit_code_is_explained() -> None:
    """By number and name."""
    rows = [(int(number), name) for number, name, _ in table(OPERATING, "exit code")]
    assert rows == [(code.value, code.name.lower()) for code in Exit]


def test_every_kind_of_the_journal_is_explained_and_written() -> None:
    """The table has the kinds of the contract; each is somebody's, and nobody writes another."""
    named = {kind for row in table(OPERATING, "kind") for kind in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == {kind.value for kind in Kind}
    assert set(written()) - named == set(), "shared/contract/streams/journal.py does not have these"
    texts = {text for node in all_nodes() if (text := _text(node))}
    assert named - texts - set(written()) == set(), "nobody writes these"


def written() -> Iterator[str]:
    """Kinds that some role's code writes, by their word or as `Kind.NAME`."""
    for node in all_nodes():
        if isinstance(node, ast.Call) and _method(node) in WRITERS:
            yield from [text for argument in node.args if (text := _text(argument))][:1]
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("Kind", "journal.Kind"):
            yield from [kind.value for kind in Kind if kind.name == node.attr]
    for path in (ROOT / "shared" / "contract" / "lua").glob("*.lua"):
        for line in re.findall(r"XADD', card \.\. ':journal'(.*?)\)", path.read_text("utf-8"), re.DOTALL):
            kind = line.partition("'kind',")[2].partition(",")[0]
            yield from re.findall(r"'([a-z_]+)'", kind)


def _method(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def all_nodes() -> Iterator[ast.AST]:
    """The syntax of all roles, but for the list of kinds itself."""
    for role in (*ROLES, "shared"):
        for path in (ROOT / role).rglob("*.py"):
            if path != KINDS:
                yield from ast.walk(ast.parse(path.read_text("utf-8")))


def test_every_command_is_in_the_table() -> None:
    """With the name that it is called by."""
    group = typer.main.get_command(app)
    names = set(group.commands) - {"agents"} | {
        f"agents {name}" for name in group.commands["agents"].commands
    }
    rows = [re.match(r"`trunkline ([a-z]+(?: [a-z]+)?)", row[0]) for row in table(CONSOLE, "command")]
    assert {row[1] for row in rows if row} == names


def test_every_key_of_the_screen_is_in_the_table() -> None:
    """As the help on the screen has them."""
    keys = " ".join(row[0] for row in table(CONSOLE, "key"))
    words = {word for shown, _ in HELP[:8] for word in shown.split()}
    assert {word for word in words if word not in keys} == set()
    sorts = next(row[1] for row in table(CONSOLE, "key") if row[0] == "`s`")
    assert sorts == "sorts by " + ", ".join(order.name for order in ORDERS)


def test_the_screens_are_of_this_version() -> None:
    """What `make captures` wrote has the titles and keys that are drawn now."""
    top, call, doctor = (captures.captured(CONSOLE, name) for name in ("top", "top-call", "doctor"))
    assert len(top.splitlines()) == len(call.splitlines()) == captures.HEIGHT
    assert max(len(line) for line in [*top.splitlines(), *call.splitlines()]) <= captures.WIDTH
    assert re.search(r"call +age from +to +agent +state +own +reply +caller +fps verdict", top)
    assert {"model_slow", "twilio_slow"} <= set(top.split())
    assert "worst commit" in call
    assert "response_created" in call
    assert re.search(r"^ok +media socket +opened in", doctor, re.MULTILINE)
    assert "→" in doctor
