"""The open call on the screen of `trunkline top`: its card, its figures, lines of its journal. Pure.

Owns: words and places of these. Must not know: what is around them, Redis, the terminal.

A line of the journal that is longer than the screen goes on below, so that nothing of it is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from console.calls import takeovers
from console.calls.journal import clock, details
from console.calls.live import AnyCall, LiveCall, UnreadableCall
from console.style import BAD, BRIDGE, DIM
from console.text import NONE, cell, duration, fit, millis, tame, wrapped
from console.top.columns import FRAME_MS, TITLE, verdict_cell
from shared.contract.streams.journal import JournalEntry
from shared.contract.window import PipelineFigures


@dataclass(frozen=True, slots=True)
class _Figure:
    """One figure of a call's last window: its words, how it is found, its unit."""

    words: str
    of: Callable[[PipelineFigures], float | None]
    unit: str = ""


FIGURES = (
    _Figure("frames/s sent", lambda found: found.tx_fps),
    _Figure("frames waiting to be paced", lambda found: found.tx_q),
    _Figure("age of the oldest", lambda found: found.tx_q_age_ms, "ms"),
    _Figure("model audio unheard", lambda found: found.reply_q_ms, "ms"),
    _Figure("oldest overdue mark", lambda found: found.ws_block_ms, "ms"),
    _Figure("unsent bytes", lambda found: found.unsent_bytes),
    _Figure("socket write p99", lambda found: found.write_p99_ms, "ms"),
    _Figure("model audio per second", lambda found: found.delta_rate, "ms"),
    _Figure("loop lag ingress", lambda found: found.lag_ingress_ms, "ms"),
    _Figure("loop lag brain", lambda found: found.lag_brain_ms, "ms"),
    _Figure("loop lag egress", lambda found: found.lag_egress_ms, "ms"),
    _Figure("worst commit", lambda found: found.redis_ms, "ms"),
)


def head(call: AnyCall, at_ms: int, width: int) -> list[Text]:
    """All but its journal."""
    if isinstance(call, UnreadableCall):
        return [cell(call.call_sid, width, TITLE), cell(call.problem, width, BAD)]
    return _card_lines(call, at_ms, width)


def journal_lines(journal: Sequence[JournalEntry], width: int) -> list[Text]:
    """The lines of the journal, oldest first: one an entry, or more where an entry does not fit."""
    return [line for entry in journal for line in _entry_lines(entry, width)]


# Private.

KIND = 20
"""Cells for the kind; a longer one pushes its details to the right."""


def _entry_lines(entry: JournalEntry, width: int) -> list[Text]:
    stamp, kind = clock(entry.at_ms), tame(entry.kind)
    head = f"{kind}{' ' * max(0, KIND - cell_len(kind))} "
    first, *rest = wrapped(f"{head}{details(entry)}", width - cell_len(stamp) - 1, indent=2)
    made = [Text.assemble((stamp, DIM), " ", first)]
    return made + [Text(" " * (cell_len(stamp) + 1) + each) for each in rest]


def _card_lines(call: LiveCall, at_ms: int, width: int) -> list[Text]:
    card = call.card
    speaking = card.audible_response or "nothing"
    age, numbers = duration(call.age_ms(at_ms)), f"{card.from_number or NONE} → {card.to_number or NONE}"
    workers = "   ".join(worker or f"no {role}" for role, worker in call.owners.items())
    waiting = millis(call.caller_q * FRAME_MS)
    wrong, told = call.standing.trouble, _hands(call)
    made = [
        Text.assemble(
            cell(call.call_sid, 36, TITLE), cell(f"{card.state}  {age}  leg {card.leg}", width - 36)
        ),
        cell(f"{numbers}   agent {call.agent}", width),
        cell(workers, width),
        *([cell(wrong.words, width, BAD)] if wrong is not None else []),
        *([cell(told, width, BRIDGE)] if told else []),
        Text.assemble("verdict ", verdict_cell(call, 13), fit(call.standing.why, width - 21)),
        cell(f"audible {speaking}   caller audio waiting {waiting}   dropped {_drops(call)}", width),
    ]
    half = width // 2
    for left, right in zip(FIGURES[::2], FIGURES[1::2], strict=True):
        made.append(Text.assemble(_figure(call, left, half), _figure(call, right, width - half)))
    return made


def _hands(call: LiveCall) -> str:
    """That it has changed hands, or ends soon; empty where it is as it was."""
    again, outcome = takeovers.claims_in_words(call.fields), takeovers.ends_as(call.fields)
    parts = [
        f"claimed again: {again}" if again else "",
        f"ends as {outcome} without a stream" if outcome else "",
    ]
    return tame("   ".join(filter(None, parts)))


def _drops(call: LiveCall) -> str:
    """Frames and entries that were dropped in the last window, by cause."""
    if call.pipeline is None or not call.pipeline.drops:
        return "nothing"
    return ", ".join(f"{cause} {count}" for cause, count in call.pipeline.drops.items())


def _figure(call: LiveCall, figure: _Figure, width: int) -> Text:
    value = None if call.pipeline is None else figure.of(call.pipeline)
    unit = f" {figure.unit}" if figure.unit else ""
    shown = NONE if value is None else f"{value:,.1f}".removesuffix(".0") + unit
    return Text.assemble(cell(figure.words, width - 14, DIM), cell(shown, 12, right=True), "  ")
