"""The rows of `trunkline top`: a call or a worker as cells of exact width. Pure.

A call in trouble has words in place of its figures, in red.

Owns: columns, bars, colours; what gives way when the terminal is small (80 cells show all that matters). Must
not know: which rows are shown, Redis, the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text

from console.calls.live import AnyCall, AnyWorker, LiveCall, WorkerRow
from console.style import BAD, BRIDGE, DIM, GOOD
from console.text import NONE, Column, bar, cell, duration, line, millis
from console.top.state import is_bad, short
from shared.contract.worker import WorkerId

TITLE = "bold"
FIRST_FIGURE = "reply"
"""The title of the first column of figures."""

WIDE = 118
"""From here on there is room for the called number and the agent."""

FULL_REPLY_MS = 15_000.0
FULL_CALLER_FRAMES = 50
"""A full bar. A model is ahead of the caller by an answer; a second of unread caller audio is much."""

FRAME_MS = 20
LATE_LOOP_MS = 20.0


def columns_of_calls(width: int, at_ms: int, selected: str = "") -> list[Column[LiveCall]]:
    """At 80 cells all that matters; wider terminals also get numbers, agent, longer bars."""
    wide = width >= WIDE
    spare = max(0, width - (WIDE if wide else 80))
    reply_bar, caller_bar = 6 + spare * 2 // 3, 4 + spare // 3
    made: list[Column[LiveCall]] = [
        Column(" call", 8, lambda call: cell(_marked(call.call_sid == selected, short(call.call_sid)), 8)),
        Column("age", 7, lambda call: cell(duration(call.age_ms(at_ms)), 7, right=True), True),
        _number_column("from", lambda call: call.card.from_number, 13 if wide else 7),
        Column("state", 8, lambda call: cell(call.card.state, 8)),
        Column("own", 5, lambda call: cell(owner_numbers(call), 5)),
        Column(FIRST_FIGURE, reply_bar + 6, lambda call: _reply_cell(call, reply_bar)),
        Column("caller", caller_bar + 6, lambda call: _caller_cell(call, caller_bar)),
        Column("fps", 3, lambda call: _rate_cell(call, 3), True),
        Column("verdict", 12, lambda call: verdict_cell(call, 12)),
    ]
    if wide:
        made[3:3] = [
            _number_column("to", lambda call: call.card.to_number, 13),
            Column("agent", 16, lambda call: cell(call.agent, 16)),
        ]
    return made


def columns_of_workers(width: int, selected: str = "") -> list[Column[WorkerRow]]:
    """Name, state, load, lag, beat."""
    spare = max(0, width - 80)
    load_bar = 10 + spare // 2
    name = 22 + spare - spare // 2
    return [
        Column(
            " worker", name, lambda row: cell(_marked(row.name == selected, row.name.partition("#")[0]), name)
        ),
        Column("state", 9, lambda row: _state_cell(row, 9)),
        Column("calls", load_bar + 10, lambda row: _load_cell(row, load_bar), False),
        Column("loop lag", 9, lambda row: _lag_cell(row, 9), True),
        Column("beat", 7, lambda row: cell(millis(row.beat_age_ms), 7, right=True), True),
        Column("version", 7, lambda row: cell(row.beat.version or NONE, 7)),
    ]


def call_line(
    call: AnyCall, columns: Sequence[Column[LiveCall]], width: int, selected: str, style: str
) -> Text:
    """A call's row; of one in trouble, what is wrong; of one that cannot be read, why not."""
    if isinstance(call, LiveCall):
        wrong = call.standing.trouble
        return line(columns, call, style) if wrong is None else _troubled(call, columns, wrong.words, style)
    return _problem_line(short(call.call_sid), call.problem, width, style, call.call_sid == selected)


def worker_line(
    row: AnyWorker, columns: Sequence[Column[WorkerRow]], width: int, selected: str, style: str
) -> Text:
    """A worker's row; of one that cannot be read, why not."""
    if isinstance(row, WorkerRow):
        return line(columns, row, style)
    return _problem_line(row.name.partition("#")[0], row.problem, width, style, row.name == selected)


def verdict_cell(call: LiveCall, width: int) -> Text:
    """Coloured; a dash before the first window."""
    return cell(call.verdict or NONE, width, BAD if is_bad(call) else GOOD if call.verdict else DIM)


def owner_numbers(call: LiveCall) -> str:
    """Numbers of its processes: 0/1/0. Their full names stand in the view of the call."""
    return "/".join(_number(worker) for worker in call.owners.values())


# Private.


def _troubled(call: LiveCall, columns: Sequence[Column[LiveCall]], words: str, style: str) -> Text:
    """Who it is, and in place of its figures what is wrong."""
    first = next(place for place, each in enumerate(columns) if each.title == FIRST_FIGURE)
    width = sum(each.width + 1 for each in columns[first:]) - 1
    made = Text.assemble(line(columns[:first], call), " ", cell(words, width, BAD))
    return Text.assemble(made, style=style) if style else made


def _problem_line(name: str, problem: str, width: int, style: str, is_selected: bool) -> Text:
    """What cannot be read: its name, and why."""
    shown = f"{_marked(is_selected, name)} {problem}"
    return Text.assemble(cell(shown, width, BAD), style=style) if style else cell(shown, width, BAD)


def _marked(is_selected: bool, text: str) -> str:
    """The selection also without colours."""
    return ("▸" if is_selected else " ") + text


def _number_column(title: str, of: Callable[[LiveCall], str], width: int) -> Column[LiveCall]:
    return Column(title, width, lambda call: cell(of(call) or NONE, width, keep_end=True))


def _number(worker: str) -> str:
    try:
        return str(WorkerId.parse(worker).number) if worker else NONE
    except ValueError:
        return "?"


def _reply_cell(call: LiveCall, width: int) -> Text:
    if call.pipeline is None:
        return cell(NONE, width + 6)
    waiting = call.pipeline.reply_q_ms
    return Text.assemble(bar(waiting, FULL_REPLY_MS, width, "green"), cell(millis(waiting), 6, right=True))


def _caller_cell(call: LiveCall, width: int) -> Text:
    style = "red" if call.caller_q >= FULL_CALLER_FRAMES else "cyan"
    shown = cell(millis(call.caller_q * FRAME_MS), 6, right=True)
    return Text.assemble(bar(call.caller_q, FULL_CALLER_FRAMES, width, style), shown)


def _rate_cell(call: LiveCall, width: int) -> Text:
    return cell(NONE if call.pipeline is None else f"{call.pipeline.tx_fps:.0f}", width, right=True)


def _state_cell(row: WorkerRow, width: int) -> Text:
    if not row.is_alive:
        return cell("silent", width, BAD)
    return cell("draining", width, BRIDGE) if row.beat.draining else cell("ready", width, GOOD)


def _load_cell(row: WorkerRow, width: int) -> Text:
    calls, capacity = row.beat.calls, row.beat.capacity
    share = calls / capacity if capacity else 0.0
    style = "red" if share > 0.9 else "yellow" if share > 0.7 else "green"
    return Text.assemble(bar(calls, capacity, width, style), cell(f"{calls}/{capacity}", 10, right=True))


def _lag_cell(row: WorkerRow, width: int) -> Text:
    lag_ms = row.beat.loop_lag_ms
    return cell(f"{lag_ms:.1f}ms", width, BAD if lag_ms >= LATE_LOOP_MS else "", right=True)
