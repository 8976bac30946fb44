"""How a call stands, for tests of what follows from it."""

from __future__ import annotations

from brain.call.owing import Standing
from brain.sequencer import SlotState

QUIET = Standing(
    slot=SlotState.FREE,
    owed=None,
    is_busy=False,
    tools_run=False,
    has_session=True,
    takes_audio=True,
    is_here=True,
    is_audible=False,
    is_caller_speaking=False,
    is_ending=False,
)
"""Nothing goes on."""
