"""How `trunkline top` looks: state and snapshot → lines for a terminal of a given size. Pure.

Owns: columns, colours, what gives way when the terminal is small (80 × 24 shows all columns). Must not know:
what a key does, Redis, the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.text import Text

from console.calls.journal import JournalLine, clock
from console.calls.live import LiveCall, WorkerRow
from console.style import BAD, BRIDGE, DIM, GOOD, isolated
from console.text import NONE, Column, bar, cell, duration, fit, line, millis, titles
from console.top.state import (
    ORDERS,
    Drain,
    HangUp,
    Snapshot,
    TopState,
    figure,
    is_bad,
    short,
    shown_calls,
    shown_workers,
)
from shared.contract.worker import WorkerId

TITLE, SELECTED, ELSEWHERE = "bold", "reverse", "bold"
LEAST_WIDTH, LEAST_HEIGHT = 60, 10
HEAD_LINES, FOOT_LINES = 2, 1
WIDE = 118
"""From here on there is room for the called number and the agent."""

FULL_REPLY_MS = 15_000.0
FULL_CALLER_FRAMES = 50
"""A full bar. A model is ahead of the caller by an answer; a second of unread caller audio is much."""

FRAME_MS = 20
LATE_LOOP_MS = 20.0

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
    ("verdict", "ok, or whose fault it is: model_slow, twilio_slow, redis_slow, cpu(role)"),
)


def draw(
    state: TopState,
    snapshot: Snapshot,
    width: int,
    height: int,
    journal: Sequence[JournalLine] = (),
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


# The frame.


def _header(snapshot: Snapshot, width: int) -> Text:
    calls = snapshot.calls
    bad = sum(is_bad(call) for call in calls)
    frames = sum(figure(call, "tx_fps") or 0.0 for call in calls)
    alive = sum(row.alive for row in snapshot.workers)
    clock = datetime.fromtimestamp(snapshot.at_ms / 1000, UTC).strftime("%H:%M:%S UTC")
    parts = [
        Text("trunkline top", style=TITLE),
        Text(f"{len(calls)} call{'' if len(calls) == 1 else 's'}"),
        Text(f"{bad} not ok", style=BAD if bad else DIM),
        Text(f"{frames:.0f} frames/s"),
        Text(f"{alive} of {len(snapshot.workers)} workers alive"),
    ]
    left = Text("  ").join(parts)
    left.truncate(width - len(clock) - 1, pad=True)
    return Text.assemble(left, " ", (clock, DIM))


def _second(state: TopState, snapshot: Snapshot, width: int) -> Text:
    if snapshot.trouble:
        return cell(f"what you see is old: {snapshot.trouble}", width, BAD)
    waiting = sum(call.caller_q for call in snapshot.calls) * FRAME_MS
    reply = sum(figure(call, "reply_q_ms") or 0.0 for call in snapshot.calls)
    text = f"waiting: caller → model {millis(waiting)}, model → caller {millis(reply)}   sort: "
    made = Text(text + ORDERS[state.sort].name, style=DIM)
    if state.filter or state.typing:
        made.append(f"   filter: {isolated(state.filter)}{'▏' if state.typing else ''}", style=BRIDGE)
    made.truncate(width)
    return made


def _footer(state: TopState, width: int) -> Text:
    match state.asked:
        case HangUp(call_sid):
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
        made.append(
            line(call_columns, call, _selection(call.call_sid == state.call_sid, state.pane == "calls"))
        )
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
        made.append(line(worker_columns, row, _selection(row.name == state.worker, state.pane == "workers")))
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


def columns_of_calls(width: int, at_ms: int, selected: str = "") -> list[Column[LiveCall]]:
    """At 80 cells all that matters; wider terminals also get numbers, agent, longer bars."""
    wide = width >= WIDE
    spare = max(0, width - (WIDE if wide else 80))
    reply_bar, caller_bar = 6 + spare * 2 // 3, 4 + spare // 3
    made: list[Column[LiveCall]] = [
        Column(" call", 8, lambda call: cell(_marked(call.call_sid == selected, short(call.call_sid)), 8)),
        Column("age", 7, lambda call: cell(duration(at_ms - call.started_at_ms), 7, right=True), True),
        _number_column("from", lambda call: call.from_number, 13 if wide else 7),
        Column("state", 8, lambda call: cell(call.state, 8)),
        Column("own", 5, lambda call: cell(owners(call), 5)),
        Column("reply", reply_bar + 6, lambda call: _reply_cell(call, reply_bar)),
        Column("caller", caller_bar + 6, lambda call: _caller_cell(call, caller_bar)),
        Column("fps", 3, lambda call: _rate_cell(call, 3), True),
        Column("verdict", 12, lambda call: _verdict_cell(call, 12)),
    ]
    if wide:
        made[3:3] = [
            _number_column("to", lambda call: call.to_number, 13),
            Column("agent", 16, lambda call: cell(call.agent, 16)),
        ]
    return made


def _marked(is_selected: bool, text: str) -> str:
    """The selection also without colours."""
    return ("▸" if is_selected else " ") + text


def _number_column(title: str, of: Callable[[LiveCall], str], width: int) -> Column[LiveCall]:
    return Column(title, width, lambda call: cell(of(call) or NONE, width, keep_end=True))


def owners(call: LiveCall) -> str:
    """Numbers of its processes: 0/1/0. Their full names stand in the view of the call."""
    return "/".join(_number(worker) for worker in (call.ingress, call.brain, call.egress))


def _number(worker: str) -> str:
    try:
        return str(WorkerId.parse(worker).number) if worker else NONE
    except ValueError:
        return "?"


def _reply_cell(call: LiveCall, width: int) -> Text:
    waiting = figure(call, "reply_q_ms")
    if waiting is None:
        return cell(NONE, width + 6)
    return Text.assemble(bar(waiting, FULL_REPLY_MS, width, "green"), cell(millis(waiting), 6, right=True))


def _caller_cell(call: LiveCall, width: int) -> Text:
    style = "red" if call.caller_q >= FULL_CALLER_FRAMES else "cyan"
    shown = cell(millis(call.caller_q * FRAME_MS), 6, right=True)
    return Text.assemble(bar(call.caller_q, FULL_CALLER_FRAMES, width, style), shown)


def _rate_cell(call: LiveCall, width: int) -> Text:
    rate = figure(call, "tx_fps")
    return cell(NONE if rate is None else f"{rate:.0f}", width, right=True)


def _verdict_cell(call: LiveCall, width: int) -> Text:
    return cell(call.verdict or NONE, width, BAD if is_bad(call) else GOOD if call.verdict else DIM)


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
        Column("version", 7, lambda row: cell(row.version or NONE, 7)),
    ]


def _state_cell(row: WorkerRow, width: int) -> Text:
    if not row.alive:
        return cell("silent", width, BAD)
    return cell("draining", width, BRIDGE) if row.draining else cell("ready", width, GOOD)


def _load_cell(row: WorkerRow, width: int) -> Text:
    share = row.calls / row.capacity if row.capacity else 0.0
    style = "red" if share > 0.9 else "yellow" if share > 0.7 else "green"
    return Text.assemble(
        bar(row.calls, row.capacity, width, style), cell(f"{row.calls}/{row.capacity}", 10, right=True)
    )


def _lag_cell(row: WorkerRow, width: int) -> Text:
    style = BAD if row.loop_lag_ms >= LATE_LOOP_MS else ""
    return cell(f"{row.loop_lag_ms:.1f}ms", width, style, right=True)


# One call.

FIGURES = (
    ("tx_fps", "frames/s sent", ""),
    ("tx_q", "frames waiting to be paced", ""),
    ("tx_q_age_ms", "age of the oldest", "ms"),
    ("reply_q_ms", "model audio unheard", "ms"),
    ("ws_block_ms", "oldest overdue mark", "ms"),
    ("unsent_bytes", "unsent bytes", ""),
    ("write_p99_ms", "socket write p99", "ms"),
    ("delta_rate", "model audio per second", "ms"),
    ("lag_ingress_ms", "loop lag ingress", "ms"),
    ("lag_brain_ms", "loop lag brain", "ms"),
    ("lag_egress_ms", "loop lag egress", "ms"),
    ("redis_ms", "worst commit", "ms"),
)


def most_scroll(state: TopState, snapshot: Snapshot, height: int, journal: Sequence[JournalLine]) -> int:
    """Lines of the open call's journal that do not fit on a screen of this height."""
    room = height - HEAD_LINES - FOOT_LINES
    return max(0, len(journal) - (room - len(_call_head(state, snapshot, LEAST_WIDTH)) - 1))


