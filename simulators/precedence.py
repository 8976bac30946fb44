"""The simulators are let in as soon as what they talk to.

Why it exists: in life Twilio and the model are other machines. Beside a bridge whose processes have real-time
scheduling, a simulator without it would wait for each of them, and callers would hear its lateness as the
bridge's. Owns: the wish to the kernel. Must not know: what is simulated.
"""

from __future__ import annotations

import os
import sys

PRIORITY = 1
"""The lowest of real time, as the bridge's."""


def take_precedence() -> bool:
    """Asks Linux for real-time scheduling, for the calling thread alone. False where that is not to be had
    (no right to it, another system): then the bridge of this user has it no more than we."""
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
