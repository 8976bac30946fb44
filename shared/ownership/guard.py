"""A bug that is met in one call stays in that call: the one way in which every entry point is guarded.

Why it exists: a process serves hundreds of calls, and what is read for one of them may have been typed by a
person, or written by a version that nobody has any more. An exception that is let through ends the process,
and its next owner after it. Owns: what is counted, logged and journalled of a bug, and that the call's role
is told of it, once. Must not know: how a role ends its part of a call.

What an entry point is: whatever is called for one call by somebody who serves others too: a ring, a pair of
`out` or `back`, entries of `caller` or `reply`, a letter, a tick, a timer, the look of each second, an answer
of Redis, a task. The list is `Where`.

A line of the log has the kind of the exception and the places that it came through; never its text, nor a
line of source: audio, words of a conversation and numbers may stand in them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.contract.streams.journal import Kind
from shared.logs.log import Log
from shared.logs.text import places
from shared.ownership.counters import OwnershipCounters, Where
from shared.ownership.journal import JournalPen

T = TypeVar("T")

OnBug = Callable[[str], None]
"""Is told which call met a bug: the role ends its part of it, and gives it back. It may be told of a call
that it does not have."""


class CallBug(Exception):
    """A bug that is noted already: it ends what else is done for its call."""


async def end_by_bug() -> None:
    """A task that ends the group of tasks that it is in."""
    raise CallBug


@dataclass(slots=True)
class CallGuard:
    """One object a process. The role sets `on_bug` before it takes a call."""

    journal: JournalPen
    counters: OwnershipCounters
    log: Log
    on_bug: OnBug = lambda _call_sid: None

    def run(self, where: Where, call_sid: str, work: Callable[..., T], *args: Any, **named: Any) -> T | None:
        """What `work` returns; None if it raised: then the call is over here."""
        try:
            return work(*args, **named)
        except Exception as bug:  # noqa: BLE001 - that is what this is for
            self.caught(where, call_sid, bug)
            return None

    def wrap(self, where: Where, call_sid: str, work: Callable[..., None]) -> Callable[..., None]:
        """The same for what others are to call: a sink, a timer's call, who is told of an answer."""

        def guarded(*args: Any) -> None:
            try:
                work(*args)
            except Exception as bug:  # noqa: BLE001 - that is what this is for
                self.caught(where, call_sid, bug)

        return guarded

    async def task(self, call_sid: str, work: Awaitable[None]) -> None:
        """The same for a task. Cancelling it cancels `work`."""
        try:
            await work
        except Exception as bug:  # noqa: BLE001 - that is what this is for
            self.caught(Where.TASK, call_sid, bug)

    def caught(self, where: Where, call_sid: str, bug: Exception) -> None:
        """A bug was met, and caught where others are served too: noted, and the role ends the call's part."""
        self.note(where, call_sid, bug)
        try:
            self.on_bug(call_sid)
        except Exception as second:  # noqa: BLE001 - what cannot be ended in order is left to its other owners
            self.note(Where.END, call_sid, second)

    def note(self, where: Where, call_sid: str, bug: BaseException) -> None:
        """Counted, logged, journalled, unless it is; for whoever ends the call by itself."""
        if isinstance(bug, CallBug):
            return
        self.counters.bugs[where] += 1
        self.log.error(
            "call_bug", call=call_sid, where=where.value, error=type(bug).__name__, places=places(bug)
        )
        if call_sid:
            self.journal.note(call_sid, Kind.ERROR, what="bug", where=where.value, error=type(bug).__name__)
