"""`trunkline roll`: restarts the processes of this host one by one, so that a deploy loses no call.

Why it exists: `supervisorctl restart brain:` stops all brains before it starts one. Here a process is only
touched while its siblings are ready to take the new calls, and the next only when it is back.

Owns: the order, the conditions between two restarts, what is said meanwhile. Must not know: what the roles
do when they are told to stop (they drain: shared/process/life.py), how supervisord is spoken to.

The order is egress, brain, ingress. Each role then meets only readers that are at least as new as itself:
egress reads what brain writes, brain reads what ingress writes, and a reader of a newer version understands
older entries, not the other way round. It is also the order in which supervisord starts them. And what is
dearest comes last: a new version that does not start is found out on an egress, whose calls a sibling takes,
before any socket of a caller is touched.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo
from shared.contract.worker import ROLES

ORDER = ("egress", "brain", "ingress")
POLL_S = 0.2
SAY_EVERY_S = 5.0
"""How often the live calls of a process that drains are told even if they are as many as before."""

STARTABLE = frozenset({"STOPPED", "EXITED", "FATAL", "UNKNOWN"})
"""States in which supervisord takes a start."""

MEANWHILE = {
    "ingress": "new connections wait in the socket's backlog, and webhooks may time out",
    "brain": "new calls wait in tl:{L}:calls and their callers hear nothing, then a hold clip",
    "egress": "new calls wait in tl:{L}:calls and the model's answers wait in `reply`",
}


class RollStopped(Exception):
    """The roll ends here; the text says what was expected, what there was, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of progress."""

    event: str
    """waiting, draining, starting, ready, left_out, done."""
    process: str = ""
    text: str
    calls: int | None = None
    """Live calls of the process, while it drains."""


class Processes(Protocol):
    """What the roll needs of supervisord (console/stack/supervision.py). May raise SUPERVISOR_ERRORS."""

    def processes(self) -> list[ProcessInfo]: ...
    def process(self, group: str, name: str) -> ProcessInfo: ...
    def ask_stop(self, group: str, name: str) -> None: ...
    def ask_start(self, group: str, name: str) -> None: ...


Ask = Callable[[str, int], Awaitable[str]]
"""Role and number → why that process is not ready; empty when it is."""

Count = Callable[[str, int], Awaitable[int | None]]
"""Role and number → its live calls, None when it does not say."""

Tell = Callable[[Told], None]


def plan(
    processes: Sequence[ProcessInfo], unready: Mapping[str, str], *, role: str = "", force: bool = False
) -> list[ProcessInfo]:
    """Which processes are restarted, in order. Pure.

    `unready`: name → reason, of those that are not ready now. Inside a role they come first: a process
    that serves nobody loses nothing, and is then a sibling for the next. What an operator has stopped
    stays stopped. Raises RollStopped.
    """
    if role and role not in ROLES:
        raise RollStopped(f"expected one of {', '.join(ROLES)} as the role, got {role!r}")
    wanted = (role,) if role else ORDER
    chosen = []
    for each in wanted:
        group = sorted(
            (info for info in processes if info.group == each and info.state != "STOPPED"),
            key=lambda info: (info.name not in unready, info.number),
        )
        if len(group) == 1 and not force:
            raise RollStopped(
                f"expected at least two running processes of {each} on this host, got {group[0].name} alone."
                f" While it restarts, {MEANWHILE[each]}. Start a second one"
                f" ({each.upper()}_PROCESSES in deploy/trunkline.conf), or give --force to let them wait."
            )
        chosen += group
    if not chosen:
        raise RollStopped(
            f"expected running processes of {' or '.join(wanted)} under this supervisord, got none."
            " `supervisorctl status` shows what there is."
        )
    return chosen


def siblings(of: ProcessInfo, chosen: Sequence[ProcessInfo]) -> list[ProcessInfo]:
    """The other processes of the same role."""
    return [info for info in chosen if info.group == of.group and info.name != of.name]


@dataclass(slots=True, kw_only=True)
class Roll:
    """One roll. `run` does it all."""

    supervisor: Processes
    why_not_ready: Ask
    live_calls: Count
    tell: Tell
    timeout_s: float
    """How long a process, or a sibling that is waited for, may take to be ready."""

    async def run(self, role: str = "", *, force: bool = False) -> None:
        """Restarts the processes. Raises RollStopped and SUPERVISOR_ERRORS.

        Cancelled, it first brings back the process that it has told to stop; a second cancellation leaves it.
        """
        processes = await asyncio.to_thread(self.supervisor.processes)
        mine = [info for info in processes if info.group in ROLES]
        reasons = await asyncio.gather(*(self._why_not_ready(info) for info in mine))
        unready = {info.name: why for info, why in zip(mine, reasons, strict=True) if why}
        chosen = plan(mine, unready, role=role, force=force)
        for info in mine:
            if info.state == "STOPPED" and (not role or info.group == role):
                self._say("left_out", info.name, "left out: it was stopped by hand")
        for place, info in enumerate(chosen):
            await self._until_siblings_ready(siblings(info, chosen), info)
            await self._finished(self._restart(info), info.name)
            self._say("ready", info.name, f"ready ({place + 1} of {len(chosen)})")
        names = ", ".join(info.name for info in chosen)
        self._say("done", "", f"restarted, all ready: {names}")

    # Private.

    async def _until_siblings_ready(self, others: list[ProcessInfo], info: ProcessInfo) -> None:
        for other in others:
            why = await self._until_ready(other)
            if why:
                raise RollStopped(
                    f"expected {other.name} to be ready before {info.name} is touched, got: {why} (for"
                    f" {self.timeout_s:.0f} s). {info.name} goes on as it was. Look into {other.name}'s log,"
                    " then roll again."
                )

    async def _finished(self, work: Awaitable[None], name: str) -> None:
        """A process that has been told to stop must not stay away because somebody pressed Ctrl-C."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._say("waiting", name, "will be brought back before this ends; once more: leave it as it is")
            await task
            raise

    async def _restart(self, info: ProcessInfo) -> None:
        before = await asyncio.to_thread(self.supervisor.process, info.group, info.name)
        if before.state not in STARTABLE:
            await self._stop(info)
        self._say("starting", info.name, "starting")
        await asyncio.to_thread(self.supervisor.ask_start, info.group, info.name)
        why = await self._until_ready(info, old_pid=before.pid)
        if why:
            now = await asyncio.to_thread(self.supervisor.process, info.group, info.name)
            raise RollStopped(
                f"expected {info.name} back and ready within {self.timeout_s:.0f} s, got {now.state}: {why}."
                " Nothing else was touched. Its log says why; supervisord goes on trying to start it."
            )

    async def _stop(self, info: ProcessInfo) -> None:
        """Bounded by supervisord, which kills what outlives its stopwaitsecs."""
        number = info.number
        calls = await self.live_calls(info.group, number)
        self._say("draining", info.name, _draining(calls), calls)
        await asyncio.to_thread(self.supervisor.ask_stop, info.group, info.name)
        said, said_at = calls, time.monotonic()
        while (await asyncio.to_thread(self.supervisor.process, info.group, info.name)).pid:
            calls = await self.live_calls(info.group, number)
            now = time.monotonic()
            if calls is not None and (calls != said or now - said_at >= SAY_EVERY_S):
                self._say("draining", info.name, _draining(calls), calls)
                said, said_at = calls, now
            await asyncio.sleep(POLL_S)

    async def _until_ready(self, info: ProcessInfo, *, old_pid: int = 0) -> str:
        """Waits; returns the last reason when time is up, empty when ready."""
        deadline = time.monotonic() + self.timeout_s
        said = ""
        while True:
            why = await self._why_not_ready(info, old_pid=old_pid)
            if not why:
                return ""
            if time.monotonic() > deadline:
                return why
            if why not in (said, "STARTING"):
                self._say("waiting", info.name, why)
                said = why
            await asyncio.sleep(POLL_S)

    async def _why_not_ready(self, info: ProcessInfo, *, old_pid: int = 0) -> str:
        """supervisord first: an admin port answers for whoever has it."""
        try:
            now = await asyncio.to_thread(self.supervisor.process, info.group, info.name)
        except SUPERVISOR_ERRORS as error:
            return f"supervisord does not answer: {error}"
        if now.state != "RUNNING":
            return f"{now.state}: {now.text}" if now.text else now.state
        if now.pid == old_pid:
            return "not restarted yet"
        return await self.why_not_ready(info.group, info.number)

    def _say(self, event: str, process: str, text: str, calls: int | None = None) -> None:
        self.tell(Told(event=event, process=process, text=text, calls=calls))


# Private.


def _draining(calls: int | None) -> str:
    if calls is None:
        return "told to stop"
    if not calls:
        return "told to stop, no live call"
    return f"draining: {calls} live call{'s' if calls != 1 else ''} go{'es' if calls == 1 else ''} on"
