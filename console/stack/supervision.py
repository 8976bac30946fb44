"""supervisord's XML-RPC over its Unix socket, typed.

Owns: the calls we make and the shape of what comes back. Must not know: what the processes are for.
"""

from __future__ import annotations

import contextlib
import http.client
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

DOWN_STATES = frozenset({"BACKOFF", "EXITED", "FATAL", "UNKNOWN"})
"""States of a process that was to run and does not."""

SUPERVISOR_ERRORS = (OSError, http.client.HTTPException, xmlrpc.client.Error)
"""What a call can raise: no socket yet, a supervisord that is ending, a refusal (Fault)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessInfo:
    """One process as supervisord sees it."""

    name: str
    group: str
    state: str
    """STARTING, RUNNING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL or UNKNOWN."""
    pid: int
    """0 while it does not run."""
    text: str
    """supervisord's own words: uptime, or why it could not be started."""
    exit_status: int = 0
    """How it ended last; 0 too while it has not."""
    log: str = ""
    """Where what it says is written; empty if nowhere."""

    @property
    def is_down(self) -> bool:
        """Whether it was to run and does not."""
        return self.state in DOWN_STATES

    @property
    def number(self) -> int:
        """Of a role's process: `brain-1` is 1. Raises ValueError for a name without a number."""
        return int(self.name.rpartition("-")[2])


class Supervisor:
    """One supervisord. Every call blocks for some milliseconds and may raise SUPERVISOR_ERRORS."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def processes(self) -> list[ProcessInfo]:
        """All processes, in supervisord's order."""
        return [_read(item) for item in self._call("getAllProcessInfo")]

    def restart(self, group: str, name: str) -> None:
        """Stops the process, waiting for its end, and starts it again, waiting until it runs."""
        self._call("stopProcess", f"{group}:{name}")
        self._call("startProcess", f"{group}:{name}")

    def stop(self, group: str, name: str) -> None:
        """Stops the process for good, waiting for its end."""
        self._call("stopProcess", f"{group}:{name}")

    def process(self, group: str, name: str) -> ProcessInfo:
        """One process."""
        return _read(self._call("getProcessInfo", f"{group}:{name}"))

    def ask_stop(self, group: str, name: str) -> None:
        """Sends the stop signal; does not wait. supervisord kills what outlives its stopwaitsecs."""
        self._call("stopProcess", f"{group}:{name}", False)

    def ask_start(self, group: str, name: str) -> None:
        """Starts a stopped process; does not wait until it runs."""
        self._call("startProcess", f"{group}:{name}", False)

    def stop_group(self, group: str) -> None:
        """Asks all processes of a program to stop; does not wait."""
        self._call("stopProcessGroup", group, False)

    # Private.

    def _call(self, method: str, *arguments: str | bool) -> Any:
        # A connection of its own for each call: supervisord serves all of them from one loop, and a
        # connection kept open would be found dead after a restart.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        with contextlib.closing(transport):
            return getattr(proxy.supervisor, method)(*arguments)


# Private.


def _read(item: dict[str, Any]) -> ProcessInfo:
    return ProcessInfo(
        name=cast(str, item["name"]),
        group=cast(str, item["group"]),
        state=cast(str, item["statename"]),
        pid=cast(int, item["pid"]),
        text=cast(str, item["spawnerr"] or item["description"]),
        exit_status=cast(int, item["exitstatus"]),
        log=cast(str, item["stdout_logfile"] or item["stderr_logfile"]),
    )
