"""When a commit goes, and what its replies say became of each of its writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.store.gathering import never_late
from shared.store.refusals import ReplyError
from shared.store.writing.commits import NOT_DONE, Commit, CommitTimer, Fate, judge, pack
from shared.store.writing.write_queue import Write

OOM = ReplyError("OOM command not allowed when used memory > 'maxmemory'.")
BUG = ReplyError("ERR unknown command 'NONSENSE'")
ABORTED = ReplyError("EXECABORT Transaction discarded because of previous errors.")
FULL_AT_EXEC = ReplyError("EXECABORT Transaction discarded because of: OOM command not allowed")


def commit(writes: int) -> Commit:
    return pack(0, [Write(b"*1\r\n$4\r\nPING\r\n", None) for _ in range(writes)], 0.0)[0]


def test_a_single_write_needs_no_transaction() -> None:
    """Several are one step for every reader."""
    one, alone = pack(0, [Write(b"x", None)], 7.0)
    two, together = pack(0, [Write(b"x", None), Write(b"y", None)], 7.0)
    assert (alone, one.replies, one.size_bytes) == (b"x", 1, 1)
    assert together == b"*1\r\n$5\r\nMULTI\r\nxy*1\r\n$4\r\nEXEC\r\n"
    assert (two.replies, two.size_bytes, two.sent_at_ms) == (4, 2, 7.0)


@pytest.mark.parametrize(
    ("replies", "fate", "answers"),
    [
        ([b"OK", b"QUEUED", b"QUEUED", [1, 2]], Fate.DONE, [1, 2]),
        ([b"OK", b"QUEUED", b"QUEUED", [1, BUG]], Fate.DONE, [1, BUG]),
        ([b"OK", b"QUEUED", b"QUEUED", [1, OOM]], Fate.REFUSED, [1, NOT_DONE]),
        ([b"OK", b"QUEUED", BUG, ABORTED], Fate.SPOILT, [NOT_DONE, BUG]),
        ([b"OK", OOM, OOM, ABORTED], Fate.REFUSED, [NOT_DONE, NOT_DONE]),
        ([b"OK", OOM, BUG, ABORTED], Fate.REFUSED, [NOT_DONE, BUG]),
        ([b"OK", b"QUEUED", b"QUEUED", FULL_AT_EXEC], Fate.REFUSED, [NOT_DONE, NOT_DONE]),
        ([b"OK", b"QUEUED", b"QUEUED", [ReplyError("NOSCRIPT No matching"), 2]], Fate.UNKNOWN, []),
        ([b"OK", ReplyError("READONLY You can't"), b"QUEUED", ABORTED], Fate.UNKNOWN, []),
        ([ReplyError("LOADING x"), 1, 2, ReplyError("ERR EXEC without MULTI")], Fate.UNKNOWN, []),
    ],
)
def test_what_became_of_a_transaction(replies: list[Any], fate: Fate, answers: list[Any]) -> None:
    """Each write has its own answer, or was not done through no fault of its own."""
    verdict = judge(commit(2), replies)
    assert (verdict.fate, verdict.answers) == (fate, answers)


@pytest.mark.parametrize(
    ("reply", "fate", "word"),
    [
        (b"1-1", Fate.DONE, ""),
        (BUG, Fate.DONE, ""),
        (OOM, Fate.REFUSED, "OOM"),
        (ReplyError("MISCONF Redis is configured to save"), Fate.REFUSED, "MISCONF"),
        (ReplyError("BUSYGROUP Consumer Group name already exists"), Fate.DONE, ""),
        (ReplyError("READONLY You can't write"), Fate.UNKNOWN, "READONLY"),
        (ReplyError("NOSCRIPT No matching script"), Fate.UNKNOWN, ""),
    ],
)
def test_what_became_of_a_single_write(reply: Any, fate: Fate, word: str) -> None:
    """Also of one that only asks whether Redis takes any."""
    for writes in (0, 1):
        verdict = judge(commit(writes), [reply])
        assert (verdict.fate, verdict.word) == (fate, word)


def test_the_word_of_an_aborted_transaction_is_its_reason() -> None:
    """For whoever reads readiness or logs."""
    assert judge(commit(2), [b"OK", b"QUEUED", b"QUEUED", FULL_AT_EXEC]).word == "OOM"


async def turns_of_the_loop(turns: int = 2) -> None:
    """Enough for what is due at the end of a turn; no timer fires in them."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_what_a_turn_adds_is_one_commit() -> None:
    """However often it is said that something is to go; and never within the turn itself."""
    commits: list[str] = []
    timer = CommitTimer(lambda: commits.append("commit"), 3.0, never_late)
    for urgent in (False, False, True, True, False):
        timer.add()
        timer.set(urgent=urgent)
    assert commits == []
    await turns_of_the_loop()
    assert commits == ["commit"]


async def test_what_is_urgent_does_not_wait_with_the_crowd() -> None:
    """A crowd waits for a timer; a flush that comes meanwhile takes all along, and the timer is none."""
    commits: list[float] = []
    loop = asyncio.get_running_loop()
    timer = CommitTimer(lambda: commits.append(loop.time()), 50.0, never_late)
    for _ in range(100):  # They come as one: a gap of nothing.
        timer.add()
    timer.gone(0.0)
    timer.add()
    timer.set(urgent=False)
    await turns_of_the_loop()
    assert commits == []

    timer.set(urgent=True)
    await turns_of_the_loop()
    assert len(commits) == 1
    timer.stop()


async def test_a_timer_that_is_stopped_commits_nothing_until_it_is_set_again() -> None:
    """The connection is gone, and comes back."""
    commits: list[str] = []
    timer = CommitTimer(lambda: commits.append("commit"), 3.0, never_late)
    timer.add()
    timer.set(urgent=True)
    timer.stop()
    await turns_of_the_loop()
    assert commits == []

    timer.set(urgent=False)
    await turns_of_the_loop()
    assert commits == ["commit"]
