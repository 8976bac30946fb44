"""Noise does not cut: a voice that begins stops playback, and whether it interrupts is found out first.

Why it exists: whoever coughs, or says "mm-hm", does not want the rest to be lost. So playback stands still at
once, which is all that a caller hears of an interruption in its first second; then it goes on from the frame
where it stopped, or it is the interruption that it would have been. Nothing is cancelled, truncated or asked
for before that is known.

Owns: the doubt: when it begins, what answers it, what it leads to. A voice is nothing if it was too short, or
if its words are none or only backchannels; a word that is none, the end of the time, and whatever else cuts
the reply are the interruption. Must not know: how playback is stopped (egress), what an interruption does
(caller_turn, cut).
"""

from __future__ import annotations

from brain.sequencer import caller_turn, cut
from brain.sequencer.actions import PassOver, PauseReply, ResumeReply
from brain.sequencer.doubt import MOST_CHARS, VoiceInDoubt, is_speech
from brain.sequencer.inputs import CallerUnderstood, SpeechStarted, SpeechStopped, TurnCommitted
from brain.sequencer.state import Phase, State
from brain.sequencer.wishes import Reason
from shared.contract.streams.journal import Kind

SLACK_MS = 1_000.0
"""Should nobody say how it ended, egress goes on by itself so much later."""


def speech_started(s: State, i: SpeechStarted, now_ms: float) -> None:
    """The caller talks: whatever is audible or generating ends, or, if they may not mean it, stands still.
    A farewell is not interrupted."""
    caller_turn.voice_began(s, i, now_ms)
    if not _is_doubtful(s, i.item_id):
        caller_turn.interrupt(s, now_ms)
        return
    doubt = s.doubt
    if doubt is None:
        doubt = s.doubt = VoiceInDoubt(cut=s.cut, since_ms=now_ms, deadline_ms=now_ms + s.config.confirm_ms)
        s.actions.append(PauseReply(cut=s.cut, most_ms=s.config.confirm_ms + SLACK_MS))
        s.journal(Kind.PAUSED, item=i.item_id, cut=s.cut)
    doubt.voices[i.item_id] = ""


def speech_stopped(s: State, i: SpeechStopped, now_ms: float) -> None:
    """The caller paused; in server mode its own response is due, and our creates stand back for it. In doubt:
    a voice that was too short is noise, of a longer one the words decide, where there will be any."""
    doubt = s.doubt
    if doubt is None or i.item_id not in doubt.voices:
        if i.item_id in s.passed_over:
            caller_turn.fell_silent(s, i, now_ms)
        else:
            caller_turn.speech_stopped(s, i, now_ms)
        return
    caller_turn.fell_silent(s, i, now_ms)
    doubt.stopped_at_ms = now_ms
    if i.spoke_ms is not None and i.spoke_ms < s.config.confirm_min_ms:
        _pass_over(s, doubt, i.item_id, now_ms, why="short")
    elif not s.config.transcribes:
        _interrupt(s, doubt, now_ms, why="voice")


def turn_committed(s: State, i: TurnCommitted, now_ms: float) -> None:
    """The turn is in the conversation: in brain mode this is the moment to answer it, once; one that is in
    doubt is answered when it is known to be one."""
    doubt = s.doubt
    if i.item_id in s.passed_over:
        return
    if doubt is None or i.item_id not in doubt.voices:
        caller_turn.turn_committed(s, i, now_ms)
    elif i.item_id not in doubt.committed:
        doubt.committed.append(i.item_id)


def understood(s: State, i: CallerUnderstood, now_ms: float) -> None:
    """What the caller said: a word that is no backchannel is meant; without one it was nothing."""
    doubt = s.doubt
    if doubt is None or i.item_id not in doubt.voices:
        return
    said = i.text if i.final else doubt.voices[i.item_id] + i.text
    doubt.voices[i.item_id] = said[:MOST_CHARS]
    if is_speech(said, s.config.backchannels, whole=i.final):
        _interrupt(s, doubt, now_ms, why="words")
    elif i.final:
        _pass_over(s, doubt, i.item_id, now_ms, why="backchannel" if said.strip() else "no_words")


def due_ms(s: State) -> float | None:
    """By when it is known whether the caller interrupts."""
    return None if s.doubt is None else s.doubt.deadline_ms


def overdue(s: State, now_ms: float) -> None:
    """Nothing has shown that it was noise: the caller is taken to mean it."""
    if s.doubt is not None:
        _interrupt(s, s.doubt, now_ms, why="time")


def settle(s: State, now_ms: float) -> None:
    """After each step: a doubt ends with what it is about."""
    doubt = s.doubt
    if doubt is None:
        return
    is_away = s.move is not None and s.move.gone
    is_over = s.phase is not Phase.OPEN or s.hang_up is not None or is_away
    if s.cut != doubt.cut:
        # Something else has cut the reply: what they said is a turn like any other.
        s.doubt = None
        if not is_over:
            _take_turns(s, doubt, now_ms)
    elif is_over:
        _resume(s, doubt, now_ms)
    elif not _is_anything_at_stake(s):
        _interrupt(s, doubt, now_ms, why="nothing_left")


# Private.


def _is_doubtful(s: State, item_id: str) -> bool:
    """Whether a voice that begins now may turn out to be nothing, and has something that it would cut."""
    if s.config.confirm_ms <= 0 or not item_id or s.hang_up is not None or cut.is_protected(s):
        return False
    return s.doubt is not None or _is_anything_at_stake(s)


def _is_anything_at_stake(s: State) -> bool:
    """Whether an interruption would end anything: what is audible, unheard, generating, or asked for."""
    create = s.outstanding
    wish = None if create is None else create.wish
    return bool(cut.interruptible(s)) or (wish is not None and wish.reason is not Reason.GREETING)


def _pass_over(s: State, doubt: VoiceInDoubt, item_id: str, now_ms: float, *, why: str) -> None:
    """This voice was nothing; where no other is in doubt, playback goes on."""
    del doubt.voices[item_id]
    if item_id in doubt.committed:
        doubt.committed.remove(item_id)
    s.passed_over.add(item_id)
    s.actions.append(PassOver(item_id=item_id))
    s.journal(Kind.PASSED_OVER, item=item_id, cause=why)
    if not doubt.voices:
        s.caller.speaking = False
        _resume(s, doubt, now_ms)


def _resume(s: State, doubt: VoiceInDoubt, now_ms: float) -> None:
    s.doubt = None
    s.actions.append(ResumeReply(cut=s.cut))
    s.journal(Kind.WENT_ON, cut=s.cut, ms=now_ms - doubt.since_ms)


def _interrupt(s: State, doubt: VoiceInDoubt, now_ms: float, *, why: str) -> None:
    """They mean it: from here on it is the interruption that it would have been at once."""
    s.doubt = None
    s.journal(Kind.CONFIRMED, cause=why, ms=now_ms - doubt.since_ms)
    caller_turn.interrupt(s, now_ms)
    if s.cut == doubt.cut:
        # Nothing was left to be cut: what comes next is to be heard.
        s.actions.append(ResumeReply(cut=s.cut))
    _take_turns(s, doubt, now_ms)


def _take_turns(s: State, doubt: VoiceInDoubt, now_ms: float) -> None:
    """What was said in doubt counts as if it had been said now, but that the caller waits since they
    stopped."""
    if not s.caller.speaking:
        caller_turn.end_turn(s, now_ms, doubt.stopped_at_ms - s.config.listens_ms)
    for item_id in doubt.committed:
        caller_turn.turn_committed(s, TurnCommitted(item_id=item_id), now_ms)
