"""The response sequencer: the pure core that decides what the model says, when, and what becomes of it.

Why it exists: the server lets one response at a time speak into a conversation, makes responses of its
own, and never knows what was played. Everything that can go wrong between those three facts is decided
here, on plain data, and nowhere else (DESIGN section 8).

Owns: the active response and the outstanding create, the wishes that wait for a gate, what was heard of
each item, the cut, the caller's speech, batches of tool calls, the hang-up. Must not know: sockets,
Redis, clocks, JSON, logging. Time comes in with each input, as monotonic milliseconds.

    inputs       what can be told to the sequencer
    actions      what it asks its driver to do
    wishes       reasons to speak, and how long each may wait
    state        the whole state, declared
    door         the only place that sends a create: gates, deferring, refusals
    responses    the life of a response and of its audio
    barge_in     the caller speaks: cut, flush, truncate
    playback     what egress reports: audible, heard, silent
    tool_batch   parallel tool calls, answered by one create
    hang_up      the farewell, heard first
    deadlines    every wait that can expire
    transitions  the table (state, input) → handler, next states
    machine      the four verbs
"""

from brain.sequencer.machine import Sequencer
from brain.sequencer.state import SequencerConfig, SlotState
from brain.sequencer.wishes import Reason

__all__ = ["Reason", "Sequencer", "SequencerConfig", "SlotState"]
