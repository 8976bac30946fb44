"""The moves of many calls: one script a lane, one answer each."""

from __future__ import annotations

from typing import Any

from brain.caller.moves import CallerMoves
from shared.contract.command import Command
from shared.contract.lua import scripts
from shared.contract.lua.scripts import Answer, Refusal
from shared.contract.writes import CallerMove, Moved
from shared.ownership.counters import Where
from shared.store.errors import OutboxFull
from shared.store.writing.outbox import OnReply, Outbox
from tests.support.guards import a_guard
from tests.support.ways import way_to


class FakeOutbox(Outbox):
    """Keeps what is sent and who waits for its answer."""

    def __init__(self) -> None:
        super().__init__(way_to("redis://127.0.0.1:1/0"), name="test", commit_ms=3.0)
        self.sent: list[tuple[Command, Any]] = []

    def send(self, command: Command, *, on_reply: OnReply | None = None, urgent: bool = False) -> None:
        self.sent.append((command, on_reply))


class FakeMover:
    """Has one thing to move, or nothing."""

    def __init__(self, lane: int, name: str = "", *, raises: bool = False) -> None:
        self.lane = lane
        self.name = name
        self.call_sid = name
        self.raises = raises
        self.answers: list[Moved | Refusal] = []

    def next_move(self) -> CallerMove | None:
        keys = (f"{self.name}:card", f"{self.name}:caller", f"{self.name}:turn")
        return CallerMove(keys, 1, "5-0", b"x", "0-0") if self.name else None

    def move_answered(self, answer: Moved | Refusal) -> None:
        self.answers.append(answer)
        if self.raises:
            raise ValueError("a bug")


def test_calls_of_one_lane_are_one_script() -> None:
    """Who has nothing to move, or left, is not in it."""
    outbox = FakeOutbox()
    moves = CallerMoves(outbox, "brain-0@h#1", a_guard())
    gone = FakeMover(0, "gone")
    for mover in (FakeMover(0, "a"), FakeMover(0), FakeMover(0, "b"), FakeMover(1, "c"), gone):
        moves.add(mover)
    moves.remove(gone)
    moves.remove(gone)

    moves.ask()

    found = {command.tag: command.args for command, _ in outbox.sent}
    assert {tag: args[2] for tag, args in found.items()} == {0: b"6", 1: b"3"}
    assert {args[1] for args in found.values()} == {scripts.TURN.sha.encode()}
    assert {b"a:card", b"b:card"} <= set(found[0])


def test_nothing_to_move_is_no_script() -> None:
    """Nobody speaks."""
    outbox = FakeOutbox()
    moves = CallerMoves(outbox, "brain-0@h#1", a_guard())
    moves.add(FakeMover(0))

    moves.ask()

    assert outbox.sent == []


def test_each_is_told_what_became_of_his() -> None:
    """Of an error of the whole script all are told that nothing moved."""
    outbox = FakeOutbox()
    moves, movers = CallerMoves(outbox, "brain-0@h#1", a_guard()), [FakeMover(0, "a"), FakeMover(0, "b")]
    for mover in movers:
        moves.add(mover)
    moves.ask()
    moves.ask()
    (command, first), (_, second) = outbox.sent
    in_order = sorted(movers, key=lambda mover: command.args.index(f"{mover.name}:card".encode()))

    first([[b"OK"], [b"FENCED", b"brain-1@h#1", b"9"]])
    second(OutboxFull("full"))

    assert [mover.answers for mover in in_order] == [
        [Moved.DONE, Moved.NOT_YET],
        [Refusal(Answer.FENCED, "brain-1@h#1", 9), Moved.NOT_YET],
    ]


def test_a_bug_in_one_call_keeps_no_answer_from_the_others() -> None:
    """The guard counts it."""
    outbox, guard = FakeOutbox(), a_guard()
    moves = CallerMoves(outbox, "brain-0@h#1", guard)
    movers = [FakeMover(0, "a", raises=True), FakeMover(0, "b", raises=True)]
    for mover in movers:
        moves.add(mover)
    moves.ask()
    [(_, answered)] = outbox.sent

    answered([[b"OK"], [b"OK"]])

    assert guard.counters.bugs[Where.ANSWER] == 2
    assert [mover.answers for mover in movers] == [[Moved.DONE], [Moved.DONE]]
