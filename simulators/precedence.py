"""The simulators are let in as soon as what they talk to.

Why it exists: in life Twilio and the model are other machines. Beside a bridge whose processes have real-time
scheduling, a simulator without it would wait for each of them, and callers would hear its lateness as the
bridge's. Owns: the wish to the kernel. Must not know: what is simulated.
"""

from __future__ import annotations

import os
import resource
import sys

PRIORITY = 1
"""The lowest of real time, as the bridge's."""

_RLIMIT_RTTIME = 15
"""Its number; Python has no name for it."""


def take_precedence() -> bool:
    """Asks Linux for real-time scheduling, for the calling thread alone. False where it is not to be had, by
    the rules by which the bridge has none either: no right to it, a limit by which the kernel would end who
    computes in it, a raised niceness, a class that somebody has given, another system."""
    if sys.platform != "linux" or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    limit = resource.getrlimit(_RLIMIT_RTTIME)[0]
    if limit != resource.RLIM_INFINITY or os.getpriority(os.PRIO_PROCESS, 0) > 0:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
