"""`python -m proofs.prove.chaos.shapes.become PARENT SCHEDULING COMMAND …`: becomes a server.

Why it exists: what a proof has started must end with it, however the proof ends; and one that stands still
(SIGSTOP) hears no SIGTERM. So the kernel is asked for SIGKILL before this module replaces itself by the
server. Owns: that wish, and the one to be let in soon. Must not know: which server it becomes.

PARENT is the pid of who started it, SCHEDULING `first` or `usual`.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from shared.process.host import PR_SET_PDEATHSIG, be_let_in_first

FIRST: Final = "first"
USUAL: Final = "usual"


def command_of(command: Sequence[str], *, parent_pid: int, is_first: bool) -> list[str]:
    """The command line that becomes `command`. `is_first`: let in soon, as the embedded server is."""
    scheduling = FIRST if is_first else USUAL
    return [sys.executable, "-m", "proofs.prove.chaos.shapes.become", str(parent_pid), scheduling, *command]


def main(words: Sequence[str]) -> None:
    """Becomes what the words say. Ends at once where the parent has ended already."""
    parent_pid, scheduling, *command = words
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent_pid):
        sys.exit(0)
    if scheduling == FIRST:
        be_let_in_first(realtime=True)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
