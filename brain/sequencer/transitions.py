"""The table: (slot state, input) → handler and the states it may lead to.

Why it exists: that every pair of state and input has an answer must be seen, not hoped. `machine`
dispatches by the table, the tests walk it and check each observed step against it, docs/sequencer.md is
made from it.

Owns: which rule answers which input in which state. Every pair has a row; a row without a handler is a
documented ignore. That the `to` of a row is exact matters: a step outside it is a bug in a rule. Must not
know: what a rule does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from brain.sequencer import (
    caller_text,
    confirm,
    cut,
    door,
    hang_up,
    inputs,
    move,
    notice,
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
    """What one input does in one state. `handler` None: it brings nothing, and `why` says why."""

    handler: Handler | None
    to: frozenset[SlotState]
    why: str = ""


Pair = tuple[SlotState, type[object]]


def handled(
    kind: type[I],
    handler: Callable[[State, I, float], None],
    to: dict[SlotState, frozenset[SlotState]],
) -> dict[Pair, Row]:
    """The rows of an input in the states of `to`."""
    # Sound: machine looks the row up by the input's own type.
    return {(state, kind): Row(cast(Handler, handler), states) for state, states in to.items()}


def ignored(kinds: Iterable[type[object]], states: frozenset[SlotState], why: str) -> dict[Pair, Row]:
    """The rows of inputs that do nothing in `states`."""
    return {(state, kind): Row(None, frozenset({state}), why) for kind in kinds for state in states}


def passing(to: dict[SlotState, frozenset[SlotState]]) -> dict[Pair, Row]:
    """The rows of a tick in the states of `to`: where the waits lead that are over by then."""
    return {(state, inputs.Tick): Row(None, states, _WAITS_FIRST) for state, states in to.items()}


def stay(states: frozenset[SlotState], *also: SlotState) -> dict[SlotState, frozenset[SlotState]]:
    """Each state leads to itself, or to one of `also`."""
    return {state: frozenset({state, *also}) for state in states}


_CANCELLED: Final = {
    GENERATING: CANCELLING,
    GENERATING_AND_REQUESTED: CANCELLING_AND_REQUESTED,
}
"""Where an interruption leads: the create in flight stays, it can only be cancelled at `created`."""


def interrupted(*also: SlotState) -> dict[SlotState, frozenset[SlotState]]:
    """As `stay` for every open session, but what generates may come to be cancelled."""
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

_AFTER_PLAYBACK: Final = stay(frozenset({CLOSED}), ENDED) | interrupted(ENDED)
"""What was to be heard first is heard: a caller goes elsewhere, and what generates then is for nobody."""

_AFTER_HEARING: Final = _AFTER_PLAYBACK | {FREE: frozenset({FREE, REQUESTED, ENDED})}
"""And where nothing is left that the caller's voice could cut, what they said is a turn, and is answered."""

_ANSWERS_TOO_EARLY: Final = "no session is confirmed: an echo of one that was lost"
_OVER: Final = "hung up: nothing moves any more"
_WAITS_FIRST: Final = "waits that are over are ended before every input; a tick brings nothing else"


