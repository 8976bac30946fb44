"""Makes the diagram and the tables of docs/sequencer.md from the sequencer itself.

Why: a drawing of a state machine that is kept by hand is wrong after its first change. Owns the parts of
that page between its markers. `--check` fails when the page is not what the code would make.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections import defaultdict
from dataclasses import fields
from pathlib import Path

from brain.sequencer.inputs import Input
from brain.sequencer.state import SequencerConfig, SlotState
from brain.sequencer.transitions import TRANSITIONS, Row
from brain.sequencer.wishes import EXPIRY_MS

PAGE = Path(__file__).parents[2] / "docs" / "sequencer.md"
MOST_ON_AN_EDGE = 4
"""More inputs than this on one edge of the diagram are counted; the table names them."""


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m proofs.pages.sequencer", description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether the page is current; write nothing")
    arguments = parser.parse_args()
    text = PAGE.read_text("utf-8")
    made = filled(text)
    if arguments.check:
        if made != text:
            sys.stderr.write("docs/sequencer.md is not current: run python -m proofs.pages.sequencer\n")
        return int(made != text)
    PAGE.write_text(made, "utf-8")
    return 0


def filled(page: str) -> str:
    """The page with its generated parts made anew."""
    for name, made in (("diagram", _diagram()), ("table", _table()), ("deadlines", _deadlines())):
        begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
        pattern = re.compile(re.escape(begin) + r".*?" + re.escape(end), re.DOTALL)
        page = pattern.sub(lambda _, b=begin, m=made, e=end: f"{b}\n{m}\n{e}", page)  # type: ignore[misc]
    return page


# Private.


def _inputs() -> list[type[object]]:
    return list(Input.__args__)


def _diagram() -> str:
    """The slot's states and what may lead from one to another. Steps that stay are left out."""
    edges: dict[tuple[SlotState, SlotState], list[str]] = defaultdict(list)
    for (state, kind), row in TRANSITIONS.items():
        for to in row.to:
            if to is not state:
                edges[(state, to)].append(kind.__name__)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> closed"]
    for (state, to), kinds in sorted(edges.items()):
        shown = sorted(set(kinds))
        label = ", ".join(shown) if len(shown) <= MOST_ON_AN_EDGE else f"{len(shown)} inputs"
        lines.append(f"    {state} --> {to}: {label}")
    return "\n".join([*lines, "    ended --> [*]", "```"])


def _table() -> str:
    """A row an input: who answers it, and what each state may become."""
    lines = ["| input | rule | next states, by state |", "|---|---|---|"]
    for kind in _inputs():
        rows = {state: TRANSITIONS[(state, kind)] for state in SlotState}
        rule = ", ".join(sorted({_name(row) for row in rows.values() if row.handler is not None}))
        said = inspect.getdoc(kind) or ""
        summary = said.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        lines.append(f"| **{kind.__name__}**<br>{summary} | {rule} | {_nexts(rows)} |")
    return "\n".join(lines)


def _name(row: Row) -> str:
    handler = row.handler
    assert handler is not None
    return f"`{handler.__module__.rpartition('.')[2]}.{handler.__name__}`"


def _nexts(rows: dict[SlotState, Row]) -> str:
    """States with the same answer in one line; those that ignore it with the reason."""
    parts: list[str] = []
    ignored: dict[str, list[str]] = defaultdict(list)
    for state, row in rows.items():
        if row.handler is None:
            ignored[row.why].append(state)
            continue
        others = sorted(to for to in row.to if to is not state)
        stays = "stays" if state in row.to else "leaves"
        parts.append(f"{state}: {stays}{', or → ' + ', '.join(others) if others else ''}")
    parts += [f"{', '.join(states)}: ignored ({why})" for why, states in ignored.items()]
    return "<br>".join(parts)


def _deadlines() -> str:
    """Every figure of the configuration, with its reason, and how long each wish waits."""
    source = inspect.getsource(SequencerConfig)
    lines = ["| wait | ms | why |", "|---|---|---|"]
    for field in fields(SequencerConfig):
        if not field.name.endswith("_ms"):
            continue
        found = re.search(rf'    {field.name}: [^\n]*\n    """(.*?)"""', source, re.DOTALL)
        assert found, f"expected a docstring right below {field.name}, to say why it is what it is"
        why = " ".join(found.group(1).split())
        default = field.default
        assert isinstance(default, float)
        lines.append(f"| `{field.name}` | {default:,.0f} | {why} |")
    lines += [
        f"| a waiting `{reason}` | {ms:,.0f} | then `response_expired` |" for reason, ms in EXPIRY_MS.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
