"""The model writes where it should speak: nobody would hear it, so it is asked again, for audio.

Why it exists: a session that was told a history of texts may go on in text. The written answer is taken out
of the conversation, or the next one would follow its example.

Owns: that second question: asked once, and again only while sound is owed. Must not know: what was written.
"""

from __future__ import annotations

from dataclasses import replace as changed

from brain.sequencer import door, replace, responses
from brain.sequencer.inputs import TextPartOpened
from brain.sequencer.state import Item, State
from brain.sequencer.wishes import Reason
from shared.contract.streams.journal import Kind


def opened(s: State, i: TextPartOpened, now_ms: float) -> None:
    """`response.content_part.added` with a text part."""
    response = responses.live_response(s, i.response_id, now_ms)
    if response is None or response.spoke or response.cancelling:
        return
    if not response.confirmed and s.outstanding is not None:
        return  # Perhaps the answer to our create: its `created` will tell whose wish is to be kept.
    s.journal(Kind.ERROR, what="answered_in_text", response=i.response_id, item=i.item_id)
    # From here on it is not this response that serves the wish.
    wish, response.wish = response.wish, None
    if i.item_id:
        # Deleted with the response's other items, whether its opening was seen or not.
        s.items.setdefault(i.item_id, Item(item_id=i.item_id, response_id=i.response_id, session=s.session))
    responses.discard(s, response, now_ms)
    if s.debts.owed is not None:
        replace.silent_end(s, "answered_in_text")
    if s.hang_up is not None and (wish is None or wish.reason is not Reason.FAREWELL):
        return
    if wish is None:
        wish = door.new_wish(s, Reason.TURN, now_ms)
    elif wish.audio_only and s.debts.owed is None:
        s.journal(Kind.RESPONSE_EXPIRED, reason=wish.reason, wish=wish.number, cause="text_again")
        return
    elif wish.audio_only:
        wish = door.held_back(s, wish, now_ms)
    door.defer(s, changed(wish, audio_only=True), door.Gate.SLOT, "answered_in_text")
