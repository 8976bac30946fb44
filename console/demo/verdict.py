"""Was the conversation what it should be? What happened in, one answer for each expectation out. Pure.

Owns: the expectations, in words that tell what was expected and what there was. Must not know: how they are
printed, where the figures come from.
"""

from __future__ import annotations

from dataclasses import dataclass

from console.demo.find_clip import find, pieces_of
from console.demo.script import TOOL, Script
from console.demo.watch import Seen
from shared.contract.streams.history import ToolEntry, ToolState
from shared.contract.streams.journal import JournalEntry, Kind
from simulators.twilio import measures
from simulators.twilio.record import CallRecord

WHOLE = 0.98
"""Share of a clip that must be heard without a break to count as heard: its last frame may be silence."""

SILENT_WITHIN_MS = 1500.0
"""Barge-in: from the onset of the caller's voice to silence. Detection alone takes some 300 ms."""

STALE_WITHIN_MS = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One expectation."""

    expected: str
    met: bool
    got: str


def judge(record: CallRecord, seen: list[Seen], script: Script) -> list[Check]:
    """The expectations on a call with the simulator, whose replies we know byte for byte."""
    heard = record.heard_audio
    greeting = _whole("the greeting is heard", script.greeting, heard, 0.0)
    after_ms = _first_utterance_ms(record)
    return [
        greeting,
        *_interruption(record, script, heard),
        _tool_ran(seen),
        _whole("the answer made from the tool's result is heard", script.tool_reply, heard, after_ms),
        _whole("the farewell is heard", script.farewell, heard, after_ms),
        *_clean(record, seen),
    ]


def judge_real(record: CallRecord) -> tuple[list[Check], list[Check]]:
    """With the real API: what must hold, and what is only reported."""
    spurts = measures.spurts(record)
    first_ms = _first_utterance_ms(record)
    before = [spurt for spurt in spurts if spurt.started_at_ms < first_ms]
    after = [spurt for spurt in spurts if spurt.started_at_ms >= first_ms]
    required = [
        Check(
            expected="a greeting is heard",
            met=bool(before),
            got=f"{len(before)} talk spurts before the caller",
        ),
        Check(expected="a reply is heard", met=bool(after), got=f"{len(after)} talk spurts after it"),
    ]
    return required, [_no_failures(record), _nothing_logged(record)]


# Private.


def _first_utterance_ms(record: CallRecord) -> float:
    return record.utterances[0].started_at_ms if record.utterances else float("inf")


def _whole(expected: str, clip: bytes, heard: bytes, from_ms: float) -> Check:
    found = find(clip, heard, 0.0 if from_ms == float("inf") else from_ms)
    length_ms = len(clip) / 8
    return Check(
        expected=expected,
        met=found.heard_ms >= WHOLE * length_ms,
        got=f"{found.heard_ms / 1000:.1f} of {length_ms / 1000:.1f} s, unbroken",
    )


def _interruption(record: CallRecord, script: Script, heard: bytes) -> list[Check]:
    """The long reply begins, is cut where the caller speaks into it, and nothing of it comes afterwards."""
    found = find(script.long_reply, heard, 0.0)
    length_ms = len(script.long_reply) / 8
    barge_ins = measures.barge_ins(record)
    began = Check(
        expected="the first question is answered",
        met=found.heard_ms > 1000,
        got=f"{found.heard_ms / 1000:.1f} of {length_ms / 1000:.1f} s heard before the interruption",
    )
    if not barge_ins:
        return [
            began,
            Check(expected="the caller interrupts a reply", met=False, got="no reply was playing then"),
        ]
    barge_in = barge_ins[0]
    silent_at_ms = barge_in.voice_started_at_ms + barge_in.silent_after_ms
    cleared = barge_in.clear_after_ms is not None
    stale_ms = measures.stale_after_clear_ms(record, within_ms=STALE_WITHIN_MS)
    later_ms = pieces_of(script.long_reply, heard, silent_at_ms + 1) if cleared else 0.0
    return [
        began,
        Check(
            expected=f"the interruption cuts the reply within {SILENT_WITHIN_MS:.0f} ms",
            met=cleared and barge_in.silent_after_ms <= SILENT_WITHIN_MS and found.heard_ms < length_ms - 500,
            got=f"silent {barge_in.silent_after_ms:.0f} ms after the caller's voice began"
            if cleared
            else "no clear",
        ),
        Check(
            expected="nothing stale is heard after the cut",
            met=stale_ms == 0 and later_ms == 0,
            got=f"{stale_ms:.0f} ms sent within {STALE_WITHIN_MS:.0f} ms of a clear,"
            f" {later_ms:.0f} ms of the old reply later",
        ),
    ]


def _tool_ran(seen: list[Seen]) -> Check:
    tools = [entry.record for entry in seen if isinstance(entry.record, ToolEntry)]
    started = [tool for tool in tools if tool.state is ToolState.STARTED]
    results = [tool for tool in tools if tool.state is ToolState.RESULT]
    names = {tool.name for tool in started}
    return Check(
        expected=f"the function {TOOL} runs once",
        met=len(started) == 1 and len(results) == 1 and names == {TOOL},
        got=f"{len(started)} started ({', '.join(sorted(names)) or 'none'}), {len(results)} finished",
    )


def _clean(record: CallRecord, seen: list[Seen]) -> list[Check]:
    lines = [entry.record for entry in seen if isinstance(entry.record, JournalEntry)]
    outcomes = [line.outcome for line in lines if line.kind == Kind.ENDED]
    return [
        _no_failures(record),
        _nothing_logged(record),
        Check(
            expected="the caller hangs up, and the call's card is closed once",
            met=record.end_reason == "caller_hung_up" and len(outcomes) == 1,
            got=f"{record.end_reason or 'no end'}; {', '.join(outcomes) or 'not closed'}",
        ),
    ]


def _no_failures(record: CallRecord) -> Check:
    return Check(
        expected="the call goes as the caller planned",
        met=not record.failures,
        got="; ".join(record.failures) or "every step",
    )


def _nothing_logged(record: CallRecord) -> Check:
    wrong = [f"{entry.code} {entry.text}" for entry in [*record.logged, *record.violations]]
    return Check(
        expected="Twilio has nothing to complain about",
        met=not wrong,
        got="; ".join(dict.fromkeys(wrong)) or "nothing",
    )
