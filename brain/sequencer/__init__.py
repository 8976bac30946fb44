"""The response sequencer: the pure core that decides what the model says, when, and what becomes of it.

Why it exists: the server lets one response at a time speak into a conversation, makes responses of its
own, and never knows what was played. Everything that can go wrong between those three facts is decided
here, on plain data, and nowhere else (docs/design.md, The response sequencer).

Owns: the active response and the outstanding create, the wishes that wait for a gate, what was heard of
each item, the cut, the caller's speech, batches of tool calls, the hang-up. Must not know: sockets,
Redis, clocks, JSON, logging. Time comes in with each input, as monotonic milliseconds.

    inputs       what can be told to the sequencer
    actions      what it asks its driver to do
    wishes       reasons to speak, and how long each may wait
    doubt        what is known of a voice that may interrupt, and which words answer it
    config       the figures: who makes responses, how long each wait may last
    debts        the sound that is owed, by number
    id_memory    ids that were seen, as many as can matter
    state        the whole state, declared
    owing        who raises a debt, what pays it, what takes it back
    replace      a session that does not work any more
    door         the only place that sends a create: gates, deferring, refusals
    responses    the life of a response and of its audio
    text_part    a response that writes where it should speak
    ask_again    what was not said is asked for again
    notice       words that must be exact: a recording, said for the model
    cut          the interruption: flush, cancel, truncate at what was heard
    playback     what egress reports: audible, heard, silent
    caller_turn  the caller's speech, and the turn it becomes
    confirm      noise does not cut: whether a voice interrupts is found out first
    caller_text  keys pressed: a text of the caller
    speak        wishes to speak from outside
    tool_batch   parallel tool calls, answered by one create
    move         the caller goes elsewhere for a while
    hang_up      the end of the call, the farewell heard first
    session      the model's session begins and ends
    inherit      what another brain has left of a call is taken up
    rollover     the session is replaced at a quiet moment
    waits        the table of all that is waited for, and what ends each wait
    transitions  the table (state, input) → rule, next states
    machine      the verbs that a driver calls
"""

from brain.sequencer.config import SequencerConfig
from brain.sequencer.machine import Sequencer
from brain.sequencer.state import SlotState
from brain.sequencer.wishes import Reason

__all__ = ["Reason", "Sequencer", "SequencerConfig", "SlotState"]
