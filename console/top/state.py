"""What `trunkline top` shows and asks: state and key → state and acts. Pure.

Owns: selection, order, filter, the open call, the question before a call is hung up or a worker drained.
Must not know: Redis, the terminal, how anything is drawn (view.py).

The selection is kept by name, not by line: the list is sorted again each second, and `h` must hang up the
call that the operator looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from console.calls import trouble
from console.calls.live import AnyCall, AnyWorker, LiveCall, UnreadableCall, WorkerRow

MAX_FILTER = 40

View = Literal["list", "call", "help"]
Pane = Literal["calls", "workers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What was read last. `at_ms`: wall clock; `trouble`: why it could not be read, empty when it was."""

    at_ms: int = 0
    calls: tuple[AnyCall, ...] = ()
    workers: tuple[AnyWorker, ...] = ()
    trouble: str = ""

    @property
    def readable_calls(self) -> list[LiveCall]:
        """Those that count."""
        return [call for call in self.calls if isinstance(call, LiveCall)]

    @property
    def readable_workers(self) -> list[WorkerRow]:
        """Those that count."""
        return [row for row in self.workers if isinstance(row, WorkerRow)]


@dataclass(frozen=True, slots=True)
class EndCall:
    """End a call."""

    call_sid: str


@dataclass(frozen=True, slots=True)
class Drain:
    """Let a worker take no more calls."""

    worker: str


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


Act = EndCall | Drain | Quit


@dataclass(frozen=True, slots=True, kw_only=True)
class TopState:
    """Everything that is shown and does not come from Redis."""

    view: View = "list"
    before_help: View = "list"
    """Where the help goes back to."""
    pane: Pane = "calls"
    call_sid: str = ""
    """The selected call; also the one that is open."""
    worker: str = ""
    """The selected worker."""
    sort: int = 0
    """Place in ORDERS."""
    filter: str = ""
    typing: bool = False
    """Keys go into the filter."""
    asked: EndCall | Drain | None = None
    """Waits for y or n."""
    scroll: int = 0
    """Journal lines above the newest that are left out, in the view of a call."""
    note: str = ""
    """What was done last, until the next key."""


@dataclass(frozen=True, slots=True)
class Order:
    """One way to sort the calls; the greatest comes first."""

    name: str
    of: Callable[[LiveCall], tuple[float, ...]]


def is_bad(call: LiveCall) -> bool:
    """Whether it is in trouble, or its last window had a fault."""
    return call.standing.is_bad


ORDERS = (
    Order("age", lambda call: (-call.card.started_at_ms,)),
    Order("verdict", lambda call: (is_bad(call), -call.card.started_at_ms)),
    Order("reply", lambda call: (0.0 if call.pipeline is None else call.pipeline.reply_q_ms, call.reply_q)),
    Order("caller", lambda call: (call.caller_q,)),
    Order("rate", lambda call: (0.0 if call.pipeline is None else call.pipeline.tx_fps,)),
)


def shown_calls(state: TopState, snapshot: Snapshot) -> list[AnyCall]:
    """The calls that the filter lets through: those in trouble first, then in the chosen order; ties by
    call_sid, so that lines stay. At the end those that cannot be read."""
    calls = [call for call in snapshot.readable_calls if _matches(call, state.filter)]
    order = ORDERS[state.sort]
    calls.sort(key=lambda call: call.call_sid)
    calls.sort(key=order.of, reverse=True)
    calls.sort(key=lambda call: trouble.order(call.standing))
    others = [call for call in snapshot.calls if isinstance(call, UnreadableCall)]
    others.sort(key=lambda call: call.call_sid)
    return [*calls, *(call for call in others if _fits(state.filter, call.call_sid, call.problem))]


def shown_workers(snapshot: Snapshot) -> list[AnyWorker]:
    """The living first, each by name."""
    return sorted(snapshot.workers, key=lambda row: (not _is_alive(row), row.name))


def settle(state: TopState, snapshot: Snapshot) -> TopState:
    """After a new snapshot: the selection is on something that is there; an open call stays open."""
    calls = [call.call_sid for call in shown_calls(state, snapshot)]
    workers = [row.name for row in shown_workers(snapshot)]
    if state.view == "list" and state.asked is None and state.call_sid not in calls:
        state = replace(state, call_sid=calls[0] if calls else "")
    if not isinstance(state.asked, Drain) and state.worker not in workers:
        state = replace(state, worker=workers[0] if workers else "")
    return state


