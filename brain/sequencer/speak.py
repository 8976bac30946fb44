"""Wishes from outside: a greeting, an idle prompt, an operator's words.

Owns: what `force` means. It interrupts, then waits for the slot like everyone else. Must not know: who
wishes.
"""

from __future__ import annotations

from brain.sequencer import cut, door, owing
from brain.sequencer.inputs import WishToSpeak
from brain.sequencer.state import Phase, State
from shared.contract.streams.journal import Kind


def wish_to_speak(s: State, i: WishToSpeak, now_ms: float) -> None:
    """Someone outside wants a response."""
    if s.hang_up is not None:
        s.journal(Kind.RESPONSE_SUPERSEDED, reason=i.reason, cause="hang_up")
        return
    cause = owing.CAUSES.get(i.reason)
    if cause is not None:
        owing.owe(s, cause, now_ms)
    wish = door.new_wish(s, i.reason, now_ms, text=i.text, force=i.force)
    if i.force and s.phase is Phase.OPEN:
        cut.interrupt(s, now_ms, cause="force")
    door.submit(s, wish, now_ms)
