"""Exit codes of Trunkline's processes: an operator reads these in `supervisorctl status` and in logs.

Owns: the numbers and their meaning. Must not know: what leads to one, or anything that takes memory to
import: the process that holds the public port needs no more than these. A role never exits because Redis is
away or cannot serve; it is not ready, and says why. (6, 10 and 11 once were for that.)
"""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    OK = 0
    """Stopped as asked, every step done."""
    FAILED = 1
    """A bug: an exception that nothing expected. The log has the traceback."""
    USAGE = 2
    """The command line is wrong (argparse's own code)."""
    SETTINGS = 3
    """A setting or the agents file is missing or wrong; a line for each problem names it, what was expected
    and what it got."""
    SECOND_COPY = 4
    """Another process of the same role and number runs on this host."""
    LISTEN = 5
    """The public port or socket could not be opened, or is not the one that the settings ask for."""
    DRAIN_FORCED = 7
    """A second signal ended the drain before the calls had ended."""
    ENV_FILE = 8
    """`.env` cannot be read, whole or in part; the message names file and line."""
    ADMIN_PORT = 9
    """Somebody else listens on the admin port."""
    STUCK = 12
    """Its event loop made no turn for ten seconds: it served nobody any more. The log has the line."""


OF_THE_SET_UP = frozenset(
    {
        Exit.SETTINGS,
        Exit.SECOND_COPY,
        Exit.LISTEN,
        Exit.ENV_FILE,
        Exit.ADMIN_PORT,
    }
)
"""What no restart mends: somebody has to change something."""
