"""What the demo prints: the live lines and the summary.

Owns: how both look. Must not know: how lines and figures are made.
"""

from __future__ import annotations

import textwrap

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from console.demo.figures import Figures
from console.demo.timeline import Line, Who
from console.demo.verdict import Check
from console.style import AGENT, BAD, BRIDGE, CALLER, DIM, GOOD
from shared.logs.text import isolated

STYLES = {Who.CALLER: CALLER, Who.AGENT: AGENT, Who.TOOL: BRIDGE, Who.BRIDGE: DIM}


INDENT = 19
"""Width of time and speaker before the text."""


def print_line(console: Console, line: Line) -> None:
    """One line of the timeline: time, whose, what. On a terminal a long text goes on below its beginning."""
    style = STYLES[line.who]
    row = Text.assemble(
        (f"{line.at_ms / 1000:7.2f} s  ", DIM),
        (f"{line.who.value:<7}  ", style if line.who is Who.BRIDGE else f"bold {style}"),
    )
    whole = f"“{line.said}”" if line.said else line.text
    width = max(20, console.width - INDENT) if console.is_terminal else max(1, len(whole))
    # Each piece is isolated by itself: a terminal orders the letters of every line again.
    pieces = [isolated(piece, of=whole) for piece in textwrap.wrap(whole, width)]
    row.append(f"\n{' ' * INDENT}".join(pieces), style=style)
    console.print(row, soft_wrap=True)


def summary(found: Figures, *, verbose_simulator: bool) -> RenderableType:
    """The call in numbers."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    for number, turn in enumerate(found.turns, 1):
        answered = "no answer" if turn.response_ms is None else f"{turn.response_ms:.0f} ms"
        table.add_row(f"response time, turn {number} ({escape(turn.name)})", answered)
    for silent_ms, dropped_ms in zip(found.barge_in_silent_ms, found.barge_in_dropped_ms, strict=True):
        table.add_row(
            "barge-in: voice to silence", f"{silent_ms:.0f} ms ({dropped_ms:.0f} ms at Twilio thrown away)"
        )
    late = f"{found.frames_late} late"
    if found.frames_late:
        late += f" (worst {found.worst_late_ms:.0f} ms)"
    table.add_row(
        "frames to the caller",
        f"{found.frames_to_caller} sent, {late}, {found.lead_ms:.0f} ms in hand (median)",
    )
    table.add_row("frames from the caller", f"{found.frames_from_caller} sent, {found.frames_lost} lost")
    if verbose_simulator:
        note = f"the simulator itself was up to {found.simulator_late_ms:.0f} ms late: figures are blurred"
        table.add_row("note", Text(note, style="yellow"))
    return table


def checks(found: list[Check], *, title: str) -> RenderableType:
    """Each expectation with a mark, and what there was."""
    rows = [Text(title, style="bold")]
    for check in found:
        mark, style = ("✓", GOOD) if check.met else ("✗", BAD)
        rows.append(Text.assemble((f"  {mark} ", style), check.expected, (f"  ({check.got})", DIM)))
    return Group(*rows)
