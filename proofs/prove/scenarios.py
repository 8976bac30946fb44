"""The kinds of trouble that `make prove-conversation` makes, and what is promised under each of them.

Why it exists: a scenario should read as what it is about: a fault, callers, promises. Owns: the scenarios;
promises are sentences. Must not know: how calls are made or judged; `judge` makes the figures that a promise
reads.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from proofs.prove.judge import Figures
from proofs.prove.promises import Broken
from simulators import asides, clips
from simulators.mulaw import BYTES_PER_MS
from simulators.realtime import Knobs, ResponseKnobs
from simulators.twilio import Clip
from simulators.twilio.caller.plan import (
    CALLED_NUMBER,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
)

TWO_TOOLS = """
language = "en"
greeting = [{ say = "en_model_greeting" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_short" }]
[[turns]]
heard = "en_caller_number"
reply = [
  { call = "look_up", arguments = { order_number = "4217" } },
  { call = "check_order", arguments = { order_number = "12" } },
]
after = [{ say = "en_model_order" }]
[[turns]]
heard = "en_caller_ask"
reply = [{ say = "en_model_long" }]
"""
"""A script whose turn calls two tools at once."""

LONG_ANSWERS = """
language = "en"
greeting = [{ say = "en_model_greeting" }]
idle = [{ say = "en_model_idle" }]
other = [{ say = "en_model_short" }]
[[turns]]
heard = "en_caller_interrupt"
reply = [{ say = "en_model_long" }]
"""
"""A script whose answers last ten seconds."""

PATIENT_NUMBER = "+15550003333"
"""Of the agent that asks for a confirmation before it is interrupted; it has a notice."""

ANNOUNCED_NUMBER = "+15550004444"
"""Of the agent that has sounds of its own."""

NOTICE = "en_caller_goodbye"
"""The clip that both of them play first, word for word."""

NOTICE_MS = len(clips.load(NOTICE)) / BYTES_PER_MS


LIVES_EVERY = 4
"""Of a call's sessions each one of so many is not dropped: five that are lost before any response of theirs
is complete end the call in an apology, by design (brain/model/lifeline.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of trouble. `knobs_for` makes each connection's knobs, by its number and by its number within
    its call; `steps` says what a caller does."""

    name: str
    calls: int
    seconds: float
    at_once: int = 20
    barge_in_share: float = 0.0
    script: str = "english"
    to_number: str = CALLED_NUMBER
    """Chooses the agent (conversation.AGENTS)."""
    knobs_for: Callable[[int, int], Knobs]
    steps: Callable[[int], Iterable[Step]] | None = None
    operator_says: bool = False
    promises: Callable[[Figures], Broken]


def scenarios(calls: int, at_once: int, seed: int) -> list[Scenario]:
    """All of them, in the order in which they run. The first makes `calls` calls, that of callers who
    cough half as many, the others a fifth."""
    few = max(at_once, calls // 5)
    return [
        _barge_in(calls, at_once, seed),
        _parallel_tools(few, at_once, seed),
        _server_cancels(few, at_once, seed),
        Scenario(
            name="lost-done",
            calls=few,
            at_once=at_once,
            seconds=30,
            barge_in_share=0.3,
            knobs_for=lambda number, _: _some_lost_dones(seed + number),
            promises=_common,
        ),
        Scenario(
            name="session-drops",
            calls=few,
            at_once=at_once,
            seconds=30,
            barge_in_share=0.2,
            knobs_for=lambda number, nth: _drop(random.Random(f"{seed}/drop/{number}"), nth),
            promises=lambda f: _common(f) | {"no session was dropped": f.sessions <= f.calls},
        ),
        _rollover(at_once, seed),
        _confirm(max(at_once, calls // 2), at_once, seed),
        _sounds(few, at_once, seed),
    ]


# Private.


def _common(figures: Figures) -> Broken:
    refused = f"{figures.truncations_refused} truncations were refused by the server"
    return {
        f"{figures.stale_frames} stale frames were heard after a clear": figures.stale_frames > 0,
        refused: figures.truncations_refused > 0,
        f"{len(figures.truncations_above_heard)} truncations above what was heard": bool(
            figures.truncations_above_heard
        ),
        f"{figures.ended_early} calls were not ended by their caller": figures.ended_early > 0,
        f"{figures.lost_turns} turns of callers were lost": figures.lost_turns > 0,
        f"{len(figures.repeated)} items were heard again": bool(figures.repeated),
        f"the model complained {figures.model_violations} times": figures.model_violations > 0,
        f"Twilio complained {figures.twilio_violations} times": figures.twilio_violations > 0,
    }


def _whole(figures: Figures) -> Broken:
    return {f"{len(figures.unheard)} uninterrupted items were not heard whole": bool(figures.unheard)}


def _barge_in(calls: int, at_once: int, seed: int) -> Scenario:
    return Scenario(
        name="barge-in",
        calls=calls,
        at_once=at_once,
        seconds=20,
        barge_in_share=0.5,
        knobs_for=lambda number, _: Knobs(seed=seed + number),
        promises=lambda f: _common(f) | _whole(f),
    )


def _parallel_tools(calls: int, at_once: int, seed: int) -> Scenario:
    def promises(f: Figures) -> Broken:
        missing = f.tool_calls - f.tool_outputs
        return _common(f) | {
            "no tool was called": f.tool_calls == 0,
            f"{missing} tool calls got no output": missing > 0,
            f"{f.outputs_twice} tool calls were answered twice": f.outputs_twice > 0,
            f"{f.tool_creates} creates for {f.tool_batches} batches": f.tool_creates > f.tool_batches,
        }

    return Scenario(
        name="parallel-tools",
        calls=calls,
        at_once=at_once,
        seconds=24,
        script=TWO_TOOLS,
        knobs_for=lambda number, _: Knobs(seed=seed + number),
        steps=lambda number: _into_the_tools(random.Random(f"{seed}/{number}")),
        promises=promises,
    )


def _server_cancels(calls: int, at_once: int, seed: int) -> Scenario:
    def promises(f: Figures) -> Broken:
        return _common(f) | {
            "no operator spoke": f.operator_said == 0,
            f"{len(f.operator_lost)} words of operators were lost": bool(f.operator_lost),
        }

    return Scenario(
        name="server-cancels",
        calls=calls,
        at_once=at_once,
        seconds=24,
        barge_in_share=0.7,
        knobs_for=lambda number, _: Knobs(
            seed=seed + number, response=ResponseKnobs(created_delay_ms=250, stragglers=3)
        ),
        operator_says=True,
        promises=promises,
    )


def _rollover(calls: int, seed: int) -> Scenario:
    def promises(f: Figures) -> Broken:
        return (
            _common(f)
            | _whole(f)
            | {
                f"{f.rollovers} rollovers in {f.calls} calls": f.rollovers < 5 * f.calls,
                f"{f.expired} sessions ran into their limit": f.expired > 0,
                f"{f.turn_creates} turns were answered out of order": f.turn_creates > 0,
            }
        )

    return Scenario(
        name="rollover",
        calls=calls,
        at_once=calls,
        seconds=105,
        knobs_for=lambda number, _: Knobs(seed=seed + number, session_limit_ms=20_000),
        promises=promises,
    )


def _confirm(calls: int, at_once: int, seed: int) -> Scenario:
    def promises(f: Figures) -> Broken:
        paused, left = f.pauses, len(f.pauses.left)
        return _common(f) | {
            "nobody coughed or murmured over a reply": paused.asides == 0,
            "no word interrupted a reply": paused.interruptions == 0,
            "no reply stood still for a cough or a murmur": paused.stopped == 0,
            f"{left} of {paused.stopped} replies that noise stopped did not go on": left > 0,
            f"{len(paused.incomplete)} replies were not heard to the byte": bool(paused.incomplete),
            f"{len(paused.repeated)} times words were heard twice": bool(paused.repeated),
            f"{len(paused.cut_by_noise)} replies were cut by noise": bool(paused.cut_by_noise),
            f"{len(paused.late)} words interrupted too late": bool(paused.late),
            f"{len(paused.above_heard)} truncations above what was heard in stretches": bool(
                paused.above_heard
            ),
            f"{f.own.whole} of {f.calls} callers heard the whole notice first": f.own.whole < f.calls,
        }

    return Scenario(
        name="confirm",
        calls=calls,
        at_once=at_once,
        seconds=45,
        script=LONG_ANSWERS,
        to_number=PATIENT_NUMBER,
        knobs_for=lambda number, _: Knobs(seed=seed + number, transcript_ms=200.0),
        steps=lambda number: _listens(random.Random(f"{seed}/listens/{number}")),
        promises=promises,
    )


def _sounds(calls: int, at_once: int, seed: int) -> Scenario:
    def promises(f: Figures) -> Broken:
        own = f.own
        return (
            _common(f)
            | _whole(f)
            | {
                f"{own.whole} of {f.calls} callers heard the whole notice first": own.whole < f.calls,
                "no caller heard a tool at work": own.filled == 0,
                f"in {len(own.unfilled)} calls a tool worked in silence": bool(own.unfilled),
                f"{len(own.over_voice)} times our sound was heard within an answer": bool(own.over_voice),
            }
        )

    return Scenario(
        name="sounds",
        calls=calls,
        at_once=at_once,
        seconds=30,
        script=TWO_TOOLS,
        to_number=ANNOUNCED_NUMBER,
        knobs_for=lambda number, _: Knobs(seed=seed + number),
        steps=lambda number: _talks_over_a_notice(random.Random(f"{seed}/sounds/{number}")),
        promises=promises,
    )


def _into_the_tools(chance: random.Random) -> Sequence[Step]:
    """Asks for something that needs two tools, and speaks again while they run."""
    return [WaitForSpeech(), WaitForSilence(700), *_ask_for_tools(chance)]


def _ask_for_tools(chance: random.Random) -> Iterator[Step]:
    number, more = (Clip(clips.load(name), name) for name in ("en_caller_number", "en_caller_ask"))
    for _ in range(4):
        yield Speak(number)
        if chance.random() < 0.6:
            yield Pause(chance.uniform(600, 1900))
            yield Speak(more)
        yield WaitForSpeech()
        yield WaitForSilence(1200)
        yield Pause(chance.uniform(200, 700))


def _talks_over_a_notice(chance: random.Random) -> Sequence[Step]:
    """Half of them do not let it finish; all of them ask for something that takes a while."""
    steps: list[Step] = [WaitForSpeech()]
    if chance.random() < 0.5:
        steps += [Pause(chance.uniform(100, 900)), Speak(Clip(clips.load("en_caller_ask"), "en_caller_ask"))]
    return [*steps, WaitForSilence(1_500), *_ask_for_tools(chance)]


def _listens(chance: random.Random) -> Iterator[Step]:
    """Hears the notice, asks, coughs and murmurs while the answer is said, and now and then interrupts it
    with words. In between it is quiet for longer than a reply may stand still."""
    word = Clip(clips.load("en_caller_interrupt"), "en_caller_interrupt")
    sounds = [Clip(asides.cough().audio, "cough"), Clip(asides.murmur().audio, "murmur")]
    yield WaitForSpeech()
    yield InterruptAfter(NOTICE_MS + chance.uniform(600, 1_200), chance.choice(sounds))
    yield WaitForSilence(2_700)
    while True:
        yield Speak(word)
        yield WaitForSpeech()
        for _ in range(chance.randint(1, 3)):
            yield InterruptAfter(chance.uniform(600, 1_800), chance.choice(sounds))
            yield Pause(2_500)
        if chance.random() < 0.6:
            yield InterruptAfter(chance.uniform(300, 1_500), word)
            yield WaitForSpeech()
        yield WaitForSilence(2_700)


def _some_lost_dones(seed: int) -> Knobs:
    chance = random.Random(f"done/{seed}")
    lost = {n: ResponseKnobs(lost_done=True) for n in range(2, 40) if chance.random() < 0.2}
    late = {n: ResponseKnobs(late_done=True) for n in range(2, 40) if n not in lost and chance.random() < 0.2}
    return Knobs(seed=seed, by_response=lost | late)


def _drop(chance: random.Random, nth: int) -> Knobs:
    knobs = Knobs(seed=chance.randrange(1 << 30))
    if chance.random() < 0.6 and nth % LIVES_EVERY:
        knobs.close_on = "response.output_audio.delta"
        knobs.close_on_count = chance.randint(5, 60)
        knobs.close_after_ms = chance.uniform(0, 120)
        knobs.close_code = chance.choice((1006, 1011))
    return knobs
