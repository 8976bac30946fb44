"""Exit codes of Trunkline's processes: an operator reads these in `supervisorctl status` and in logs.

Owns: the numbers and their meaning. Must not know: what leads to one. A role never exits because Redis is
away; it waits and says so.
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
    """A setting is missing or wrong; the message names it, what was expected and what it got."""
    SECOND_COPY = 4
    """Another process of the same role and number runs on this host."""
    LISTEN = 5
    """The port or socket could not be opened."""
    REDIS_REFUSED = 6
    """Redis answers but cannot serve: too old, an evicting memory policy, another number of lanes."""
    DRAIN_FORCED = 7
    """A second signal ended the drain before the calls had ended."""