def press(state: TopState, key: str, snapshot: Snapshot, most_scroll: int = 0) -> tuple[TopState, Act | None]:
    """A key was pressed (names: keys.py). `most_scroll`: journal lines above those that fit."""
    state = replace(state, note="")
    if key == "interrupt":
        return state, Quit()
    if state.asked is not None:
        return _answer(state, key)
    if state.typing:
        return settle(_type(state, key), snapshot), None
    if state.view == "help":
        return replace(state, view=state.before_help), None
    if key == "q" and state.view == "list":
        return state, Quit()
    if key == "?":
        return replace(state, view="help", before_help=state.view), None
    if key == "h":
        return _ask_hang_up(state), None
    if state.view == "call":
        return _in_call(state, key, most_scroll), None
    return settle(_in_list(state, key, snapshot), snapshot), None


# Private.


def _matches(call: LiveCall, text: str) -> bool:
    card, wrong = call.card, call.standing.trouble
    return _fits(text, call.call_sid, card.from_number, card.to_number, call.agent, card.state, call.verdict,
                 card.ingress, card.brain, card.egress, "" if wrong is None else wrong.words)  # fmt: skip


def _fits(text: str, *words: str) -> bool:
    return not text or any(text.casefold() in word.casefold() for word in words)


def _is_alive(row: AnyWorker) -> bool:
    """Whether a worker has shown itself just now; one that cannot be read has not."""
    return isinstance(row, WorkerRow) and row.is_alive


def _answer(state: TopState, key: str) -> tuple[TopState, Act | None]:
    asked = state.asked
    if key in ("y", "Y"):
        done = f"hanging up {short(state.call_sid)} …" if isinstance(asked, EndCall) else "told to drain"
        return replace(state, asked=None, note=done), asked
    if key in ("n", "N", "escape", "q"):
        return replace(state, asked=None, note="left as it was"), None
    return state, None  # Anything else: the question stands.


def _type(state: TopState, key: str) -> TopState:
    match key:
        case "enter":
            return replace(state, typing=False)
        case "escape":
            return replace(state, typing=False, filter="")
        case "backspace":
            return replace(state, filter=state.filter[:-1])
        case _ if len(key) == 1 and len(state.filter) < MAX_FILTER:
            return replace(state, filter=state.filter + key)
        case _:
            return state


def _ask_hang_up(state: TopState) -> TopState:
    if state.pane == "workers" and state.view == "list":
        return replace(state, note="h hangs up a call: Tab goes to the calls")
    if not state.call_sid:
        return replace(state, note="no call is selected")
    return replace(state, asked=EndCall(state.call_sid))


def _ask_drain(state: TopState) -> TopState:
    if state.pane == "calls":
        return replace(state, pane="workers", note="select a worker, then d again")
    if not state.worker:
        return replace(state, note="no worker is selected")
    return replace(state, asked=Drain(state.worker))


def _in_call(state: TopState, key: str, most_scroll: int) -> TopState:
    if key in ("escape", "q", "left"):
        return replace(state, view="list", scroll=0)
    # From where the screen is, not from where a key was held down to; up is back in time.
    scroll = min(state.scroll, most_scroll) - STEPS.get(key, 0)
    return replace(state, scroll=max(0, min(scroll, most_scroll)))


def _in_list(state: TopState, key: str, snapshot: Snapshot) -> TopState:
    match key:
        case "s":
            return replace(state, sort=(state.sort + 1) % len(ORDERS))
        case "/":
            return replace(state, typing=True, pane="calls")
        case "escape":
            return replace(state, filter="")
        case "tab":
            return replace(state, pane="workers" if state.pane == "calls" else "calls")
        case "d":
            return _ask_drain(state)
        case "enter" | "right" if state.pane == "calls" and state.call_sid:
            return replace(state, view="call", scroll=0)
        case _:
            return _move(state, key, snapshot)


STEPS = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -10, "pagedown": 10, "home": -10_000, "end": 10_000,
         "g": -10_000, "G": 10_000}  # fmt: skip


def _move(state: TopState, key: str, snapshot: Snapshot) -> TopState:
    step = STEPS.get(key, 0)
    if state.pane == "calls":
        sids = [call.call_sid for call in shown_calls(state, snapshot)]
        return replace(state, call_sid=_stepped(sids, state.call_sid, step))
    names = [row.name for row in shown_workers(snapshot)]
    return replace(state, worker=_stepped(names, state.worker, step))


def _stepped(names: Sequence[str], now: str, step: int) -> str:
    if not names:
        return ""
    place = names.index(now) if now in names else 0
    return names[max(0, min(len(names) - 1, place + step))]


def short(call_sid: str) -> str:
    """Enough of a call_sid to find it again: `trunkline show` takes a unique end."""
    return f"…{call_sid[-6:]}"
