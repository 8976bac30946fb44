"""How `trunkline top` looks: state and snapshot → lines for a terminal of a given size. Pure.

Owns: the frame around the list, the open call and the help; how lines are shared out between them. Must not
know: what stands in a row (columns.py) or in an open call (opened.py), what a key does, Redis, the terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from console.style import BAD, BRIDGE, DIM
from console.text import cell, fit, millis, titles
from console.top import opened
from console.top.columns import (
    FRAME_MS,
    TITLE,
    call_line,
    columns_of_calls,
    columns_of_workers,
    worker_line,
)
from console.top.state import (
    ORDERS,
    Drain,
    EndCall,
    Snapshot,
    TopState,
    is_bad,
    shown_calls,
    shown_workers,
)
from shared.contract.streams.journal import JournalEntry
from shared.logs.text import isolated

SELECTED, ELSEWHERE = "reverse", "bold"
LEAST_WIDTH, LEAST_HEIGHT = 60, 10
HEAD_LINES, FOOT_LINES = 2, 1

KEYS_LIST = "↑↓ select  Tab pane  Enter open  s sort  / filter  h hang up  d drain  ?  q"
KEYS_HELP = "any key: back"
KEYS_CALL = "↑↓ PgUp PgDn Home End scroll  h hang up  Esc back  ? help"

HELP = (
    ("↑ ↓  k j", "select; PageUp, PageDown, Home, End too"),
    ("Tab", "between calls and workers"),
    ("Enter", "open the selected call: its figures, and its journal as it happens"),
    ("s", "sort by " + ", ".join(order.name for order in ORDERS)),
    ("/", "filter by any part of id, numbers, agent, state, verdict, worker; Esc clears it"),
    ("h", "hang up the selected call (asks)"),
    ("d", "drain the selected worker: it takes no new call, its live ones go on (asks)"),
    ("q  Esc", "back, quit"),
    ("", ""),
    ("own", "numbers of the call's ingress / brain / egress process; – is nobody"),
    ("reply", "model audio that the caller has not heard"),
    ("caller", "caller audio that the model has not got"),
    ("fps", "frames of 20 ms sent to the caller in a second; 50 while audio plays"),
    ("verdict", "ok, or whose fault: model_slow, twilio_slow, redis_slow, redis_refuses, cpu(role)"),
    ("red", "in words, first in the list: nobody has the call, or sound is owed for over 2 s"),
)


def draw(
    state: TopState,
    snapshot: Snapshot,
    width: int,
    height: int,
    journal: Sequence[JournalEntry] = (),
) -> list[Text]:
    """The whole screen: `height` lines of at most `width` cells."""
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return _filled(
            [Text(fit(f"expected {LEAST_WIDTH} × {LEAST_HEIGHT}, got {width} × {height}", width))], height
        )
    head = [_header(snapshot, width), _second(state, snapshot, width)]
    room = height - HEAD_LINES - FOOT_LINES
    match state.view:
        case "help":
            body = [Text.assemble(cell(f" {key}", 11, TITLE), fit(what, width - 12)) for key, what in HELP]
        case "call":
            body = _call_view(state, snapshot, width, room, journal)
        case _:
            body = _list_view(state, snapshot, width, room)
    made = [*head, *_filled(body, room), _footer(state, width)]
    for each in made:  # Below 80 cells the last columns give way.
        each.truncate(width)
    return made


def most_scroll(
    state: TopState, snapshot: Snapshot, width: int, height: int, journal: Sequence[JournalEntry]
) -> int:
    """Lines of the open call's journal that do not fit on a screen of this size."""
    if state.view != "call":
        return 0
    room = height - HEAD_LINES - FOOT_LINES
    lines = opened.journal_lines(journal, max(LEAST_WIDTH, width))
    return max(0, len(lines) - (room - len(_head_of_open_call(state, snapshot, LEAST_WIDTH)) - 1))


# Private.

# The frame.


def _header(snapshot: Snapshot, width: int) -> Text:
    """How many, and how many of them are not well. On a narrow screen in fewer letters, so that none of it is
    cut off."""
    calls, workers = snapshot.readable_calls, snapshot.readable_workers
    bad = sum(is_bad(call) for call in calls)
    frames = sum(call.pipeline.tx_fps for call in calls if call.pipeline is not None)
    alive = sum(row.is_alive for row in workers)
    unreadable = len(snapshot.calls) - len(calls) + len(snapshot.workers) - len(workers)
    clock = datetime.fromtimestamp(snapshot.at_ms / 1000, UTC).strftime("%H:%M:%S")
    begin = [
        Text(f"{len(calls)} call{'' if len(calls) == 1 else 's'}"),
        Text(f"{bad} not ok", style=BAD if bad else DIM),
    ]
    end = [Text(f"{unreadable} unreadable", style=BAD)] if unreadable else []
    dead = BAD if alive < len(workers) else ""
    long = [
        Text("trunkline top", style=TITLE),
        *begin,
        Text(f"{frames:.0f} frames/s"),
        Text(f"{alive} of {len(workers)} workers alive", style=dead),
        *end,
    ]
    short = [
        Text("top", style=TITLE),
        *begin,
        *end,
        Text(f"{alive}/{len(workers)} alive", style=dead),
        Text(f"{frames:.0f} frames/s"),
    ]
    left, right = Text("  ").join(long), f" {clock} UTC"
    if left.cell_len + len(right) > width:
        left, right = Text("  ").join(short), f" {clock}"
    left.truncate(width - len(right), pad=True)
    return Text.assemble(left, (right, DIM))


