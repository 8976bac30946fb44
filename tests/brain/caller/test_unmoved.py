"""What is to be moved out of the caller's stream, and what becomes of a move."""

from __future__ import annotations

from brain.caller.unmoved import Unmoved
from shared.contract.writes import CallerMove, Moved

KEYS = ("card", "caller", "turn")


def unmoved() -> Unmoved:
    """Three pieces were given."""
    found = Unmoved(KEYS, epoch=3)
    for last_id, audio in ((b"9-1", b"a"), (b"10-0", b"b"), (b"10-2", b"c")):
        found.give(last_id, audio)
    return found


def move(last_id: str, audio: bytes, keep_from: str) -> CallerMove:
    return CallerMove(KEYS, 3, last_id, audio, keep_from)


def test_what_the_socket_took_is_one_piece() -> None:
    """What was queued and not sent stays where it is; nothing to move is no move."""
    found = unmoved()

    assert found.next_move(b"10-1", 4) == move("10-0", b"ab", "4-0")
    found.answered(Moved.DONE)
    assert found.next_move(b"10-1", 4) is None
    assert found.next_move(b"10-2", 4) == move("10-2", b"c", "4-0")


def test_one_move_at_a_time() -> None:
    """The next one waits for the answer."""
    found = unmoved()
    found.next_move(b"9-1", 0)

    assert found.next_move(b"10-2", 0) is None
    found.answered(Moved.DONE)
    assert found.next_move(b"10-2", 0) == move("10-2", b"bc", "0-0")


def test_a_refused_move_is_asked_for_again_as_it_was() -> None:
    """Then what came after it."""
    found = unmoved()
    refused = found.next_move(b"9-1", 2)
    found.answered(Moved.NOT_YET)

    assert found.next_move(b"10-2", 5) == refused
    found.answered(Moved.DONE)
    assert found.next_move(b"10-2", 5) == move("10-2", b"bc", "5-0")


def test_what_is_too_old_goes_although_nothing_moves() -> None:
    """A turn that is over while the caller sends nothing must not be said again."""
    found = Unmoved(KEYS, epoch=3)

    assert found.next_move(b"", 0) is None
    assert found.next_move(b"9-1", 7) == move("", b"", "7-0")
    found.answered(Moved.DONE)
    assert found.next_move(b"9-1", 7) is None


def test_a_session_that_is_gone_has_nothing_to_move() -> None:
    """Its last move is answered all the same, and is not asked for again: what it would take out of the
    stream the next session may not have read."""
    found = unmoved()
    found.next_move(b"9-1", 0)
    found.forget()

    assert found.is_under_way
    found.answered(Moved.NOT_YET)
    assert found.next_move(b"10-2", 0) is None
