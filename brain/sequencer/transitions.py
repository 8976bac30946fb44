"""The table: (slot state, input) → handler and the states it may lead to.

Owns: which rule answers which input in which state. `machine` dispatches by it, the tests walk it and
check each observed step against it. Every pair has a row; a row without a handler is a documented
ignore. Whether the `to` of a row is exact matters: a step outside it is a bug in a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from brain.sequencer import (
    barge_in,
    caller_text,
    door,
    hang_up,
    inputs,
    move,
    playback,
    responses,
    rollover,
    session,
    speak,
    text_part,
    tool_batch,
)
from brain.sequencer.inputs import Input
from brain.sequencer.state import SlotState, State

I = TypeVar("I", bound=Input)  # noqa: E741 - the one letter every handler uses for its input
Handler = Callable[[State, Input, float], None]

CLOSED = SlotState.CLOSED
FREE = SlotState.FREE
REQUESTED = SlotState.REQUESTED
GENERATING = SlotState.GENERATING
GENERATING_AND_REQUESTED = SlotState.GENERATING_AND_REQUESTED
CANCELLING = SlotState.CANCELLING
CANCELLING_AND_REQUESTED = SlotState.CANCELLING_AND_REQUESTED
ENDED = SlotState.ENDED

IDLE: Final = frozenset({FREE, REQUESTED})
BUSY: Final = frozenset({GENERATING, GENERATING_AND_REQUESTED, CANCELLING, CANCELLING_AND_REQUESTED})
OPEN: Final = IDLE | BUSY
ALIVE: Final = OPEN | {CLOSED}
EVERY: Final = frozenset(SlotState)


@dataclass(frozen=True, slots=True)
class Row:
    """What one input does in one state. `handler` None: ignored, and `why` says why."""

    handler: Handler | None
    to: frozenset[SlotState]
    why: str = ""


TRANSITIONS: Final[dict[tuple[SlotState, type[object]], Row]] = {}


def _on(
    kind: type[I],
    handler: Callable[[State, I, float], None],
    to: dict[SlotState, frozenset[SlotState]],
) -> None:
    for state, states in to.items():
        # Sound: machine looks the row up by the input's own type.
        TRANSITIONS[(state, kind)] = Row(cast(Handler, handler), states)


def _ignore(kind: type[Input], states: frozenset[SlotState], why: str) -> None:
    for state in states:
        TRANSITIONS[(state, kind)] = Row(None, frozenset({state}), why)


def _stay(states: frozenset[SlotState], *also: SlotState) -> dict[SlotState, frozenset[SlotState]]:
    """Each state leads to itself, or to one of `also`."""
    return {state: frozenset({state, *also}) for state in states}


_CANCELLED: Final = {
    GENERATING: CANCELLING,
    GENERATING_AND_REQUESTED: CANCELLING_AND_REQUESTED,
}
"""Where an interruption leads: the create in flight stays, it can only be cancelled at `created`."""


def _interrupted(*also: SlotState) -> dict[SlotState, frozenset[SlotState]]:
    return {state: frozenset({state, _CANCELLED.get(state, state), *also}) for state in OPEN}


_AFTER_AUDIO: Final[dict[SlotState, frozenset[SlotState]]] = {
    # An event of an unknown live response adopts it; under a pending hang-up it is cancelled at once.
    FREE: frozenset({FREE, GENERATING, CANCELLING}),
    REQUESTED: frozenset({REQUESTED, GENERATING_AND_REQUESTED}),
    GENERATING: frozenset({GENERATING, CANCELLING, ENDED}),
    GENERATING_AND_REQUESTED: frozenset({GENERATING_AND_REQUESTED, CANCELLING_AND_REQUESTED, ENDED}),
    CANCELLING: frozenset({CANCELLING, GENERATING, ENDED}),
    CANCELLING_AND_REQUESTED: frozenset({CANCELLING_AND_REQUESTED, GENERATING_AND_REQUESTED, ENDED}),
}

_ANSWERS_TOO_EARLY: Final = "no session is confirmed: an echo of one that was lost"
_OVER: Final = "hung up: nothing moves any more"

_on(
    inputs.SessionConfirmed,
    session.confirmed,
    {CLOSED: frozenset({FREE, REQUESTED})},
)
_ignore(inputs.SessionConfirmed, OPEN, "confirmed already: an echo of a later session.update")

_on(
    inputs.SessionLost,
    session.lost,
    dict.fromkeys(ALIVE, frozenset({CLOSED, ENDED})),
)

_on(
    inputs.WishToSpeak,
    speak.wish_to_speak,
    {CLOSED: frozenset({CLOSED})} | _interrupted() | {FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.HangUpWished,
    hang_up.wished,
    {CLOSED: frozenset({CLOSED, ENDED})} | _interrupted(ENDED) | {FREE: frozenset({FREE, REQUESTED, ENDED})},
)

_on(
    inputs.ResponseCreated,
    responses.created,
    {
        FREE: frozenset({FREE, GENERATING, CANCELLING}),
        REQUESTED: frozenset(
            {REQUESTED, GENERATING, GENERATING_AND_REQUESTED, CANCELLING, CANCELLING_AND_REQUESTED}
        ),
        # Another response means that the active one is over; if that was the farewell, so is the call.
        GENERATING: frozenset({GENERATING, CANCELLING, ENDED}),
        GENERATING_AND_REQUESTED: BUSY | {ENDED},
        CANCELLING: frozenset({CANCELLING, GENERATING, ENDED}),
        CANCELLING_AND_REQUESTED: BUSY | {ENDED},
    },
)
_on(
    inputs.ResponseDone,
    responses.done,
    {
        FREE: frozenset({FREE}),
        REQUESTED: frozenset({REQUESTED, FREE, ENDED}),
        GENERATING: frozenset({GENERATING, FREE, REQUESTED, ENDED}),
        GENERATING_AND_REQUESTED: frozenset({GENERATING_AND_REQUESTED, GENERATING, REQUESTED, FREE, ENDED}),
        CANCELLING: frozenset({CANCELLING, FREE, REQUESTED, ENDED}),
        CANCELLING_AND_REQUESTED: frozenset({CANCELLING_AND_REQUESTED, CANCELLING, REQUESTED, FREE, ENDED}),
    },
)
_on(inputs.ItemOpened, responses.item_opened, _AFTER_AUDIO)
_on(inputs.ItemFinished, responses.item_finished, _AFTER_AUDIO)

_on(
    inputs.TextPartOpened,
    text_part.opened,
    {state: states | {_CANCELLED.get(state, state)} for state, states in _AFTER_AUDIO.items()}
    | {CANCELLING_AND_REQUESTED: BUSY | {ENDED}},
)
_on(inputs.ServerToolOpened, tool_batch.server_tool_opened, _stay(OPEN))
_on(
    inputs.ServerToolFinished,
    tool_batch.server_tool_finished,
    _stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.ApprovalAsked,
    tool_batch.approval_asked,
    _stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.MoveWished,
    move.wished,
    _interrupted() | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.MoveEnded,
    move.ended,
    _stay(OPEN) | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.CallerWrote,
    caller_text.wrote,
    _interrupted() | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
)
_on(inputs.RolloverDue, rollover.due, _stay(OPEN))
_ignore(inputs.RolloverDue, frozenset({CLOSED}), "a new session is on its way anyway")

_on(inputs.ItemAdded, tool_batch.item_added, _stay(OPEN))
_on(inputs.ToolCalled, tool_batch.called, _stay(OPEN))
_on(
    inputs.ToolFinished,
    tool_batch.finished,
    _stay(OPEN) | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
)

_on(inputs.SpeechStarted, barge_in.speech_started, _interrupted())
_on(
    inputs.SpeechStopped,
    barge_in.speech_stopped,
    _stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.TurnCommitted,
    barge_in.turn_committed,
    _stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
)
_on(
    inputs.Refused,
    door.refused,
    _stay(OPEN)
    | {
        FREE: frozenset({FREE, REQUESTED}),
        REQUESTED: frozenset({REQUESTED, FREE}),
        GENERATING_AND_REQUESTED: frozenset({GENERATING_AND_REQUESTED, GENERATING}),
        CANCELLING_AND_REQUESTED: frozenset({CANCELLING_AND_REQUESTED, CANCELLING}),
    },
)

# Each of the four may report that what was to be heard before the hang-up was heard out, or how far.
_on(inputs.Audible, playback.audible, _stay(ALIVE, ENDED))
_on(inputs.Heard, playback.heard, _stay(ALIVE, ENDED))
_on(inputs.Silent, playback.silent, _stay(ALIVE, ENDED))
_on(inputs.Flushed, barge_in.flushed, _stay(ALIVE, ENDED))


def _tick(s: State, i: inputs.Tick, now_ms: float) -> None:
    """Deadlines are fired before every input; a tick brings nothing else."""


_on(
    inputs.Tick,
    _tick,
    {
        CLOSED: frozenset({CLOSED, ENDED}),
        FREE: frozenset({FREE, REQUESTED, ENDED}),
        REQUESTED: frozenset({REQUESTED, FREE, ENDED}),
        GENERATING: frozenset({GENERATING, CANCELLING, ENDED}),
        GENERATING_AND_REQUESTED: BUSY | {ENDED},
        CANCELLING: frozenset({CANCELLING, FREE, REQUESTED, ENDED}),
        CANCELLING_AND_REQUESTED: frozenset({CANCELLING_AND_REQUESTED, CANCELLING, REQUESTED, FREE, ENDED}),
    },
)

for _kind in (
    inputs.ResponseCreated,
    inputs.ResponseDone,
    inputs.ItemOpened,
    inputs.ItemFinished,
    inputs.TextPartOpened,
    inputs.ServerToolOpened,
    inputs.ServerToolFinished,
    inputs.ApprovalAsked,
    inputs.ItemAdded,
    inputs.ToolCalled,
    inputs.SpeechStarted,
    inputs.SpeechStopped,
    inputs.TurnCommitted,
    inputs.Refused,
):
    _ignore(_kind, frozenset({CLOSED}), _ANSWERS_TOO_EARLY)

for _kind in Input.__args__:
    _ignore(_kind, frozenset({ENDED}), _OVER)