def _second(state: TopState, snapshot: Snapshot, width: int) -> Text:
    if snapshot.trouble:
        return cell(f"what you see is old: {snapshot.trouble}", width, BAD)
    calls = snapshot.readable_calls
    waiting = sum(call.caller_q for call in calls) * FRAME_MS
    reply = sum(call.pipeline.reply_q_ms for call in calls if call.pipeline is not None)
    text = f"waiting: caller → model {millis(waiting)}, model → caller {millis(reply)}   sort: "
    made = Text(text + ORDERS[state.sort].name, style=DIM)
    if state.filter or state.typing:
        made.append(f"   filter: {isolated(state.filter)}{'▏' if state.typing else ''}", style=BRIDGE)
    made.truncate(width)
    return made


def _footer(state: TopState, width: int) -> Text:
    match state.asked:
        case EndCall(call_sid):
            return cell(f"Hang up {call_sid}? y or n", width, BAD)
        case Drain(worker):
            return cell(f"Drain {worker}? It takes no new call from then on. y or n", width, BAD)
        case None:
            pass
    if state.note:
        return cell(state.note, width, BRIDGE)
    if state.typing:
        return cell("type to filter; Enter keeps it, Esc clears it", width, BRIDGE)
    keys = {"call": KEYS_CALL, "help": KEYS_HELP, "list": KEYS_LIST}[state.view]
    return cell(keys, width, DIM)


def _filled(lines: list[Text], height: int) -> list[Text]:
    return (lines + [Text("")] * height)[:height]


# The list.


def _list_view(state: TopState, snapshot: Snapshot, width: int, room: int) -> list[Text]:
    workers = shown_workers(snapshot)
    calls = shown_calls(state, snapshot)
    worker_rows = min(max(1, len(workers)), max(3, room // 3))
    call_rows = room - worker_rows - 3  # Two lines of titles, one blank.
    call_columns = columns_of_calls(width, snapshot.at_ms, state.call_sid)
    made = [titles(call_columns, TITLE)]
    sids = [call.call_sid for call in calls]
    first = _first_shown(sids, state.call_sid, call_rows)
    for call in calls[first : first + call_rows]:
        style = _selection(call.call_sid == state.call_sid, state.pane == "calls")
        made.append(call_line(call, call_columns, width, state.call_sid, style))
    if not calls:
        made.append(Text("  no call fits the filter" if snapshot.calls else "  no live call", style=DIM))
    hidden = len(calls) - call_rows
    made = _filled(made, call_rows + 1)
    made.append(Text(f"  {hidden} more calls" if hidden > 0 else "", style=DIM))
    worker_columns = columns_of_workers(width, state.worker)
    made.append(titles(worker_columns, TITLE))
    names = [row.name for row in workers]
    first = _first_shown(names, state.worker, worker_rows)
    for row in workers[first : first + worker_rows]:
        style = _selection(row.name == state.worker, state.pane == "workers")
        made.append(worker_line(row, worker_columns, width, state.worker, style))
    if not workers:
        made.append(Text("  no worker has shown itself", style=DIM))
    return made


def _selection(is_selected: bool, is_here: bool) -> str:
    if not is_selected:
        return ""
    return SELECTED if is_here else ELSEWHERE


def _first_shown(names: Sequence[str], selected: str, rows: int) -> int:
    """Where the window begins so that the selection is in it."""
    place = names.index(selected) if selected in names else 0
    return max(0, min(place - rows // 2, len(names) - rows))


# The open call.


def _call_view(
    state: TopState, snapshot: Snapshot, width: int, room: int, journal: Sequence[JournalEntry]
) -> list[Text]:
    made = _head_of_open_call(state, snapshot, width)
    rows = room - len(made) - 1
    lines = opened.journal_lines(journal, width)
    newer = min(state.scroll, max(0, len(lines) - rows))
    made.append(cell("journal (UTC)" + (f", {newer} newer below" if newer else ""), width, TITLE))
    last = len(lines) - newer
    return [*made, *lines[max(0, last - rows) : last]]


def _head_of_open_call(state: TopState, snapshot: Snapshot, width: int) -> list[Text]:
    call = next((each for each in snapshot.calls if each.call_sid == state.call_sid), None)
    if call is None:
        return [cell(f"{state.call_sid} is over; `trunkline show` has it for a while", width, BRIDGE)]
    return opened.head(call, snapshot.at_ms, width)
