"""What a brain keeps of a call that it lost because Redis came back empty: to go on, not to begin again.

Why it exists: ingress writes such a call again within a second, in the name of the brain that had it, while
`history` is gone for good; but the conversation stands in that brain's memory. Owns: what is kept, for how
long, what was heard of an answer whose rest is lost. Must not know: how a call is claimed, what is said next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from brain.memory.conversation import Conversation
from brain.sequencer.state import State
from shared.contract.card import BrainRecording

LOST_WORDS = (
    "What the caller has just said was lost. Tell them so in one short sentence, in the language of the"
    " conversation, and ask them to say it again."
)

KEPT_MS = 60_000.0
"""A call that was not written again within this is over."""


@dataclass(frozen=True, slots=True)
class Past:
    """One call's."""

    conversation: Conversation
    was_owed: bool
    """The caller waited for an answer, or the rest of one was lost, or they were just saying something."""
    wish: str
    """What the model is to be told when it goes on; empty: nothing, it knows what it was asked."""
    debt: int
    """The last debt: numbers rise over the call."""
    claims: int
    """How often the call had been claimed, by whomever, when it was lost."""
    restored_at_ms: int | None
    """When its card had last been written again, by then."""
    agent: str = ""
    """Who had answered; empty: whoever the card asks for."""
    context: str | None = field(default=None, repr=False)
    """What was known of the caller, as it stood on the card; None: nobody had found it out."""
    recording: BrainRecording | None = None
    """Whether it was recorded, as it stood on the card."""

    def is_latest(self, claims: int, restored_at_ms: int | None) -> bool:
        """Whether it says more than Redis, now that the call was claimed so often and its card last written
        again then: Redis has lost the call, or our claim of it, and nobody has had it since. Else we were
        stopped, say: what we had written is there, what we were saying is played on, and another brain may
        have gone on with it."""
        has_forgotten = restored_at_ms != self.restored_at_ms or claims <= self.claims
        return has_forgotten and claims <= self.claims + 1


def keep(
    conversation: Conversation,
    state: State,
    now_ms: float,
    claims: int,
    restored_at_ms: int | None,
    agent: str = "",
    context: str | None = None,
) -> Past:
    """What is kept of a call that stands like this. What it was saying is broken off: what was heard of it is
    what egress has reported, and the time since."""
    speaking, is_first = state.speaking, True
    was_speaking = state.caller.speaking
    was_owed = was_speaking or state.debts.owed is not None or bool(state.items) or state.active is not None
    for item in state.items.values():
        heard_ms = item.heard_ms
        if is_first and speaking is not None and speaking.response_id == item.response_id:
            heard_ms += max(0.0, now_ms - speaking.progress_at_ms)
        is_first = False
        heard_ms = min(heard_ms, item.received_ms)
        conversation.heard(item.item_id, int(heard_ms), int(item.received_ms), item.complete)
    wish = LOST_WORDS if was_speaking else ""
    return Past(conversation, was_owed, wish, state.debts.raised, claims, restored_at_ms, agent, context)


@dataclass(slots=True)
class PastCalls:
    """Those that this process lost and may get back."""

    _kept: dict[str, tuple[Past, float]] = field(default_factory=dict)

    def put(self, call_sid: str, past: Past, now_ms: float) -> None:
        """A call was lost."""
        self._kept[call_sid] = past, now_ms + KEPT_MS

    def take(self, call_sid: str) -> Past | None:
        """It is ours again; None: nothing is known of it."""
        found = self._kept.pop(call_sid, None)
        return None if found is None else found[0]

    def forget_old(self, now_ms: float) -> None:
        """Lets go of what nobody has asked for in time."""
        for call_sid, (_, until_ms) in list(self._kept.items()):
            if until_ms <= now_ms:
                del self._kept[call_sid]
