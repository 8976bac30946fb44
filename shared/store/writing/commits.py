"""A commit: when it goes, writes of one lane sent together, and what its replies say became of each.

Why it exists: a MULTI is answered in four ways (done, refused as a whole, refused by one of its writes, never
begun), a single command in two, and each leads elsewhere. Owns: the timer of the next commit (when it is due
is the rule of shared/store/gathering.py), the bytes of a commit, reading its replies, telling who waits.
Must not know: connections, when something is sent again.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.clock import now_ms
from shared.store import refusals
from shared.store.gathering import Batch, Gathering
from shared.store.refusals import ReplyError
from shared.store.writing.counters import OutboxCounters
from shared.store.writing.write_queue import OnReply, Write


class CommitTimer:
    """When the next commit goes: at the end of this turn of the loop, or when more have gathered. Calls
    `commit` once for each time that it is set, unless it is stopped before."""

    def __init__(self, commit: Callable[[], None], bound_ms: float, lag_ms: Callable[[], float]) -> None:
        """`bound_ms`: the longest that a write waits for others; `lag_ms`: how late the loop mostly is."""
        self._commit = commit
        self._lag_ms = lag_ms
        self._batch = Batch(Gathering(bound_ms))
        self.add = self._batch.add
        """One more write. No function of ours stands between: each frame passes here."""
        self._handle: asyncio.Handle | None = None
        self._is_urgent = False

    def set(self, *, urgent: bool) -> None:
        """What waits is to go: with all that this turn of the loop adds, or, if it is not urgent, when the
        rule says so."""
        if self._handle is not None:
            if self._is_urgent or not urgent:
                return
            self._handle.cancel()
        self._is_urgent = urgent
        self._handle = asyncio.get_running_loop().call_soon(self._fire if urgent else self._decide)

    def stop(self) -> None:
        """No commit, until it is set again."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._is_urgent = None, False

    def gone(self, now: float) -> None:
        """All that had gathered is on its way."""
        self._batch.gone(now)

    # Private.

    def _decide(self) -> None:
        wait_ms = self._batch.wait_ms(now_ms(), self._lag_ms())
        if wait_ms > 0:
            self._handle = asyncio.get_running_loop().call_later(wait_ms / 1000, self._fire)
        else:
            self._fire()

    def _fire(self) -> None:
        self._handle, self._is_urgent = None, False
        self._commit()


class Fate(enum.Enum):
    """What became of a commit."""

    DONE = enum.auto()
    """Each write has its answer."""
    SPOILT = enum.auto()
    """One of its writes will never be taken, and took the others with it."""
    REFUSED = enum.auto()
    """Redis takes no writes now."""
    UNKNOWN = enum.auto()
    """It must be sent again on a new connection."""


NOT_DONE = object()
"""In the place of an answer: the write was not done, through no fault of its own."""


@dataclass(frozen=True, slots=True)
class Answered:
    """`answers`: one for each write, in order, where the fate is not UNKNOWN. `error`: the refusal, or why
    the fate is unknown; `word`: its first, if it is a refusal that passes."""

    fate: Fate
    answers: list[Any]
    error: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """Without writes it asks whether Redis takes any."""

    tag: object
    writes: list[Write]
    sent_at_ms: float
    size_bytes: int

    @property
    def is_single(self) -> bool:
        """Whether it is one command, without a MULTI."""
        return len(self.writes) <= 1

    @property
    def replies(self) -> int:
        """How many replies it is answered with."""
        return 1 if self.is_single else len(self.writes) + 2


def pack(tag: object, writes: list[Write], now_ms: float) -> tuple[Commit, bytes]:
    """A commit and its bytes."""
    body = b"".join([write.packed for write in writes])
    packed = body if len(writes) == 1 else b"*1\r\n$5\r\nMULTI\r\n%b*1\r\n$4\r\nEXEC\r\n" % body
    return Commit(tag, writes, now_ms, len(body)), packed


def judge(commit: Commit, replies: list[Any]) -> Answered:
    """`replies`: those of its writes, or MULTI, QUEUED…, EXEC."""
    results = replies if commit.is_single else replies[-1]
    if isinstance(results, ReplyError) and not refusals.is_abort(results):
        # An EXEC that never had its MULTI: the writes were done one by one, or not at all.
        return _unknown(refusals.first(replies) or results)
    is_aborted = isinstance(results, ReplyError)
    # A server that became a replica refuses the writes of a batch when they are queued.
    error = refusals.first(replies if is_aborted else results)
    if error is not None and refusals.word_of(error) not in refusals.HERE:
        return _unknown(error)
    if is_aborted:
        answers = [reply if isinstance(reply, ReplyError) else NOT_DONE for reply in replies[1:-1]]
    else:
        answers = results
    if error is not None:
        answers = [NOT_DONE if refusals.passes(answer) else answer for answer in answers]
        return Answered(Fate.REFUSED, answers, str(error), refusals.word_of(error))
    return Answered(Fate.SPOILT if is_aborted else Fate.DONE, answers)


def tell(on_reply: OnReply | None, result: Any, counters: OutboxCounters) -> None:
    """Gives a result to who waits for it, if anybody. What that raises is told to the loop, and counted."""
    if on_reply is None:
        return
    try:
        on_reply(result)
    # Whatever it is, it is a bug of one call; let through, it would cost all calls the connection.
    except Exception as error:  # noqa: BLE001
        counters.callback_errors += 1
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a callback of the outbox raised", "exception": error}
        )


# Private.


def _unknown(error: ReplyError) -> Answered:
    word = refusals.word_of(error) if refusals.passes(error) else ""
    return Answered(Fate.UNKNOWN, [], str(error), word)
