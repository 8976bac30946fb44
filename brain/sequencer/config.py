"""The figures of a sequencer: who makes responses, where numbers start, how long each wait may last.

Why it exists: every bound of the sequencer stands in one place, each with the reason for its figure;
docs/sequencer.md is made from it.

Owns: the figures and their reasons. Must not know: what is done when a wait is over (waits).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brain.sequencer.doubt import Phrases


@dataclass(frozen=True, kw_only=True, slots=True)
class SequencerConfig:
    """Who makes responses, where the numbers start, how long each wait may last (waits), what is bounded."""

    create_response_by: Literal["server", "brain"] = "server"
    """`server`: its VAD answers each turn, and we add to that; `brain`: every create is ours."""
    first_cut: int = 0
    """The cut on the card: a new brain goes on from it."""
    first_debt: int = 0
    """The last debt of the brain before: numbers rise over the call."""
    server_interrupts: bool = False
    """Whether its VAD also cancels the response that the caller interrupts (`interrupt_response`)."""
    greeting_interruptible: bool = True
    """Whether the caller may cut the greeting short. What they say during one that must be heard is answered
    after it."""
    transcribes: bool = False
    """Whether the caller's words are told: then a voice that was not too short waits for them."""
    backchannels: Phrases = frozenset()
    """What a caller says who only shows that they listen."""
    token_prefix: str = "t"
    """Makes tokens differ between the brains of one call; the epoch is a good one."""

    silent_ends_in_a_row: int = 3
    """Responses that failed or said nothing while sound was owed, before the session is replaced."""

    tool_rounds: int = 8
    """Tool answers in a row without a sound or a word of the caller; then the answer is asked for without
    tools."""

    created_wait_ms: float = 2_750.0
    """A create is answered within a round trip; after this it is taken as lost. A second one in a row that
    nobody answers costs the session: with the pause between them after 6 s."""
    turn_answer_wait_ms: float = 3_000.0
    """So long after the end of a turn a response to it is created; then we ask for it ourselves."""
    active_silent_ms: float = 10_000.0
    """A generating response says something every second; after this it is cancelled."""
    listens_ms: float = 0.0
    """How long the model listens to silence before it says that a turn has ended: the caller waits since
    before that."""
    ceased_ms: float = 5_000.0
    """The same once it has said something: a caller who was left in mid-sentence waits for the rest."""
    unspoken_wait_ms: float = 8_000.0
    """The same while sound is owed and it has said nothing: the caller waits, and is apologised to after
    12 s."""
    done_after_items_ms: float = 4_000.0
    """A `done` follows its last item at once. When nothing does, neither a `done` nor another item, it is
    taken as lost: earlier than in the middle of an item, later than a model thinks between two."""
    server_cancel_wait_ms: float = 600.0
    """A server that interrupts by itself ends the response within a round trip; after this we cancel it."""
    done_wait_ms: float = 3_000.0
    """How long after a cancel the `done` may take before the slot is taken back."""
    refused_cancel_wait_ms: float = 1_000.0
    """The same once the server said that nothing was active: the `done` went before that answer."""
    flushed_wait_ms: float = 150.0
    """How long truncation waits for egress's own figures (docs/design.md, Barge-in)."""
    confirm_ms: float = 0.0
    """By then it is known whether the caller's voice interrupts; until then playback stands still. 0: whoever
    speaks interrupts at once."""
    confirm_min_ms: float = 250.0
    """A voice that is heard for less is noise: a cough, a door."""
    first_backoff_ms: float = 250.0
    """The pause after a refused create, doubled each time: the server knows of a response that we do not."""
    longest_backoff_ms: float = 2_000.0
    """It is doubled up to this: a fault that passes within 8 s is to end in an answer, before the apology."""
    speech_max_ms: float = 60_000.0
    """The `turn` stream keeps 60 s: past that the caller is taken as not speaking."""
    quiet_ms: float = 300.0
    """How long the caller must have been silent for a moment to count as quiet."""
    answer_grace_ms: float = 500.0
    """After the caller stopped, the server's own response is due; our creates stand back for this long."""
    speaking_slack_ms: float = 10_000.0
    """Egress may be silent about playback this much longer than the audio lasts (a seam takes 5 s)."""
    keys_wait_ms: float = 2_500.0
    """A group of keys is complete 1.5 s after the last one, and looked at twice a second."""
    away_wait_ms: float = 15_000_000.0
    """A caller who is connected with somebody else may talk for hours: Twilio ends such a call after four."""
    tool_wait_ms: float = 120_000.0
    """The driver limits tools far below this; it only catches a driver that forgot one."""
    tool_result_wait_ms: float = 30_000.0
    """A result that came without a session waits this long for the next one; the call is given up before."""
    farewell_wait_ms: float = 8_000.0
    """A farewell must start playing within this, and finish within this again, from when the playhead last
    moved, not counting audio that is queued before it. What is said before a move must be heard within this,
    not counting its own length."""
    farewell_unheard_ms: float = 30_000.0
    """At most this much queued audio is waited for before a hang-up: more is no farewell."""

    truncate_margin_ms: float = 100.0
    """The server has been seen to count 85 ms less than we received; above its figure it refuses."""
    played_tolerance_ms: float = 20.0
    """Heard to within one frame is heard: egress counts whole milliseconds and whole frames."""
    max_unheard_bytes: int = 4_800_000
    """10 minutes of µ-law in `reply` (docs/design.md, The streams)."""
