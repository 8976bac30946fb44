"""Makes the diagram and the tables of docs/sequencer.md from the sequencer itself.

Why it exists: a drawing of a state machine that is kept by hand is wrong after its first change. `--check`
fails when the page is not what the code would make.

Owns: the parts of that page between its markers. Must not know: what a rule does.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import fields

from brain.sequencer.config import SequencerConfig
from brain.sequencer.inputs import Input
from brain.sequencer.state import SlotState
from brain.sequencer.transitions import TRANSITIONS, Row
from brain.sequencer.waits import WAITS
from brain.sequencer.wishes import EXPIRY_MS, Reason
from proofs.pages import parts

PAGE = parts.DOCS / "sequencer.md"
MOST_ON_AN_EDGE = 4
"""More inputs than this on one edge of the diagram are counted; the table names them."""


def main() -> int:
    """The command."""
    return parts.keep("proofs.pages.sequencer", __doc__, {PAGE.name: filled})


def filled(page: str) -> str:
    """The page with its generated parts made again. Raises ValueError for a missing marker."""
    for part, made in (("diagram", _diagram()), ("table", _table()), ("deadlines", _deadlines())):
        page = parts.put(page, part, made)
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
        handlers = [row.handler for row in rows.values() if row.handler is not None]
        rule = ", ".join(sorted({_name(handler) for handler in handlers})) or "[the waits](#deadlines)"
        lines.append(f"| **{kind.__name__}**<br>{_summary(kind)} | {rule} | {_nexts(rows)} |")
    return "\n".join(lines)


def _name(rule: Callable[..., None]) -> str:
    return f"`{rule.__module__.rpartition('.')[2]}.{rule.__name__}`"


def _summary(thing: object) -> str:
    """The first paragraph of its docstring, for a cell."""
    said = inspect.getdoc(thing)
    assert said, f"expected a docstring of {thing}, to say what it is or does"
    return said.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def _nexts(rows: dict[SlotState, Row]) -> str:
    """A line for each state that answers it; those that ignore it together, with the reason."""
    parts: list[str] = []
    ignored: dict[str, list[str]] = defaultdict(list)
    for state, row in rows.items():
        if row.handler is None and row.to == {state}:
            ignored[row.why].append(state)
            continue
        others = sorted(to for to in row.to if to is not state)
        stays = "stays" if state in row.to else "leaves"
        parts.append(f"{state}: {stays}{', or → ' + ', '.join(others) if others else ''}")
    parts += [f"{', '.join(states)}: ignored ({why})" for why, states in ignored.items()]
    return "<br>".join(parts)


def _deadlines() -> str:
    """A row a wait: for how long, and which rule ends it."""
    lines = ["| waited for | for how long, ms | when that has passed |", "|---|---|---|"]
    for wait in WAITS:
        bounds = "<br>".join(_bound(name) for name in wait.bounds)
        lines.append(f"| {wait.name} | {bounds} | {_name(wait.overdue)}<br>{_summary(wait.overdue)} |")
    return "\n".join(lines)


def _bound(name: str) -> str:
    """How long a wish waits, or a figure of the configuration with its reason."""
    if name in EXPIRY_MS:
        return f"{name}: {EXPIRY_MS[Reason(name)]:,.0f}"
    default = {field.name: field.default for field in fields(SequencerConfig)}[name]
    assert isinstance(default, float)
    source = inspect.getsource(SequencerConfig)
    found = re.search(rf'    {name}: [^\n]*\n    """(.*?)"""', source, re.DOTALL)
    assert found, f"expected a docstring right below {name}, to say why it is what it is"
    return f"`{name}` {default:,.0f}: {' '.join(found.group(1).split())}"


if __name__ == "__main__":
    sys.exit(main())
