"""Calls as tables and as data: what `calls` and `show` print. Pure.

Owns: columns, words, the JSON shapes. Must not know: Redis, the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from console.calls.journal import JournalLine, clock
from console.calls.live import LiveCall
from console.style import BAD, DIM, GOOD, isolated
from console.text import NONE, duration, millis, tame
from console.top.state import figure


def calls_table(calls: Sequence[LiveCall], now_wall_ms: int) -> RenderableType:
    """One row a call."""
    if not calls:
        return Text("no live calls", style=DIM)
    table = Table("call", "age", "from → to", "agent", "state", "owners", "reply", "caller", "fps", "verdict")
    for column in (1, 6, 7, 8):
        table.columns[column].justify = "right"
    for call in calls:
        table.add_row(
            call.call_sid,
            duration(call.age_ms(now_wall_ms)),
            f"{call.from_number or NONE} → {call.to_number or NONE}",
            _plain(call.agent),
            call.state,
            " ".join(owner.partition("@")[0] or NONE for owner in owners(call).values()),
            _ms(figure(call, "reply_q_ms")),
            str(call.caller_q),
            _number(figure(call, "tx_fps")),
            verdict_text(call),
        )
    return table


def verdict_text(call: LiveCall) -> Text:
    """Coloured; nothing before the first window."""
    name = call.verdict or NONE
    return Text(name, style=GOOD if name == "ok" else (DIM if name == NONE else BAD))


def call_details(call: LiveCall, journal: Sequence[JournalLine], now_wall_ms: int) -> RenderableType:
    """Everything about one call: who has it, its figures, its counters, what happened last."""
    head = Table(box=None, show_header=False)
    rows = {
        "call": call.call_sid,
        "state": f"{call.state}, {duration(lasted_ms(call, now_wall_ms))}, leg {call.leg}",
        "from → to": f"{call.from_number or NONE} → {call.to_number or NONE}",
        "agent": call.agent,
        **{role: owner or NONE for role, owner in owners(call).items()},
        "audible": call.audible_response or NONE,
        "caller audio waiting": f"{call.caller_q} frames",
        "reply audio waiting": f"{_ms(figure(call, 'reply_q_ms'))} in {call.reply_q} pieces",
        "outcome": call.card.get("outcome", "") or NONE,
    }
    for name, value in rows.items():
        head.add_row(Text(name, style=DIM), _plain(value))
    why = f"  {call.pipeline.get('why', '')}"
    head.add_row(Text("verdict", style=DIM), Text.assemble(verdict_text(call), tame(why)))
    window, counters = _pairs("last window", _window(call)), _pairs("counters", _counters(call))
    return Group(head, window, counters, journal_table(journal))


def journal_table(journal: Sequence[JournalLine]) -> Table:
    """The last entries, oldest first."""
    table = Table("UTC", "what", "details", title="journal")
    for each in journal:
        table.add_row(clock(each.at_ms), _plain(each.kind), _plain(each.text))
    return table


def lasted_ms(call: LiveCall, now_wall_ms: int) -> int:
    """How long the call has lasted, or had when it ended."""
    ended_at_ms = call.card.get("ended_at_ms", "")
    return call.age_ms(int(ended_at_ms) if ended_at_ms.isdecimal() else now_wall_ms)


def owners(call: LiveCall) -> dict[str, str]:
    """Who has the call, by role; "" for nobody."""
    return {"ingress": call.ingress, "brain": call.brain, "egress": call.egress}


def as_data(call: LiveCall, now_wall_ms: int) -> dict[str, object]:
    """A call for programs. `card` is left out: `show --json` adds it."""
    shown = {name: value for name, value in asdict(call).items() if name != "card"}
    return {**shown, "age_ms": lasted_ms(call, now_wall_ms)}


# Private.


def _window(call: LiveCall) -> Mapping[str, object]:
    return {name: value for name, value in call.pipeline.items() if name not in ("at", "verdict", "why")}


def _counters(call: LiveCall) -> Mapping[str, object]:
    return {name: value for name, value in sorted(call.card.items()) if name.startswith("n_")}


def _plain(text: str) -> Text:
    """What others wrote: no markup, nothing that acts on the terminal, its own direction."""
    return Text(isolated(tame(text)))


def _ms(value: float | None) -> str:
    return NONE if value is None else millis(value)


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f}"


def _pairs(title: str, values: Mapping[str, object]) -> Table:
    table = Table(title=title, box=None, show_header=False)
    for name, value in values.items():
        table.add_row(Text(name, style=DIM), _plain(f"{value}"))
    return table
