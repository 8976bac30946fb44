"""Where playing stood by the card: the last word about the caller's ear if egress says nothing more.

Why it exists: after an interruption the model's memory is cut at what egress says was heard. An egress that
is gone says nothing; without this, all of an item that had played for seconds would be taken out.

Owns: reading that figure. It is up to a second old, so never above what was heard. Must not know: what is
made of it.
"""

from __future__ import annotations

from brain.sequencer.inputs import Heard
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS


async def last_playhead(process: Process, call_sid: str, cut: int) -> Heard | None:
    """The playhead in the cut that was interrupted; None if the card knows of none, or cannot be read."""
    key = process.keys.card(call_sid)
    try:
        found = await process.store.hmget_text(key, ["playhead_item", "playhead_ms"])
    except STORE_ERRORS:
        return None
    item, ms = found.get("playhead_item", ""), found.get("playhead_ms", "")
    if not item or not (ms.isascii() and ms.isdigit()):
        return None
    return Heard(cut=cut, response_id="", item_id=item, heard_ms=float(ms))