def _call_view(
    state: TopState, snapshot: Snapshot, width: int, room: int, journal: Sequence[JournalLine]
) -> list[Text]:
    made = _call_head(state, snapshot, width)
    rows = room - len(made) - 1
    newer = min(state.scroll, max(0, len(journal) - rows))
    made.append(cell("journal (UTC)" + (f", {newer} newer below" if newer else ""), width, TITLE))
    last = len(journal) - newer
    return [*made, *(_journal_text(entry, width) for entry in journal[max(0, last - rows) : last])]


def _call_head(state: TopState, snapshot: Snapshot, width: int) -> list[Text]:
    call = next((each for each in snapshot.calls if each.call_sid == state.call_sid), None)
    if call is None:
        return [cell(f"{state.call_sid} is over; its journal stays for an hour", width, BRIDGE)]
    return _card_lines(call, snapshot.at_ms, width)


def _card_lines(call: LiveCall, at_ms: int, width: int) -> list[Text]:
    speaking = call.audible_response or "nothing"
    made = [
        Text.assemble(cell(call.call_sid, 36, TITLE), cell(
            f"{call.state}  {duration(at_ms - call.started_at_ms)}  leg {call.leg}", width - 36)),
        cell(f"{call.from_number or NONE} → {call.to_number or NONE}   agent {call.agent or NONE}", width),
        cell("   ".join(worker or f"no {role}" for role, worker in (
            ("ingress", call.ingress), ("brain", call.brain), ("egress", call.egress))), width),
        Text.assemble("verdict ", _verdict_cell(call, 13), fit(_why(call), width - 21)),
        cell(f"audible {speaking}   caller audio waiting {millis(call.caller_q * FRAME_MS)}"
             f"   dropped {_drops(call)}", width),
    ]  # fmt: skip
    half = width // 2
    for left, right in zip(FIGURES[::2], FIGURES[1::2], strict=True):
        made.append(Text.assemble(_figure(call, left, half), _figure(call, right, width - half)))
    return made


def _drops(call: LiveCall) -> str:
    """Frames and entries that were dropped in the last window, by cause."""
    drops = call.pipeline.get("drops")
    if not isinstance(drops, dict) or not drops:
        return "nothing"
    return ", ".join(f"{cause} {count}" for cause, count in drops.items())


def _why(call: LiveCall) -> str:
    return str(call.pipeline.get("why") or "")


def _figure(call: LiveCall, of: tuple[str, str, str], width: int) -> Text:
    name, words, unit = of
    value = figure(call, name)
    shown = NONE if value is None else f"{value:,.1f}".removesuffix(".0") + (f" {unit}" if unit else "")
    return Text.assemble(cell(words, width - 14, DIM), cell(shown, 12, right=True), "  ")


def _journal_text(entry: JournalLine, width: int) -> Text:
    return Text.assemble(
        (clock(entry.at_ms), DIM), " ", cell(entry.kind, 20), " ", fit(entry.text, width - 34)
    )
