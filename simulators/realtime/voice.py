"""What the model's words sound like.

Why it exists: a proof may want each 20 ms of each response to say whose they are, where a clip sounds the
same in every call. Owns: the form of such a voice, and the usual one. Must not know: when anything is said.
"""

from __future__ import annotations

from collections.abc import Callable

from simulators import clips
from simulators.realtime.record import SessionRecord

Voice = Callable[[SessionRecord, int, int, str], bytes]
"""Session, number of the response in it, output index, name of the clip → the µ-law audio of that output. It
is asked more than once, and must answer the same."""


def clip_voice(_session: SessionRecord, _response: int, _index: int, clip: str) -> bytes:
    """The clip as it is, in every call."""
    return clips.load(clip)