TRANSITIONS: Final[dict[Pair, Row]] = {
    **handled(
        inputs.SessionConfirmed,
        session.confirmed,
        {CLOSED: frozenset({FREE, REQUESTED})},
    ),
    **ignored((inputs.SessionConfirmed,), OPEN, "confirmed already: an echo of a later session.update"),
    **handled(
        inputs.SessionLost,
        session.lost,
        dict.fromkeys(ALIVE, frozenset({CLOSED, ENDED})),
    ),
    **handled(
        inputs.WishToSpeak,
        speak.wish_to_speak,
        {CLOSED: frozenset({CLOSED})} | interrupted() | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.HangUpWished,
        hang_up.wished,
        {CLOSED: frozenset({CLOSED, ENDED})}
        | interrupted(ENDED)
        | {FREE: frozenset({FREE, REQUESTED, ENDED})},
    ),
    **handled(
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
    ),
    **handled(
        inputs.ResponseDone,
        responses.done,
        {
            FREE: frozenset({FREE}),
            REQUESTED: frozenset({REQUESTED, FREE, ENDED}),
            GENERATING: frozenset({GENERATING, FREE, REQUESTED, ENDED}),
            GENERATING_AND_REQUESTED: frozenset(
                {GENERATING_AND_REQUESTED, GENERATING, REQUESTED, FREE, ENDED}
            ),
            CANCELLING: frozenset({CANCELLING, FREE, REQUESTED, ENDED}),
            CANCELLING_AND_REQUESTED: frozenset(
                {CANCELLING_AND_REQUESTED, CANCELLING, REQUESTED, FREE, ENDED}
            ),
        },
    ),
    **handled(inputs.ItemOpened, responses.item_opened, _AFTER_AUDIO),
    **handled(inputs.ItemFinished, responses.item_finished, _AFTER_AUDIO),
    **handled(
        inputs.TextPartOpened,
        text_part.opened,
        {state: states | {_CANCELLED.get(state, state)} for state, states in _AFTER_AUDIO.items()}
        | {CANCELLING_AND_REQUESTED: BUSY | {ENDED}},
    ),
    **handled(inputs.ServerToolOpened, tool_batch.server_tool_opened, stay(OPEN)),
    **handled(
        inputs.ServerToolFinished,
        tool_batch.server_tool_finished,
        stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.ApprovalAsked,
        tool_batch.approval_asked,
        stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.MoveWished,
        move.wished,
        interrupted() | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.MoveEnded,
        move.ended,
        stay(OPEN) | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.KeyPressed,
        caller_text.pressed,
        interrupted() | {CLOSED: frozenset({CLOSED})},
    ),
    **handled(
        inputs.CallerWrote,
        caller_text.wrote,
        interrupted() | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(inputs.NoticeReady, notice.ready, stay(ALIVE)),
    **handled(inputs.RolloverDue, rollover.due, stay(OPEN)),
    **ignored((inputs.RolloverDue,), frozenset({CLOSED}), "a new session is on its way anyway"),
    **handled(inputs.ItemAdded, tool_batch.item_added, stay(OPEN)),
    **handled(inputs.ToolCalled, tool_batch.called, stay(OPEN)),
    **handled(
        inputs.ToolFinished,
        tool_batch.finished,
        stay(OPEN) | {CLOSED: frozenset({CLOSED}), FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(inputs.SpeechStarted, confirm.speech_started, interrupted()),
    **handled(
        inputs.SpeechStopped,
        confirm.speech_stopped,
        interrupted() | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.TurnCommitted,
        confirm.turn_committed,
        stay(OPEN) | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.CallerUnderstood,
        confirm.understood,
        interrupted() | {FREE: frozenset({FREE, REQUESTED})},
    ),
    **handled(
        inputs.Refused,
        door.refused,
        stay(OPEN)
        | {
            FREE: frozenset({FREE, REQUESTED}),
            REQUESTED: frozenset({REQUESTED, FREE}),
            GENERATING_AND_REQUESTED: frozenset({GENERATING_AND_REQUESTED, GENERATING}),
            CANCELLING_AND_REQUESTED: frozenset({CANCELLING_AND_REQUESTED, CANCELLING}),
        },
    ),
    # Each of the four may report that what was to be heard before the hang-up was heard out, or how far.
    **handled(inputs.Audible, playback.audible, _AFTER_HEARING),
    **handled(inputs.Heard, playback.heard, _AFTER_HEARING),
    **handled(inputs.Silent, playback.silent, _AFTER_HEARING),
    **handled(inputs.Flushed, cut.flushed, _AFTER_PLAYBACK),
    **passing(
        {
            CLOSED: frozenset({CLOSED, ENDED}),
            FREE: frozenset({FREE, REQUESTED, ENDED}),
            REQUESTED: frozenset({REQUESTED, FREE, ENDED}),
            GENERATING: frozenset({GENERATING, CANCELLING, ENDED}),
            GENERATING_AND_REQUESTED: BUSY | {ENDED},
            CANCELLING: frozenset({CANCELLING, FREE, REQUESTED, ENDED}),
            CANCELLING_AND_REQUESTED: frozenset(
                {CANCELLING_AND_REQUESTED, CANCELLING, REQUESTED, FREE, ENDED}
            ),
        },
    ),
    **ignored(
        inputs.FROM_SERVER,
        frozenset({CLOSED}),
        _ANSWERS_TOO_EARLY,
    ),
    **ignored(Input.__args__, frozenset({ENDED}), _OVER),
}
