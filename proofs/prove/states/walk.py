"""Walks every state of the response sequencer that a short alphabet reaches, breadth first, to a depth.

Why it exists: a property test tries what chance suggests; this leaves nothing out, within its alphabet. Each
step is checked against the invariants below, and from each state the clock alone must lead to rest.

Owns: the alphabet and the invariants. When two states are one is `canonical`'s. Must not know: how a rule
decides.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from brain.sequencer import Reason, Sequencer, SequencerConfig, SlotState, inputs
from brain.sequencer.actions import (
    Action,
    AudioVerdict,
    Flush,
    HangUp,
    Journal,
    Move,
    PauseReply,
    ResumeReply,
    RunTool,
    SendCreate,
)
from brain.sequencer.cut import interruptible
from brain.sequencer.doubt import phrases
from brain.sequencer.inputs import Input
from brain.sequencer.notice import notice_id
from brain.sequencer.state import Phase, State
from brain.sequencer.transitions import TRANSITIONS
from proofs.prove.states.canonical import CALL, NEXT_VOICE, VOICE, canonical
from shared.contract.streams.journal import Kind

ACTIVE_RESPONSE = "conversation_already_has_active_response"
REST_TICKS = 200
ENDS_OF_A_WISH = frozenset(
    {Kind.RESPONSE_CREATED, Kind.RESPONSE_DONE, Kind.RESPONSE_SUPERSEDED, Kind.RESPONSE_EXPIRED}
)

Mode = Literal["server", "brain", "confirm", "voice"]

CONFIGS: Mapping[Mode, SequencerConfig] = {
    "server": SequencerConfig(create_response_by="server", server_interrupts=True),
    "brain": SequencerConfig(create_response_by="brain", greeting_interruptible=False),
    "confirm": SequencerConfig(
        create_response_by="brain", confirm_ms=1_500.0, transcribes=True, backchannels=phrases(["mm"])
    ),
    "voice": SequencerConfig(create_response_by="brain", confirm_ms=1_500.0, transcribes=False),
}
"""What may differ between agents, spread over the four. `voice`: a confirmation without a transcript, in
which the length of a voice alone says what it was."""


class Violation(Exception):
    """An invariant does not hold. `path`: the shortest sequence of inputs that leads there."""

    def __init__(self, what: str, path: list[str]) -> None:
        self.what = what
        self.path = path
        super().__init__(f"{what}\n  after: {' → '.join(path)}")


@dataclass(frozen=True, slots=True)
class Delta:
    """An audio delta: no input of the table, but the walk takes it like one. `ms` of audio."""

    response_id: str
    item_id: str
    ms: int = 1_000


Step = tuple[str, Input | Delta]


@dataclass(slots=True)
class Walked:
    """What was walked so far."""

    mode: Mode
    depth: int = 0
    states: int = 0
    steps: int = 0
    slots: set[SlotState] = field(default_factory=set)


Progress = Callable[[Walked], None]


def walk(mode: Mode, depth: int, progress: Progress = lambda _: None, max_states: int = 10_000_000) -> Walked:
    """Walks to `depth` inputs from a fresh sequencer. Raises Violation."""
    start = Sequencer(CONFIGS[mode])
    walked = Walked(mode)
    frontier: list[tuple[bytes, float, tuple[str, ...]]] = [(pickle.dumps(start.state, -1), 0.0, ())]
    seen: set[object] = {canonical(start.state, 0.0)}
    while frontier and walked.depth < depth and walked.states < max_states:
        following: list[tuple[bytes, float, tuple[str, ...]]] = []
        for frozen, now_ms, path in frontier:
            for name, step in alphabet(pickle.loads(frozen)):
                core = _thaw(frozen)
                then_ms = _take(core, step, now_ms, [*path, name])
                walked.steps += 1
                key = canonical(core.state, then_ms)
                if key in seen:
                    continue
                seen.add(key)
                walked.slots.add(core.slot)
                frozen_next = pickle.dumps(core.state, -1)
                _rests(_thaw(frozen_next), then_ms, [*path, name])
                following.append((frozen_next, then_ms, (*path, name)))
        walked.depth += 1
        walked.states += len(following)
        frontier = following
        progress(walked)
    return walked


# The alphabet: what can happen in a state, named by what it means there.


def alphabet(s: State) -> Iterator[Step]:
    """Every input of the walk in this state: fitting, late, repeated, unknown."""
    yield "session confirmed", inputs.SessionConfirmed()
    yield "session lost", inputs.SessionLost(cause="closed_1006")
    yield "session lost, turn replayed", inputs.SessionLost(cause="closed_1006", turn_replayed=True)
    yield "rollover due", inputs.RolloverDue(settle_at_ms=0.0, force_at_ms=1e9)
    for reason in (Reason.GREETING, Reason.OPERATOR, Reason.IDLE_PROMPT):
        yield f"wish: {reason}", inputs.WishToSpeak(reason=reason, text="x")
    yield "wish: operator, force", inputs.WishToSpeak(reason=Reason.OPERATOR, text="x", force=True)
    if not (s.last_number or s.responses):
        may_cut = s.config.create_response_by == "server"
        item_id = notice_id(s.cut + 1, interruptible=may_cut)
        yield "notice", inputs.NoticeReady(item_id=item_id, n_bytes=8_000, text="x")
    yield "hang up", inputs.HangUpWished(cause="x")
    yield "hang up with farewell", inputs.HangUpWished(cause="x", farewell="bye")
    yield "key", inputs.KeyPressed()
    yield "keys", inputs.CallerWrote(text="1")
    yield "keys, barge-in", inputs.CallerWrote(text="1", barge_in=True)
    voice = NEXT_VOICE if VOICE in s.passed_over else VOICE
    yield "speech started", inputs.SpeechStarted(item_id=voice)
    yield "speech stopped", inputs.SpeechStopped(item_id=voice)
    yield "turn committed", inputs.TurnCommitted(item_id=f"u{s.cut}")
    yield "created: server's", inputs.ResponseCreated(response_id=f"r{s.last_number}s")
    yield "created: out of band", inputs.ResponseCreated(response_id="oob", out_of_band=True)
    yield "done: without id", inputs.ResponseDone(response_id="", status="completed")
    yield "done: unknown id", inputs.ResponseDone(response_id="alien", status="completed")
    yield "refused: nameless", inputs.Refused(event_id="", code=ACTIVE_RESPONSE)
    yield "move ended", inputs.MoveEnded(output="{}")
    yield "flushed", inputs.Flushed(cut=s.cut)
    yield "tick", inputs.Tick()
    if s.doubt is not None:
        yield from _about_the_voice(voice)
    yield from _about_ours(s)
    yield from _about_the_active(s)
    yield from _about_playback(s)
    for batch in s.batches.values():
        for call_id in batch.open_tool_calls:
            yield "tool finished", inputs.ToolFinished(call_id=call_id, output="{}")
            silent = inputs.ToolFinished(call_id=call_id, output="{}", reply=False)
            yield "tool finished, nothing to say", silent
            yield (
                "tool moves",
                inputs.MoveWished(
                    kind="dial", argument="+15550001", call_id=call_id, response_id=batch.response_id
                ),
            )
    if CALL in s.tool_calls:
        yield "output added", inputs.ItemAdded(item_id="o", answers_id=CALL)


def _about_the_voice(item_id: str) -> Iterator[Step]:
    """What answers whether it interrupts."""
    yield "speech stopped: short", inputs.SpeechStopped(item_id=item_id, spoke_ms=100.0)
    yield "turn committed: of the voice", inputs.TurnCommitted(item_id=item_id)
    for name, text, final in (
        ("half a word", "m", False),
        ("a word", "stop ", False),
        ("nothing", "mm", True),
        ("all of it", "stop", True),
    ):
        yield f"understood: {name}", inputs.CallerUnderstood(item_id=item_id, text=text, final=final)


def _about_ours(s: State) -> Iterator[Step]:
    create = s.outstanding
    if create is not None:
        yield "created: ours", inputs.ResponseCreated(response_id=f"r{s.last_number}", token=create.token)
        yield "refused: ours", inputs.Refused(event_id=create.token, code=ACTIVE_RESPONSE)
        yield (
            "done: ours, unseen",
            inputs.ResponseDone(response_id=f"r{s.last_number}", status="completed", token=create.token),
        )
    for token in list(s.abandoned)[:1]:
        yield "created: given up", inputs.ResponseCreated(response_id=f"r{s.last_number}g", token=token)


def _about_the_active(s: State) -> Iterator[Step]:
    active = s.active
    if active is None:
        return
    own, item = active.response_id, f"{active.response_id}-i"
    for status in ("completed", "cancelled", "failed", "incomplete"):
        yield f"done: {status}", inputs.ResponseDone(response_id=own, status=status)
    yield "created: again", inputs.ResponseCreated(response_id=own)
    yield "item opened", inputs.ItemOpened(response_id=own, item_id=item, speaks=True)
    yield "audio finished", inputs.ItemFinished(response_id=own, item_id=item)
    yield "item finished", inputs.ItemFinished(response_id=own, item_id=item, final=True)
    yield "delta", Delta(own, item)
    yield "text part", inputs.TextPartOpened(response_id=own, item_id=item)
    if own not in s.retired:
        yield "tool called", inputs.ToolCalled(response_id=own, call_id=CALL, name="t", arguments="{}")
        yield "server's tool", inputs.ServerToolOpened(response_id=own, item_id="mcp")
    yield "server's tool ended", inputs.ServerToolFinished(item_id="mcp")
    if active.cancel_event_id:
        code = "response_cancel_not_active"
        yield "refused: cancel", inputs.Refused(event_id=active.cancel_event_id, code=code)


def _about_playback(s: State) -> Iterator[Step]:
    for item in list(s.items.values())[:2]:
        own = {"cut": s.cut, "response_id": item.response_id, "item_id": item.item_id}
        half, whole = item.received_ms / 2, item.received_ms
        yield "audible", inputs.Audible(**own)  # type: ignore[arg-type]
        yield "heard: half", inputs.Heard(**own, heard_ms=half)  # type: ignore[arg-type]
        yield "silent: played", inputs.Silent(**own, heard_ms=whole, cause="played")  # type: ignore[arg-type]
        old = {**own, "cut": s.cut - 1}
        yield "silent: of an old cut", inputs.Silent(**old, heard_ms=whole, cause="played")  # type: ignore[arg-type]


# One step, and what must hold of it.


def _thaw(frozen: bytes) -> Sequencer:
    state: State = pickle.loads(frozen)
    return Sequencer(state.config, state)


def _take(core: Sequencer, step: Input | Delta, now_ms: float, path: list[str]) -> float:
    """Takes one step; returns the time after it: a tick waits for the next deadline."""
    if isinstance(step, inputs.Tick):
        now_ms = max(now_ms, core.next_deadline_ms() or now_ms)
    wishes, cut, owing = _wishes(core.state), core.cut, _Owing.of(core.state)
    was_doubtful = core.state.doubt is not None
    if isinstance(step, Delta):
        was_retired = step.response_id in core.state.retired
        verdict = core.admit_audio(step.response_id, step.item_id, step.ms * 8, now_ms)
        _hold(not (was_retired and verdict.skip is None), "a delta of a retired response passed", path)
        actions: list[Action] = list(verdict.actions)
        _check_verdict(verdict, core, path)
    else:
        before = core.slot
        actions = core.handle(step, now_ms)
        row = TRANSITIONS[(before, type(step))]
        _hold(core.slot in row.to, f"{type(step).__name__} led from {before} to {core.slot}", path)
    _check(core, actions, wishes, cut, path)
    _check_doubt(core.state, actions, path, was_doubtful=was_doubtful)
    if isinstance(step, inputs.SpeechStopped):
        _check_fell_silent(core.state, step.item_id, path)
    owing.check(core, step, actions, path)
    return now_ms


def _check(core: Sequencer, actions: list[Action], wishes: set[int], cut: int, path: list[str]) -> None:
    s = core.state
    creates = [action for action in actions if isinstance(action, SendCreate)]
    _hold(len(creates) <= 1, "two creates in one step", path)
    _hold(not (creates and s.active is not None), "a create while another response is active", path)
    _hold(not (creates and s.move is not None and s.move.gone), "somebody is spoken to while away", path)
    _hold(core.cut >= cut, "the cut fell", path)
    _hold(sum(isinstance(a, HangUp | Move) for a in actions) <= 1, "hung up or moved twice", path)
    tools = [action.call_id for action in actions if isinstance(action, RunTool)]
    _hold(len(tools) == len(set(tools)), "a tool ran twice", path)
    _hold(not any(r in s.retired for r in s.responses), "a retired response is live", path)
    _hold(not any(i.response_id in s.retired for i in s.items.values()), "retired audio waits", path)
    speaking = core.audible_response_id
    _hold(not speaking or speaking not in s.retired, "a retired response is audible", path)
    _hold(not any("" in ids for ids in (s.responses, s.items, s.batches)), "an empty id is a key", path)
    ended = {
        int(action.fields[name])
        for action in actions
        if isinstance(action, Journal)
        for name in ("wish", "joined")
        if name in action.fields
        and (
            name == "joined"
            or action.kind in ENDS_OF_A_WISH
            or action.fields.get("what") == "created_missing"
        )
    }
    gone = wishes - _wishes(s) - ended
    _hold(not gone, f"wishes {sorted(gone)} ended without a journal line", path)


def _check_doubt(s: State, actions: list[Action], path: list[str], *, was_doubtful: bool) -> None:
    """Playback stands still as long as it is in doubt whether the caller interrupts, and no longer."""
    is_doubtful = s.doubt is not None
    asked = {type(action) for action in actions} & {PauseReply, ResumeReply, Flush, HangUp}
    _hold((PauseReply in asked) == (is_doubtful and not was_doubtful), "paused without a doubt", path)
    _hold(not (ResumeReply in asked and Flush in asked), "what was cut goes on", path)
    is_ended = bool(asked & {ResumeReply, Flush, HangUp})
    _hold(is_ended or is_doubtful or not was_doubtful, "what stands still stands for ever", path)
    is_open = s.phase is Phase.OPEN and s.hang_up is None
    is_about = bool(interruptible(s)) or s.outstanding is not None
    _hold(not is_doubtful or (is_open and is_about), "a doubt about nothing", path)


def _check_fell_silent(s: State, item_id: str, path: list[str]) -> None:
    """Where no words will come, a voice is known for what it was as soon as it is over."""
    is_open = s.doubt is not None and item_id in s.doubt.voices
    _hold(s.config.transcribes or not is_open, "a voice waits for words that nobody writes", path)


@dataclass(frozen=True, slots=True)
class _Owing:
    """What was owed before a step, and what may take it away."""

    debts: frozenset[int]
    batches: frozenset[str]

    @classmethod
    def of(cls, s: State) -> _Owing:
        return cls(frozenset(s.debts.standing), frozenset(s.batches))

    def check(self, core: Sequencer, step: Input | Delta, actions: list[Action], path: list[str]) -> None:
        """A debt ends by what egress has heard, or by a decision; while one stands, something is waited
        for."""
        s = core.state
        is_heard = isinstance(step, inputs.Audible | inputs.Heard | inputs.Silent)
        is_decided = any(isinstance(action, HangUp | Move) for action in actions)
        is_tool_over = bool(self.batches - set(s.batches))
        _hold(
            is_heard or is_decided or is_tool_over or self.debts <= set(s.debts.standing),
            "a debt ended that nobody heard of or took back",
            path,
        )
        is_served = core.slot not in (SlotState.CLOSED, SlotState.ENDED) and not s.asking.replacing
        _hold(
            not is_served or core.owed is None or core.next_deadline_ms() is not None,
            "sound is owed and nothing is waited for",
            path,
        )


def _check_verdict(verdict: AudioVerdict, core: Sequencer, path: list[str]) -> None:
    _hold(verdict.cut == core.cut, "audio of another cut was admitted", path)
    _hold(verdict.skip is not None or bool(verdict.item_id), "audio without an item was admitted", path)


def _rests(core: Sequencer, now_ms: float, path: list[str]) -> None:
    """Nothing more comes: every wait ends, in a bounded number of ticks."""
    for _ in range(REST_TICKS):
        deadline_ms = core.next_deadline_ms()
        if deadline_ms is None:
            break
        _hold(deadline_ms > now_ms or now_ms == 0, "a deadline stays in the past", path)
        now_ms = max(now_ms, deadline_ms)
        core.handle(inputs.Tick(), now_ms)
    s = core.state
    _hold(core.next_deadline_ms() is None, "the machine never comes to rest", path)
    is_over = core.slot is SlotState.ENDED
    _hold(core.slot in (SlotState.FREE, SlotState.CLOSED, SlotState.ENDED), f"stuck in {core.slot}", path)
    is_unserved = is_over or core.slot is SlotState.CLOSED or s.asking.replacing
    _hold(is_unserved or core.owed is None, "sound is owed for ever", path)
    _hold(not core.audible_response_id, "speaking for ever", path)
    _hold(not s.deferred, "a wish waits for ever", path)
    is_waiting = bool(s.batches or s.move or s.pending_cut or s.doubt)
    _hold(is_over or not is_waiting, "a tool, move, cut or doubt waits for ever", path)
    _hold(s.hang_up is None or is_over, "a hang-up that never ends", path)


def _hold(condition: bool, what: str, path: list[str]) -> None:
    if not condition:
        raise Violation(what, path)


def _wishes(s: State) -> set[int]:
    found = {wish.number for wish in s.deferred.values()}
    if s.outstanding is not None and s.outstanding.wish is not None:
        found.add(s.outstanding.wish.number)
    return found
